"""Locations, Receiver interface: partners tell us of theirs. OCPI 2.2.1, Locations, "Receiver Interface"."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.dialects.dialect import Finding
from ocpi_party.modules.locations import repository
from ocpi_party.modules.locations.changes import Changed, Changing
from ocpi_party.ocpi.connector import Connector
from ocpi_party.ocpi.errors import UnknownLocation
from ocpi_party.ocpi.evse import Evse
from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import House, JsonObject, PartyId
from ocpi_party.owned.receive import must_match, tell
from ocpi_party.owned.table import Ref
from ocpi_party.partners.findings import note
from ocpi_party.transport.asked import Asked, CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import stored, success

router = APIRouter()

_LOCATION = "/{country_code}/{party_id}/{location_id}"
_EVSE = _LOCATION + "/{evse_uid}"
_CONNECTOR = _EVSE + "/{connector_id}"


@router.get(_LOCATION)
async def get_location(asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, location_id: IdInUrl) -> Response:
    ref = asked.theirs(country_code, party_id, location_id)
    async with asked.database.read() as tx:
        found = await repository.location(tx, ref)
    return _known(asked, Location, found, ref)


@router.get(_EVSE)
async def get_evse(
    asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, location_id: IdInUrl, evse_uid: IdInUrl
) -> Response:
    ref = asked.theirs(country_code, party_id, location_id)
    async with asked.database.read() as tx:
        found = await repository.evse(tx, ref, evse_uid)
    return _known(asked, Evse, found, f"{ref}/{evse_uid}")


@router.get(_CONNECTOR)
async def get_connector(
    asked: CurrentAsked,
    country_code: IdInUrl,
    party_id: IdInUrl,
    location_id: IdInUrl,
    evse_uid: IdInUrl,
    connector_id: IdInUrl,
) -> Response:
    ref = asked.theirs(country_code, party_id, location_id)
    async with asked.database.read() as tx:
        evse = await repository.evse(tx, ref, evse_uid)
    found = evse and repository.connector_of(evse, connector_id)
    return _known(asked, Connector, found, f"{ref}/{evse_uid}/{connector_id}")


@router.put(_LOCATION)
async def put_location(
    request: Request, asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, location_id: IdInUrl
) -> Response:
    ref = asked.theirs(country_code, party_id, location_id)
    body = await json_object(request, asked)
    must_match(body, country_code=country_code, party_id=party_id, id=location_id)
    done = await _receive(asked, ref, lambda changing: changing.put_location(body))
    return stored(new=done.created)


@router.patch(_LOCATION)
async def patch_location(
    request: Request, asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, location_id: IdInUrl
) -> Response:
    ref = asked.theirs(country_code, party_id, location_id)
    changes = asked.spoken.changes(Location, await json_object(request, asked))
    must_match(changes, country_code=country_code, party_id=party_id, id=location_id)
    await _receive(asked, ref, lambda changing: changing.patch_location(changes))
    return success()


@router.put(_EVSE)
async def put_evse(
    request: Request,
    asked: CurrentAsked,
    country_code: IdInUrl,
    party_id: IdInUrl,
    location_id: IdInUrl,
    evse_uid: IdInUrl,
) -> Response:
    ref = asked.theirs(country_code, party_id, location_id)
    body = await json_object(request, asked)
    must_match(body, uid=evse_uid)
    done = await _receive(asked, ref, lambda changing: changing.put_evse(evse_uid, body))
    return stored(new=done.created)


@router.patch(_EVSE)
async def patch_evse(
    request: Request,
    asked: CurrentAsked,
    country_code: IdInUrl,
    party_id: IdInUrl,
    location_id: IdInUrl,
    evse_uid: IdInUrl,
) -> Response:
    ref = asked.theirs(country_code, party_id, location_id)
    changes = asked.spoken.changes(Evse, await json_object(request, asked))
    must_match(changes, uid=evse_uid)
    await _receive(asked, ref, lambda changing: changing.patch_evse(evse_uid, changes))
    return success()


@router.put(_CONNECTOR)
async def put_connector(
    request: Request,
    asked: CurrentAsked,
    country_code: IdInUrl,
    party_id: IdInUrl,
    location_id: IdInUrl,
    evse_uid: IdInUrl,
    connector_id: IdInUrl,
) -> Response:
    ref = asked.theirs(country_code, party_id, location_id)
    body = await json_object(request, asked)
    must_match(body, id=connector_id)
    done = await _receive(asked, ref, lambda changing: changing.put_connector(evse_uid, connector_id, body))
    return stored(new=done.created)


@router.patch(_CONNECTOR)
async def patch_connector(
    request: Request,
    asked: CurrentAsked,
    country_code: IdInUrl,
    party_id: IdInUrl,
    location_id: IdInUrl,
    evse_uid: IdInUrl,
    connector_id: IdInUrl,
) -> Response:
    ref = asked.theirs(country_code, party_id, location_id)
    changes = asked.spoken.changes(Connector, await json_object(request, asked))
    must_match(changes, id=connector_id)
    await _receive(asked, ref, lambda changing: changing.patch_connector(evse_uid, connector_id, changes))
    return success()


def _known(asked: Asked, kind: type[House], document: bytes | None, ref: object) -> Response:
    if document is None:
        raise UnknownLocation(ref)
    return success(asked.spoken.write(kind, document))


async def _receive(asked: Asked, ref: Ref, change: Callable[[Changing], Awaitable[Changed]]) -> Changed:
    """The partner changes its object: the operator's systems hear of it, and where it deviates is kept with it."""
    findings: list[Finding] = []

    def read(kind: type[House], document: JsonObject) -> JsonObject:
        reading = asked.read(kind, document, PartyId.parse(ref.owner))
        findings.extend(reading.findings)
        return reading.document

    async with asked.database.write() as tx:
        done = await change(Changing(tx, ref, read, any_age=bool(asked.partner.quirks.get("accept_older"))))
        location_id, *part = done.path
        shown = ref._replace(key=location_id)
        await tell(tx, ModuleId.LOCATIONS, shown, *part, new=done.created)
        if findings:
            await note(tx, ref.partner_id, ModuleId.LOCATIONS, "/".join([str(shown), *part]), findings)
    return done
