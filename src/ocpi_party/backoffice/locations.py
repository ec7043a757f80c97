"""The operator writes our Locations, EVSEs and connectors; what changed reaches the partners."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.backoffice.answers import advice, as_json
from ocpi_party.backoffice.authorization import READ, WRITE, CurrentBuilding
from ocpi_party.backoffice.described import body_of, shown, stored
from ocpi_party.backoffice.filters import For, Partner
from ocpi_party.backoffice.writing import Audience, PathId, audience_of, json_object, our_owner
from ocpi_party.modules.locations import repository
from ocpi_party.modules.locations.publishing import PublishedLocation, Publishing
from ocpi_party.ocpi.connector import Connector
from ocpi_party.ocpi.errors import UnknownLocation
from ocpi_party.ocpi.evse import Evse
from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, PartyId
from ocpi_party.owned.publish import ahead, must_be, must_name, our_ref
from ocpi_party.owned.table import Ref
from ocpi_party.transport.asked import Building

router = APIRouter(prefix="/locations", tags=["locations"])

_LOCATION = "/{country_code}/{party_id}/{location_id}"
_EVSE = _LOCATION + "/{evse_uid}"
_CONNECTOR = _EVSE + "/{connector_id}"


@router.put(_LOCATION, dependencies=[WRITE], openapi_extra=body_of(Location), responses=stored(Location))
async def put_location(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    location_id: PathId,
    audience: Audience = None,
) -> Response:
    """Create or replace a Location with its EVSEs. EVSEs that it no longer names are hidden: better set them to REMOVED."""
    body = must_be(await json_object(request, building), country_code=country_code, party_id=party_id, id=location_id)
    async with _publishing(building, country_code, party_id, location_id) as publishing:
        done = await publishing.put_location(body, audience_of(audience))
    return await _answer(building, publishing.ref, done, told=body)


@router.patch(_LOCATION, dependencies=[WRITE], openapi_extra=body_of(Location, partial=True), responses=shown(Location))
async def patch_location(
    request: Request, building: CurrentBuilding, country_code: PathId, party_id: PathId, location_id: PathId
) -> Response:
    body = await json_object(request, building)
    body = must_name(body, country_code=country_code, party_id=party_id, id=location_id)
    async with _publishing(building, country_code, party_id, location_id) as publishing:
        done = await publishing.patch_location(body)
    return await _answer(building, publishing.ref, done, told=body)


@router.delete(_LOCATION, dependencies=[WRITE], responses=shown(Location))
async def delete_location(
    building: CurrentBuilding, country_code: PathId, party_id: PathId, location_id: PathId
) -> Response:
    """A Location is never deleted in OCPI: all its EVSEs become REMOVED, and it is not shown any more."""
    async with _publishing(building, country_code, party_id, location_id) as publishing:
        done = await publishing.remove_location()
    return await _answer(building, publishing.ref, done)


@router.get(_EVSE, dependencies=[READ], responses=shown(Evse))
async def get_evse(
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    location_id: PathId,
    evse_uid: PathId,
    partner: Partner = None,
    sent_to: For = None,
) -> Response:
    """An EVSE of ours, else the newest that a partner told us."""
    return as_json(await _evse(building, country_code, party_id, location_id, evse_uid, partner, sent_to))


@router.get(_CONNECTOR, dependencies=[READ], responses=shown(Connector))
async def get_connector(
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    location_id: PathId,
    evse_uid: PathId,
    connector_id: PathId,
    partner: Partner = None,
    sent_to: For = None,
) -> Response:
    evse = await _evse(building, country_code, party_id, location_id, evse_uid, partner, sent_to)
    found = repository.connector_of(evse, connector_id)
    if found is None:
        raise UnknownLocation(f"{location_id}/{evse_uid}/{connector_id}")
    return as_json(found)


async def _evse(
    building: Building,
    country_code: str,
    party_id: str,
    location_id: str,
    evse_uid: str,
    partner: int | None,
    sent_to: str | None,
) -> bytes:
    owner = str(PartyId(country_code, party_id).folded())
    async with building.database.read() as tx:
        found = await repository.newest_evse(tx, owner, location_id, evse_uid, partner, sent_to)
    if found is None:
        raise UnknownLocation(f"{owner}/{location_id}/{evse_uid}")
    return found


@router.put(_EVSE, dependencies=[WRITE], openapi_extra=body_of(Evse), responses=stored(Evse))
async def put_evse(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    location_id: PathId,
    evse_uid: PathId,
) -> Response:
    body = must_be(await json_object(request, building), uid=evse_uid)
    async with _publishing(building, country_code, party_id, location_id) as publishing:
        done = await publishing.put_evse(evse_uid, body)
    return await _answer(building, publishing.ref, done, evse_uid, told=body)


@router.patch(_EVSE, dependencies=[WRITE], openapi_extra=body_of(Evse, partial=True), responses=shown(Evse))
async def patch_evse(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    location_id: PathId,
    evse_uid: PathId,
) -> Response:
    """Report what changed in an EVSE, its status above all; last_updated is when the charge point saw it, by default now."""
    body = await json_object(request, building)
    body = must_name(body, uid=evse_uid)
    async with _publishing(building, country_code, party_id, location_id) as publishing:
        done = await publishing.patch_evse(evse_uid, body)
    return await _answer(building, publishing.ref, done, evse_uid, told=body)


@router.delete(_EVSE, dependencies=[WRITE], responses=shown(Evse))
async def delete_evse(
    building: CurrentBuilding, country_code: PathId, party_id: PathId, location_id: PathId, evse_uid: PathId
) -> Response:
    """An EVSE is never deleted in OCPI: its status becomes REMOVED."""
    async with _publishing(building, country_code, party_id, location_id) as publishing:
        done = await publishing.patch_evse(evse_uid, {"status": "REMOVED"})
    return await _answer(building, publishing.ref, done, evse_uid)


@router.put(_CONNECTOR, dependencies=[WRITE], openapi_extra=body_of(Connector), responses=stored(Connector))
async def put_connector(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    location_id: PathId,
    evse_uid: PathId,
    connector_id: PathId,
) -> Response:
    body = must_be(await json_object(request, building), id=connector_id)
    async with _publishing(building, country_code, party_id, location_id) as publishing:
        done = await publishing.put_connector(evse_uid, connector_id, body)
    return await _answer(building, publishing.ref, done, evse_uid, connector_id, told=body)


@router.patch(
    _CONNECTOR, dependencies=[WRITE], openapi_extra=body_of(Connector, partial=True), responses=shown(Connector)
)
async def patch_connector(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    location_id: PathId,
    evse_uid: PathId,
    connector_id: PathId,
) -> Response:
    body = await json_object(request, building)
    body = must_name(body, id=connector_id)
    async with _publishing(building, country_code, party_id, location_id) as publishing:
        done = await publishing.patch_connector(evse_uid, connector_id, body)
    return await _answer(building, publishing.ref, done, evse_uid, connector_id, told=body)


@router.delete(_CONNECTOR, dependencies=[WRITE], responses=shown(Connector))
async def delete_connector(
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    location_id: PathId,
    evse_uid: PathId,
    connector_id: PathId,
) -> Response:
    """Take a connector away; partners get the whole EVSE. The last one cannot go: an EVSE has at least one."""
    async with _publishing(building, country_code, party_id, location_id) as publishing:
        done = await publishing.remove_connector(evse_uid, connector_id)
    return await _answer(building, publishing.ref, done, evse_uid)


@asynccontextmanager
async def _publishing(
    building: Building, country_code: str, party_id: str, location_id: str
) -> AsyncIterator[Publishing]:
    owner = await our_owner(building, ModuleId.LOCATIONS, country_code, party_id)
    async with building.database.write() as tx:
        yield Publishing(tx, our_ref(owner, location_id))
    building.wake()


async def _answer(
    building: Building,
    ref: Ref,
    done: PublishedLocation,
    evse_uid: str | None = None,
    connector_id: str | None = None,
    *,
    told: JsonObject | None = None,
) -> Response:
    """What was written, as it stands now. told  by the operator"""
    async with building.database.read() as tx:
        found = await (repository.location(tx, ref) if evse_uid is None else repository.evse(tx, ref, evse_uid))
    if found is not None and connector_id is not None:
        found = repository.connector_of(found, connector_id)
    if found is None:
        raise UnknownLocation(ref)
    return as_json(found, 201 if done.created else 200, advice(ahead(told or {})))
