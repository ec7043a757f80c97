"""Tariffs, Sender interface: partners read our Tariffs. OCPI 2.2.1, Tariffs, "Sender Interface"."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.tariffs.table import TARIFFS, documents
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.owned.listing import Listing, Scope
from ocpi_party.transport.asked import CurrentAsked
from ocpi_party.transport.envelope import page
from ocpi_party.transport.pagination import window

router = APIRouter()
LISTING = Listing(TARIFFS, documents)


@router.get("")
async def get_tariffs(request: Request, asked: CurrentAsked) -> Response:
    """Those that are valid now or will be; what is not among them is no longer valid."""
    wanted = window(request, size=asked.house.page_size, size_max=asked.house.page_size_max)
    async with asked.database.read() as tx:
        found = await LISTING.page(tx, asked.house.documents, Scope.of(asked.owners, asked.audiences), wanted)
    return page(request, asked, Tariff, wanted, found)
