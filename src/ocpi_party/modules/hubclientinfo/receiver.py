"""HubClientInfo, Receiver interface: a hub tells of the parties behind it. OCPI 2.2.1, HubClientInfo."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.hubclientinfo import directory
from ocpi_party.ocpi.client_info import ClientInfo
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import PartyId
from ocpi_party.owned.receive import must_match
from ocpi_party.partners import repository as partners
from ocpi_party.partners.findings import note
from ocpi_party.transport.asked import Asked, CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import stored, success

router = APIRouter()


@router.get("/{country_code}/{party_id}")
async def get_client_info(asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl) -> Response:
    """Of a party with two roles the record that changed last: the URL does not tell the role (AMB-57)."""
    _must_be_hub(asked)
    async with asked.database.read() as tx:
        found = await directory.newest(tx, asked.partner.id, PartyId(country_code, party_id).folded())
    if found is None:
        raise UnknownObject(f"{country_code}*{party_id}")
    return success(asked.spoken.write(ClientInfo, found))


@router.put("/{country_code}/{party_id}")
async def put_client_info(request: Request, asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl) -> Response:
    _must_be_hub(asked)
    body = await json_object(request, asked)
    must_match(body, country_code=country_code, party_id=party_id)
    reading = asked.spoken.read(ClientInfo, body)
    async with asked.database.write() as tx:
        await partners.lock(tx, asked.partner.id)
        new = await directory.keep(tx, asked.partner.id, reading.document)
        owner = str(PartyId(country_code, party_id).folded())
        await note(tx, asked.partner.id, ModuleId.HUB_CLIENT_INFO, owner, reading.findings)
        await asked.house.connected(tx, asked.partner.id)
    asked.house.directory.drop()
    asked.house.wake()
    return stored(new=new)


def _must_be_hub(asked: Asked) -> None:
    if not asked.partner.is_hub:
        raise UnknownObject("hubclientinfo: you are no hub")
