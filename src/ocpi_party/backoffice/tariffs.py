"""The operator writes our Tariffs; what changed reaches the partners."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.backoffice.answers import published
from ocpi_party.backoffice.authorization import WRITE, CurrentBuilding
from ocpi_party.backoffice.described import body_of, shown, stored
from ocpi_party.backoffice.writing import Audience, PathId, audience_of, json_object, our_owner
from ocpi_party.modules.tariffs import publishing
from ocpi_party.modules.tariffs.contradictions import warnings
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.owned.publish import must_be, must_name, our_ref

router = APIRouter(prefix="/tariffs", tags=["tariffs"])

_TARIFF = "/{country_code}/{party_id}/{tariff_id}"


@router.put(_TARIFF, dependencies=[WRITE], openapi_extra=body_of(Tariff), responses=stored(Tariff))
async def put_tariff(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    tariff_id: PathId,
    audience: Audience = None,
) -> Response:
    """Create or replace a Tariff, for all partners or for the one party in `audience`."""
    body = must_be(await json_object(request, building), country_code=country_code, party_id=party_id, id=tariff_id)
    owner = await our_owner(building, ModuleId.TARIFFS, country_code, party_id)
    async with building.database.write() as tx:
        done = await publishing.put_tariff(tx, our_ref(owner, tariff_id), body, audience_of(audience))
    building.wake()
    return published(done, warnings(done.document))


@router.patch(_TARIFF, dependencies=[WRITE], openapi_extra=body_of(Tariff, partial=True), responses=shown(Tariff))
async def patch_tariff(
    request: Request, building: CurrentBuilding, country_code: PathId, party_id: PathId, tariff_id: PathId
) -> Response:
    """Change fields of a Tariff; partners get the whole of it, because OCPI has no PATCH here."""
    body = await json_object(request, building)
    body = must_name(body, country_code=country_code, party_id=party_id, id=tariff_id)
    owner = await our_owner(building, ModuleId.TARIFFS, country_code, party_id)
    async with building.database.write() as tx:
        done = await publishing.patch_tariff(tx, our_ref(owner, tariff_id), body)
    building.wake()
    return published(done, warnings(done.document))


@router.delete(_TARIFF, dependencies=[WRITE], status_code=204)
async def remove_tariff(
    building: CurrentBuilding, country_code: PathId, party_id: PathId, tariff_id: PathId
) -> Response:
    """Take a Tariff away that is not used any more; 409 while connectors of ours refer to it."""
    owner = await our_owner(building, ModuleId.TARIFFS, country_code, party_id)
    async with building.database.write() as tx:
        await publishing.delete_tariff(tx, our_ref(owner, tariff_id))
    building.wake()
    return Response(status_code=204)
