"""Tariffs, Receiver interface: partners tell us of theirs. OCPI 2.2.1, Tariffs, "Receiver Interface"."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.tariffs.contradictions import noted
from ocpi_party.modules.tariffs.table import TARIFFS
from ocpi_party.ocpi.errors import MethodNotAllowed, UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.ocpi.types import PartyId
from ocpi_party.owned import receive, repository
from ocpi_party.transport.asked import CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import stored, success

router = APIRouter()

_TARIFF = "/{country_code}/{party_id}/{tariff_id}"


@router.get(_TARIFF)
async def get_tariff(asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, tariff_id: IdInUrl) -> Response:
    ref = asked.theirs(country_code, party_id, tariff_id)
    async with asked.database.read() as tx:
        found = await repository.get(tx, TARIFFS, ref)
    if found is None:
        raise UnknownObject(ref)
    return success(asked.spoken.write(Tariff, found.document.encode()))


@router.put(_TARIFF)
async def put_tariff(
    request: Request, asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, tariff_id: IdInUrl
) -> Response:
    ref = asked.theirs(country_code, party_id, tariff_id)
    body = await json_object(request, asked)
    receive.must_match(body, country_code=country_code, party_id=party_id, id=tariff_id)
    reading = noted(asked.read(Tariff, body, PartyId.parse(ref.owner)))
    any_age = bool(asked.partner.quirks.get("accept_older"))
    async with asked.database.write() as tx:
        done = await receive.put(tx, TARIFFS, ModuleId.TARIFFS, ref, reading, any_age=any_age)
    return stored(new=done.created)


@router.delete(_TARIFF)
async def delete_tariff(asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, tariff_id: IdInUrl) -> Response:
    """Sessions and CDRs keep what they have of it: theirs is a snapshot."""
    ref = asked.theirs(country_code, party_id, tariff_id)
    async with asked.database.write() as tx:
        await receive.delete(tx, TARIFFS, ModuleId.TARIFFS, ref)
    return success()


@router.api_route("", methods=["POST", "PUT", "PATCH", "DELETE"])
async def no_such_method() -> Response:
    """The URL of a Tariff names its owner and its id: there is nothing to be done at the endpoint itself."""
    raise MethodNotAllowed("this interface does not have this method")
