"""Tokens, Sender interface: CPOs read our tokens. OCPI 2.2.1, Tokens, "Sender Interface"."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.tokens import repository
from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.ocpi.token import Token
from ocpi_party.owned.listing import Listing, Scope
from ocpi_party.transport.asked import CurrentAsked
from ocpi_party.transport.envelope import page
from ocpi_party.transport.pagination import window

router = APIRouter()
LISTING = Listing(TOKENS, repository.documents)


@router.get("")
async def get_tokens(request: Request, asked: CurrentAsked) -> Response:
    """Invalid ones too: tokens are never deleted, and a list without them would leave a lost card valid at the CPO."""
    wanted = window(request, size=asked.house.page_size, size_max=asked.house.page_size_max)
    async with asked.database.read() as tx:
        found = await LISTING.page(tx, asked.house.documents, Scope.of(asked.owners, asked.audiences), wanted)
    return page(request, asked, Token, wanted, found)
