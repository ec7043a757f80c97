"""The operator writes our sessions, sees what drivers prefer, and tells CPOs what our own drivers prefer."""

import json
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ocpi_party.backoffice.answers import published
from ocpi_party.backoffice.authorization import READ, WRITE, CurrentBuilding
from ocpi_party.backoffice.described import body_of, listed, shown, stored
from ocpi_party.backoffice.errors import NotAllowed
from ocpi_party.backoffice.lists import LISTED, answer, asked_for
from ocpi_party.backoffice.writing import Body, PathId, json_object, our_owner, read_as
from ocpi_party.database import Row
from ocpi_party.dialects.dialect import read_own
from ocpi_party.modules.sessions import charging_preferences, publishing, repository, wishes
from ocpi_party.modules.sessions.charging_preferences import Rules
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.session import ChargingPreferences, Session
from ocpi_party.ocpi.types import PartyId, ProfileType, wire_time
from ocpi_party.owned.publish import must_be, must_name, our_ref

router = APIRouter(prefix="/sessions", tags=["sessions"])

Partner = Annotated[int | None, Query(ge=1, le=2**62, description="id of the partner it came from")]
Own = Annotated[bool | None, Query(description="true: ours, false: theirs, by default both")]

_SESSION = "/{country_code}/{party_id}/{session_id}"
_PREFERENCES = _SESSION + "/charging_preferences"
_RULES = "/charging_preferences/rules/{country_code}/{party_id}"


class PreferencesRules(Body):
    """The ProfileTypes for which a driver must say when it leaves, or how much energy it needs."""

    departure_time_required: list[ProfileType] = []
    energy_need_required: list[ProfileType] = []


@router.put(_SESSION, dependencies=[WRITE], openapi_extra=body_of(Session), responses=stored(Session))
async def put_session(
    request: Request, building: CurrentBuilding, country_code: PathId, party_id: PathId, session_id: PathId
) -> Response:
    """Create or replace a session, its charging periods included; the eMSP of its cdr_token is told, nobody else."""
    body = must_be(await json_object(request, building), country_code=country_code, party_id=party_id, id=session_id)
    ref = our_ref(await our_owner(building, ModuleId.SESSIONS, country_code, party_id), session_id)
    async with building.database.write() as tx:
        done = await publishing.put_session(tx, building.vault, ref, body)
    building.wake()
    return published(done)


@router.patch(_SESSION, dependencies=[WRITE], openapi_extra=body_of(Session, partial=True), responses=shown(Session))
async def patch_session(
    request: Request, building: CurrentBuilding, country_code: PathId, party_id: PathId, session_id: PathId
) -> Response:
    """Change fields; charging_periods are added to those there are, one that begins when a known one does replaces it."""
    body = await json_object(request, building)
    body = must_name(body, country_code=country_code, party_id=party_id, id=session_id)
    ref = our_ref(await our_owner(building, ModuleId.SESSIONS, country_code, party_id), session_id)
    async with building.database.write() as tx:
        done = await publishing.patch_session(tx, building.vault, ref, body)
    building.wake()
    return published(done)


@router.get("/silent", dependencies=[READ, LISTED], responses=listed(Session))
async def list_silent_sessions(
    request: Request,
    building: CurrentBuilding,
    silent_for: Annotated[
        int, Query(ge=60, le=366 * 86400, description="seconds in which nothing was heard of them")
    ] = 86400,
    own: Own = None,
) -> Response:
    """Sessions that should be going on, but of which nothing was heard for long: ours want an end, COMPLETED or INVALID.

    The most silent first. Dates are of last_updated.
    """
    wanted = asked_for(request, building)
    async with building.database.read() as tx:
        found, total = await repository.silent(tx, wanted, timedelta(seconds=silent_for), own)
    return answer(request, building, wanted, b"[" + b",".join(found) + b"]", total, count=len(found))


@router.get("/charging_preferences", dependencies=[READ, LISTED])
async def list_charging_preferences(request: Request, building: CurrentBuilding, own: Own = None) -> Response:
    """What drivers of unfinished sessions prefer, newest first. Dates are of given_at."""
    wanted = asked_for(request, building)
    async with building.database.read() as tx:
        rows, total = await charging_preferences.of_unfinished(tx, wanted, own)
    return answer(request, building, wanted, [_told(row) for row in rows], total)


@router.get(_PREFERENCES, dependencies=[READ])
async def get_charging_preferences(
    building: CurrentBuilding, country_code: PathId, party_id: PathId, session_id: PathId, partner: Partner = None
) -> dict[str, Any]:
    """What the driver prefers: in a session of ours what we accepted, in another what we asked for, and the answer."""
    owner = str(PartyId(country_code, party_id).folded())
    async with building.database.read() as tx:
        row = await charging_preferences.of_session(tx, owner, session_id, partner)
    if row is None:
        raise UnknownObject(f"{owner}/{session_id}/charging_preferences")
    return _told(row)


@router.put(_PREFERENCES, dependencies=[WRITE], openapi_extra=body_of(ChargingPreferences))
async def put_charging_preferences(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    session_id: PathId,
    partner: Partner = None,
) -> dict[str, Any]:
    """As eMSP: ask the CPO of the session for this. Answers its ChargingPreferencesResponse as result."""
    owner = PartyId(country_code, party_id).folded()
    if any(party.key == owner for party in await building.directory.own_parties()):
        raise NotAllowed("the session is ours: what its driver prefers comes from the eMSP")
    wish = read_own(ChargingPreferences, await json_object(request, building))
    response = await wishes.send(building, str(owner), session_id, partner, wish)
    return {"result": response}


def _told(row: Row) -> dict[str, Any]:
    return {
        "country_code": row["country_code"],
        "party_id": row["party_id"],
        "session_id": row["session_id"],
        "partner": row["partner_id"] or None,
        "charging_preferences": json.loads(row["document"]),
        "result": row["result"],
        "given_at": wire_time(row["given_at"]),
    }


@router.get(_RULES, dependencies=[READ])
async def get_rules(building: CurrentBuilding, country_code: PathId, party_id: PathId) -> PreferencesRules:
    owner = await our_owner(building, ModuleId.SESSIONS, country_code, party_id)
    async with building.database.read() as tx:
        found = await charging_preferences.rules(tx, owner)
    return PreferencesRules(
        departure_time_required=[ProfileType(one) for one in found.departure_time_required],
        energy_need_required=[ProfileType(one) for one in found.energy_need_required],
    )


@router.put(_RULES, dependencies=[WRITE], openapi_extra=body_of(PreferencesRules))
async def put_rules(
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    body: Annotated[PreferencesRules, read_as(PreferencesRules)],
) -> PreferencesRules:
    """Without these the answer to charging preferences is DEPARTURE_REQUIRED or ENERGY_NEED_REQUIRED."""
    owner = await our_owner(building, ModuleId.SESSIONS, country_code, party_id)
    async with building.database.write() as tx:
        await charging_preferences.set_rules(tx, owner, Rules(body.departure_time_required, body.energy_need_required))
    return body
