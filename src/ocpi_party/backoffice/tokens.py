"""The operator writes our tokens; what changed reaches the CPOs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.backoffice.answers import published
from ocpi_party.backoffice.authorization import WRITE, CurrentBuilding
from ocpi_party.backoffice.described import body_of, shown, stored
from ocpi_party.backoffice.filters import OneTokenType
from ocpi_party.backoffice.writing import Audience, PathId, audience_of, json_object, our_owner
from ocpi_party.database import WriteTx
from ocpi_party.modules.tokens import publishing
from ocpi_party.modules.tokens.keys import token_key
from ocpi_party.modules.tokens.repository import named
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.token import Token, TokenType
from ocpi_party.owned.publish import Published, must_be, must_name, our_ref
from ocpi_party.transport.asked import Building

router = APIRouter(prefix="/tokens", tags=["tokens"])

_ONE = "/{country_code}/{party_id}/{uid}"


@router.put(_ONE, dependencies=[WRITE], openapi_extra=body_of(Token), responses=stored(Token))
async def put_token(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    uid: PathId,
    token_type: OneTokenType = None,
    audience: Audience = None,
) -> Response:
    """Create or replace a token. The header `warning` says what the specification advises against."""
    body = must_be(await json_object(request, building), country_code=country_code, party_id=party_id, uid=uid)
    body = must_be(body, type=token_type or str(body.get("type", TokenType.RFID)))
    owner = await our_owner(building, ModuleId.TOKENS, country_code, party_id)
    async with _writing(building) as tx:
        done = await publishing.put_token(
            tx, our_ref(owner, token_key(uid, str(body["type"]))), body, audience_of(audience)
        )
    return _answer(done)


@router.patch(_ONE, dependencies=[WRITE], openapi_extra=body_of(Token, partial=True), responses=shown(Token))
async def patch_token(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    uid: PathId,
    token_type: OneTokenType = None,
) -> Response:
    changes = await json_object(request, building)
    changes = must_name(changes, country_code=country_code, party_id=party_id, uid=uid)
    owner = await our_owner(building, ModuleId.TOKENS, country_code, party_id)
    async with _writing(building) as tx:
        ref = await named(tx, our_ref(owner, ""), uid, token_type)
        done = await publishing.patch_token(tx, ref, changes)
    return _answer(done)


@router.delete(_ONE, dependencies=[WRITE], responses=shown(Token))
async def delete_token(
    building: CurrentBuilding, country_code: PathId, party_id: PathId, uid: PathId, token_type: OneTokenType = None
) -> Response:
    """A token is never deleted in OCPI: it becomes `valid: false`."""
    owner = await our_owner(building, ModuleId.TOKENS, country_code, party_id)
    async with _writing(building) as tx:
        done = await publishing.invalidate(tx, await named(tx, our_ref(owner, ""), uid, token_type))
    return _answer(done)


@asynccontextmanager
async def _writing(building: Building) -> AsyncIterator[WriteTx]:
    async with building.database.write() as tx:
        yield tx
    building.wake()


def _answer(done: Published) -> Response:
    return published(done, publishing.warnings(done.document))
