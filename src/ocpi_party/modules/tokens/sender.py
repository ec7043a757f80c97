"""Tokens, Sender interface: CPOs read our tokens. OCPI 2.2.1, Tokens, "Sender Interface"."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.dialects.tolerance import Finding
from ocpi_party.modules.tokens import answering, repository
from ocpi_party.modules.tokens.keys import TypeInUrl
from ocpi_party.modules.tokens.place import Place
from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.token import AuthorizationInfo, LocationReferences, Token
from ocpi_party.ocpi.types import PartyId
from ocpi_party.owned.listing import Listing, Scope
from ocpi_party.partners.findings import note
from ocpi_party.transport.asked import Asked, CurrentAsked, IdInUrl, json_body
from ocpi_party.transport.envelope import page, success
from ocpi_party.transport.pagination import window

router = APIRouter()
LISTING = Listing(TOKENS, repository.documents)
_WITH_OWNER = Finding("", "names the owner before the uid in the URL that asks for authorization")


@router.get("")
async def get_tokens(request: Request, asked: CurrentAsked) -> Response:
    """Invalid ones too: tokens are never deleted, and a list without them would leave a lost card valid at the CPO."""
    wanted = window(request, size=asked.house.page_size, size_max=asked.house.page_size_max)
    async with asked.database.read() as tx:
        found = await LISTING.page(tx, asked.house.documents, Scope.of(asked.owners, asked.audiences), wanted)
    return page(request, asked, Token, wanted, found)


@router.post("/{token_uid}/authorize")
async def authorize(
    request: Request, asked: CurrentAsked, token_uid: IdInUrl, token_type: TypeInUrl = None
) -> Response:
    place = await _place(request, asked)
    return success(asked.spoken.write(AuthorizationInfo, await answering.answer(asked, token_uid, token_type, place)))


@router.post("/{country_code}/{party_id}/{token_uid}/authorize")
async def authorize_of_owner(
    request: Request,
    asked: CurrentAsked,
    country_code: IdInUrl,
    party_id: IdInUrl,
    token_uid: IdInUrl,
    token_type: TypeInUrl = None,
) -> Response:
    """As some hubs ask, which name the owner here as they do where tokens are put."""
    owner, place = str(PartyId(country_code, party_id).folded()), await _place(request, asked)
    found = await answering.answer(asked, token_uid, token_type, place, owner)
    async with asked.database.write() as tx:
        await note(tx, asked.partner.id, ModuleId.TOKENS, "authorize", [_WITH_OWNER])
    return success(asked.spoken.write(AuthorizationInfo, found))


async def _place(request: Request, asked: Asked) -> Place | None:
    """The body is optional; `null` and `{}` are as good as none."""
    if not await request.body():
        return None
    wire = await json_body(request, asked)
    return None if wire is None or wire == {} else Place(asked.spoken.read(LocationReferences, wire).document)
