"""Sessions, Receiver interface: partners tell us of theirs. OCPI 2.2.1, Sessions, "Receiver Interface"."""

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.drivers import with_driver
from ocpi_party.modules.sessions import receiving
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.types import PartyId
from ocpi_party.owned import repository
from ocpi_party.owned.receive import must_match
from ocpi_party.transport.asked import CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import stored, success

router = APIRouter()

_SESSION = "/{country_code}/{party_id}/{session_id}"


@router.get(_SESSION)
async def get_session(asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, session_id: IdInUrl) -> Response:
    ref = asked.theirs(country_code, party_id, session_id)
    async with asked.database.read() as tx:
        found = await repository.get(tx, SESSIONS, ref)
    if found is None:
        raise UnknownObject(ref)
    return success(asked.spoken.write(Session, found.document.encode()))


@router.put(_SESSION)
async def put_session(
    request: Request, asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, session_id: IdInUrl
) -> Response:
    ref = asked.theirs(country_code, party_id, session_id)
    body = await json_object(request, asked)
    must_match(body, country_code=country_code, party_id=party_id, id=session_id)
    wire, lacking = with_driver(body, asked.partner.quirks)
    reading = asked.read(Session, wire, PartyId.parse(ref.owner))
    reading = replace(reading, findings=(*reading.findings, *lacking))
    async with asked.database.write() as tx:
        done = await receiving.put(tx, ref, reading, any_age=bool(asked.partner.quirks.get("accept_older")))
    return stored(new=done.created)


@router.patch(_SESSION)
async def patch_session(
    request: Request, asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, session_id: IdInUrl
) -> Response:
    """Charging periods are added to those we know."""
    ref = asked.theirs(country_code, party_id, session_id)
    changes = asked.spoken.changes(Session, await json_object(request, asked))
    must_match(changes, country_code=country_code, party_id=party_id, id=session_id)
    changes, lacking = with_driver(changes, asked.partner.quirks)
    async with asked.database.write() as tx:
        any_age = bool(asked.partner.quirks.get("accept_older"))
        await receiving.patch(tx, ref, asked.spoken, changes, lacking, any_age=any_age)
    return success()
