"""Charging profiles: the operator asks for them as an eMSP, and as a CPO tells what came of those that it got."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from ocpi_party.backoffice.answers import as_json
from ocpi_party.backoffice.authorization import READ, WRITE, CurrentBuilding
from ocpi_party.backoffice.described import body_of
from ocpi_party.backoffice.filters import RequestState, one_of
from ocpi_party.backoffice.lists import LISTED, answer, asked_for
from ocpi_party.backoffice.writing import PathId, json_object, our_owner
from ocpi_party.modules.callbacks import inbound, outbound
from ocpi_party.modules.callbacks.view import inbound_view, outbound_view
from ocpi_party.modules.chargingprofiles import active, results
from ocpi_party.modules.chargingprofiles.kinds import Kind
from ocpi_party.modules.chargingprofiles.sending import Wanted, send
from ocpi_party.ocpi.charging_profile import ActiveChargingProfile, ChargingProfile
from ocpi_party.ocpi.errors import InvalidParameter, UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import PartyId, wire_time
from ocpi_party.owned.publish import our_ref
from ocpi_party.transport.asked import Building

router = APIRouter(tags=["chargingprofiles"])

RequestId = Annotated[int, Path(ge=1, le=2**62)]
CountryCode = Annotated[str | None, Query(min_length=2, max_length=2, description="of the CPO, if several have the id")]
Party = Annotated[str | None, Query(min_length=1, max_length=3)]
Partner = Annotated[int | None, Query(ge=1, le=2**62, description="id of the partner it came from")]

_REQUESTS = "/chargingprofiles/requests"
_PLAN = "/sessions/{country_code}/{party_id}/{session_id}/active_charging_profile"


@router.get("/chargingprofiles", dependencies=[READ, LISTED])
async def list_requests(
    request: Request,
    building: CurrentBuilding,
    direction: Annotated[Literal["inbound", "outbound"], Query()] = "outbound",
    state: RequestState = None,
) -> Response:
    """Requests, newest first: outbound are those that we sent as an eMSP, inbound those that our EVSEs must carry out."""
    wanted = asked_for(request, building)
    module = ModuleId.CHARGING_PROFILES
    async with building.database.read() as tx:
        if direction == "inbound":
            rows, total = await inbound.page(tx, module, wanted, state=one_of(inbound.State, state, "state"))
            views = [inbound_view(row, "kind") for row in rows]
        else:
            rows, total = await outbound.page(tx, module, wanted, state=one_of(outbound.State, state, "state"))
            views = [outbound_view(row, "kind") for row in rows]
    return answer(request, building, wanted, views, total)


@router.get(_REQUESTS + "/{request_id}", dependencies=[READ])
async def get_request(building: CurrentBuilding, request_id: RequestId) -> Response:
    """One request, sent or received, with its result as soon as there is one."""
    async with building.database.read() as tx:
        sent = await outbound.get(tx, ModuleId.CHARGING_PROFILES, request_id)
        received = None if sent else await inbound.get(tx, ModuleId.CHARGING_PROFILES, request_id)
    if sent is not None:
        return as_json(outbound_view(sent, "kind"))
    if received is None:
        raise UnknownObject(f"request {request_id}")
    return as_json(inbound_view(received, "kind"))


_RESULT = {
    "type": "object",
    "description": "ActiveChargingProfileResult, ChargingProfileResult or ClearProfileResult of OCPI 2.2.1, as was asked for",
}


@router.post(
    _REQUESTS + "/{request_id}/result",
    status_code=202,
    dependencies=[WRITE],
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _RESULT}}}},
)
async def post_result(request: Request, building: CurrentBuilding, request_id: RequestId) -> Response:
    """What came of a request at the EVSE; the eMSP is told. 409, if it has a result already."""
    body = await json_object(request, building)
    async with building.database.write() as tx:
        result = await results.tell_result(tx, request_id, body, building.keep_trying)
    building.wake()
    return as_json({"id": request_id, "state": "RESULTED", "result": result}, 202)


@router.put(
    "/chargingprofiles/{session_id}", status_code=202, dependencies=[WRITE], openapi_extra=body_of(ChargingProfile)
)
async def put_charging_profile(
    request: Request,
    building: CurrentBuilding,
    session_id: PathId,
    country_code: CountryCode = None,
    party_id: Party = None,
    partner: Partner = None,
) -> Response:
    """Limit the power of our driver's session. `response` is what the CPO answers at once.

    The body is SetChargingProfile without response_url, or the ChargingProfile alone.
    """
    body = await json_object(request, building)
    wanted = {"charging_profile": body.get("charging_profile", body)}
    return await _send(building, Wanted(Kind.SET, session_id, _owner(country_code, party_id), partner, wanted))


@router.get("/chargingprofiles/{session_id}", status_code=202, dependencies=[WRITE])
async def get_active_charging_profile(
    building: CurrentBuilding,
    session_id: PathId,
    duration: Annotated[int, Query(ge=1, le=10**9, description="in seconds")] = 900,
    country_code: CountryCode = None,
    party_id: Party = None,
    partner: Partner = None,
) -> Response:
    """Ask the CPO what the EVSE is planning; it is the result of this request later."""
    wanted = {"duration": duration}
    return await _send(building, Wanted(Kind.ACTIVE, session_id, _owner(country_code, party_id), partner, wanted))


@router.delete("/chargingprofiles/{session_id}", status_code=202, dependencies=[WRITE])
async def delete_charging_profile(
    building: CurrentBuilding,
    session_id: PathId,
    country_code: CountryCode = None,
    party_id: Party = None,
    partner: Partner = None,
) -> Response:
    """Ask the CPO to clear the profile that we set."""
    return await _send(building, Wanted(Kind.CLEAR, session_id, _owner(country_code, party_id), partner, {}))


def _owner(country_code: str | None, party_id: str | None) -> str | None:
    if (country_code is None) != (party_id is None):
        raise InvalidParameter("country_code", "and party_id go together")
    return str(PartyId(country_code, party_id).folded()) if country_code and party_id else None


async def _send(building: Building, wanted: Wanted) -> Response:
    sent = await send(building, wanted)
    return as_json(sent.told(), 202)


@router.get(_PLAN, dependencies=[READ])
async def get_plan(
    building: CurrentBuilding, country_code: PathId, party_id: PathId, session_id: PathId, partner: Partner = None
) -> dict[str, Any]:
    """What is planned for a session, as far as it was told; nothing, once it is over."""
    owner = str(PartyId(country_code, party_id).folded())
    async with building.database.read() as tx:
        row = await active.of_session(tx, owner, session_id, partner)
    if row is None:
        raise UnknownObject(f"{owner}/{session_id}/active_charging_profile")
    return {
        "active_charging_profile": json.loads(row["document"]),
        "partner": row["partner_id"] or None,
        "told_at": wire_time(row["told_at"]),
    }


@router.put(_PLAN, status_code=202, dependencies=[WRITE], openapi_extra=body_of(ActiveChargingProfile))
async def put_plan(
    request: Request, building: CurrentBuilding, country_code: PathId, party_id: PathId, session_id: PathId
) -> Response:
    """The plan of a session of ours changed; who has successfully set a profile for it is told, nobody else."""
    body = await json_object(request, building)
    ref = our_ref(await our_owner(building, ModuleId.SESSIONS, country_code, party_id), session_id)
    async with building.database.write() as tx:
        profile = await active.report(tx, ref, body)
    building.wake()
    return as_json(profile, 202)


@router.delete(_PLAN, status_code=202, dependencies=[WRITE])
async def delete_plan(
    building: CurrentBuilding, country_code: PathId, party_id: PathId, session_id: PathId
) -> Response:
    """No profile is active any more: the maximum of the EVSE is told."""
    ref = our_ref(await our_owner(building, ModuleId.SESSIONS, country_code, party_id), session_id)
    async with building.database.write() as tx:
        profile = await active.report_none(tx, ref)
    building.wake()
    return as_json(profile, 202)
