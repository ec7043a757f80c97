"""Charging profiles, Receiver interface: eMSPs ask for profiles in our sessions.

OCPI 2.2.1, ChargingProfiles, "Receiver Interface".
"""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.dialects.dialect import Finding
from ocpi_party.modules.callbacks import inbound, repeated
from ocpi_party.modules.callbacks.inbound import Inbound
from ocpi_party.modules.callbacks.urls import check_response_url
from ocpi_party.modules.chargingprofiles.checks import OurSession, oddities, our_session, verdict
from ocpi_party.modules.chargingprofiles.kinds import Kind
from ocpi_party.modules.chargingprofiles.query import parameters, seconds
from ocpi_party.ocpi.charging_profile import (
    ChargingProfileResponse,
    ChargingProfileResponseType,
    ChargingProfileResultType,
    SetChargingProfile,
)
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, encode
from ocpi_party.partners.findings import note
from ocpi_party.transport.asked import Asked, CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import success

router = APIRouter()


@router.get("/{session_id}")
async def get_active_charging_profile(request: Request, asked: CurrentAsked, session_id: IdInUrl) -> Response:
    """What the EVSE is planning; it comes to the response_url later."""
    given = parameters(request.url.query)
    return await _take_on(asked, Kind.ACTIVE, session_id, {"duration": seconds(given.duration)}, given.response_url)


@router.put("/{session_id}")
async def put_charging_profile(request: Request, asked: CurrentAsked, session_id: IdInUrl) -> Response:
    reading = asked.spoken.read(SetChargingProfile, await json_object(request, asked))
    wanted = {"charging_profile": reading.document["charging_profile"]}
    url = reading.document["response_url"]
    findings = (*reading.findings, *oddities(reading.document["charging_profile"]))
    return await _take_on(asked, Kind.SET, session_id, wanted, url, findings)


@router.delete("/{session_id}")
async def delete_charging_profile(request: Request, asked: CurrentAsked, session_id: IdInUrl) -> Response:
    return await _take_on(asked, Kind.CLEAR, session_id, {}, parameters(request.url.query).response_url)


async def _take_on(
    asked: Asked,
    kind: Kind,
    session_id: str,
    wanted: JsonObject,
    response_url: str | None,
    findings: Sequence[Finding] = (),
) -> Response:
    """Keep the request for the operator's system, if it can be passed on; ACCEPTED means that it is kept."""
    if not response_url:
        raise InvalidObject("/response_url", "is required")
    url = check_response_url(response_url, asked.partner, allow_private=asked.house.allow_private_urls)
    async with asked.database.write() as tx:
        session = await our_session(tx, asked.owners, session_id)
        given = _inbound(asked, kind, session, wanted, url) if session else None
        known = await repeated.first(tx, given) if given else None
        if known is not None:
            return success(asked.spoken.write(ChargingProfileResponse, known.response))
        most = asked.house.charging_profile_requests
        told = await verdict(tx, session, asked.asking, asked.partner.id, most)
        timeout = asked.house.command_timeout
        response = encode({"result": told, "timeout": int(timeout.total_seconds())})
        if given is not None and told is ChargingProfileResponseType.ACCEPTED:
            await inbound.open_request(tx, given, response, timeout)
        if findings:
            shown = session.document["id"] if session else session_id
            await note(tx, asked.partner.id, ModuleId.CHARGING_PROFILES, shown, findings)
    return success(asked.spoken.write(ChargingProfileResponse, response))


def _inbound(asked: Asked, kind: Kind, session: OurSession, wanted: JsonObject, url: str) -> Inbound:
    return Inbound(
        module=ModuleId.CHARGING_PROFILES,
        kind=kind,
        partner_id=asked.partner.id,
        ours=session.owner,
        theirs=str(asked.sender or session.audience),
        ref=session.key,
        request={"session_id": session.document["id"]} | wanted,
        response_url=url,
        # The EVSE did not say that it has no profile: nothing is known but that the request was not carried out.
        on_timeout={"result": ChargingProfileResultType.REJECTED},
    )
