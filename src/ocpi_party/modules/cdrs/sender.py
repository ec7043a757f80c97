"""CDRs, Sender interface: partners read the CDRs that they have to pay. OCPI 2.2.1, CDRs, "Sender Interface"."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.cdrs.repository import documents
from ocpi_party.modules.cdrs.table import CDRS
from ocpi_party.ocpi.cdr import Cdr
from ocpi_party.owned.listing import Listing, Scope
from ocpi_party.transport.asked import CurrentAsked
from ocpi_party.transport.envelope import page
from ocpi_party.transport.pagination import window

router = APIRouter()
LISTING = Listing(CDRS, documents)


@router.get("")
async def get_cdrs(request: Request, asked: CurrentAsked) -> Response:
    wanted = window(request, size=asked.house.page_size, size_max=asked.house.page_size_max)
    async with asked.database.read() as tx:
        found = await LISTING.page(tx, asked.house.documents, Scope.of(asked.owners, asked.audiences), wanted)
    return page(request, asked, Cdr, wanted, found)
