"""CDRs, Receiver interface: partners send us theirs. OCPI 2.2.1, CDRs, "Receiver Interface"."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.cdrs import repository
from ocpi_party.modules.cdrs.agreed import read_cdr
from ocpi_party.modules.cdrs.receiving import Taken, take
from ocpi_party.ocpi import headers
from ocpi_party.ocpi.cdr import Cdr
from ocpi_party.ocpi.errors import InvalidObject, UnknownObject
from ocpi_party.ocpi.modules import Role
from ocpi_party.ocpi.types import PartyId, fold
from ocpi_party.owned.table import Ref
from ocpi_party.partners.urls import join
from ocpi_party.transport.asked import CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import success

router = APIRouter()


@router.post("")
async def post_cdr(request: Request, asked: CurrentAsked) -> Response:
    """The answer's header Location is the URL of the CDR with us; a repeated POST gets the same one (AMB-46)."""
    reading = read_cdr(asked.spoken, await json_object(request, asked), asked.partner.quirks)
    cdr = reading.document
    owner = PartyId(cdr["country_code"], cdr["party_id"]).folded()
    if not asked.may_own(owner):
        raise InvalidObject("/party_id", f"{owner} is no party of yours")
    ours = {party.key for party in asked.all_ours if party.role is Role.EMSP}
    ref = Ref(asked.partner.id, "", str(owner), fold(cdr["id"]))
    async with asked.database.write() as tx:
        taken = await take(tx, ref, cdr, ours, asked.noting(reading, owner).findings)
    if taken is Taken.OTHER:
        raise InvalidObject("/id", "is that of a CDR that we have with another content; a CDR cannot be changed")
    url = join(asked.house.public_url + request.scope["path"], cdr["country_code"], cdr["party_id"], cdr["id"])
    return success(http_status=201 if taken is Taken.NEW else 200, headers={headers.LOCATION: url})


@router.get("/{country_code}/{party_id}/{cdr_id}")
async def get_cdr(asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, cdr_id: IdInUrl) -> Response:
    owner = PartyId(country_code, party_id).folded()
    if not asked.may_own(owner):
        raise UnknownObject(f"{owner}/{cdr_id}")
    async with asked.database.read() as tx:
        found = await repository.by_id(tx, asked.partner.id, str(owner), cdr_id)
    if found is None:
        raise UnknownObject(f"{owner}/{cdr_id}")
    return success(asked.spoken.write(Cdr, found.document.encode()))
