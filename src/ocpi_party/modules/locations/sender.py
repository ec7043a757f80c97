"""Locations, Sender interface: partners read our Locations. OCPI 2.2.1, Locations, "Sender Interface"."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.locations import repository
from ocpi_party.modules.locations.table import LOCATIONS
from ocpi_party.ocpi.connector import Connector
from ocpi_party.ocpi.errors import InvalidObject, UnknownLocation
from ocpi_party.ocpi.evse import Evse
from ocpi_party.ocpi.location import Location
from ocpi_party.owned.listing import Listing, Scope
from ocpi_party.transport.asked import Asked, CurrentAsked, IdInUrl
from ocpi_party.transport.envelope import page, success
from ocpi_party.transport.pagination import window

router = APIRouter()
LISTING = Listing(LOCATIONS, repository.documents)


@router.get("")
async def get_locations(request: Request, asked: CurrentAsked) -> Response:
    wanted = window(request, size=asked.house.page_size, size_max=asked.house.page_size_max)
    async with asked.database.read() as tx:
        found = await LISTING.page(tx, asked.house.documents, Scope.of(asked.owners, asked.audiences), wanted)
    return page(request, asked, Location, wanted, found)


@router.get("/{location_id}")
async def get_location(asked: CurrentAsked, location_id: IdInUrl) -> Response:
    return success(asked.spoken.write(Location, await _only(asked, location_id)))


@router.get("/{location_id}/{evse_uid}")
async def get_evse(asked: CurrentAsked, location_id: IdInUrl, evse_uid: IdInUrl) -> Response:
    return success(asked.spoken.write(Evse, await _only(asked, location_id, evse_uid)))


@router.get("/{location_id}/{evse_uid}/{connector_id}")
async def get_connector(
    asked: CurrentAsked, location_id: IdInUrl, evse_uid: IdInUrl, connector_id: IdInUrl
) -> Response:
    connector = repository.connector_of(await _only(asked, location_id, evse_uid), connector_id)
    if connector is None:
        raise UnknownLocation(f"{location_id}/{evse_uid}/{connector_id}")
    return success(asked.spoken.write(Connector, connector))


async def _only(asked: Asked, location_id: str, evse_uid: str | None = None) -> bytes:
    """The one object of ours that is meant: the URL names no owner (AMB-09)."""
    async with asked.database.read() as tx:
        found = await repository.own(tx, location_id, evse_uid, asked.owners, asked.audiences)
    if not found:
        raise UnknownLocation("/".join(filter(None, (location_id, evse_uid))))
    if len(found) > 1:
        raise InvalidObject("", "several of our parties have this id: OCPI-to must say which is meant")
    return found[0]
