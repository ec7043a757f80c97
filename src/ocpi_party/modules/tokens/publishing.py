"""We change our own tokens. OCPI 2.2.1, Tokens, "Push model"."""

from ocpi_party.database import WriteTx
from ocpi_party.modules.tokens.advice import advice
from ocpi_party.modules.tokens.keys import type_of
from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.token import Token
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.owned import repository
from ocpi_party.owned.publish import Published, Publisher
from ocpi_party.owned.table import Ref
from ocpi_party.partners.audience import EVERYBODY

PUBLISHER = Publisher(ModuleId.TOKENS, TOKENS, Token)


async def put_token(tx: WriteTx, ref: Ref, body: JsonObject, audience: str | None) -> Published:
    """Store a token of ours. audience  None leaves it as it was, for a new one EVERYBODY"""
    if audience is None:
        known = await repository.lock_or_hold(tx, TOKENS, ref)
        audience = known.audience if known else EVERYBODY
    return await PUBLISHER.put(tx, ref, body, audience=audience)


async def patch_token(tx: WriteTx, ref: Ref, changes: JsonObject) -> Published:
    """Change fields of a token of ours. Raises InvalidObject for another type: that would be another token"""
    told = changes.get("type")
    if told is not None and str(told).upper() != type_of(ref.key):
        raise InvalidObject("/type", "cannot be changed: uid and type together name the token")
    return await PUBLISHER.patch(tx, ref, changes)


async def invalidate(tx: WriteTx, ref: Ref) -> Published:
    """Tokens are never deleted: CPOs that keep it must learn that it is not valid any more."""
    return await PUBLISHER.patch(tx, ref, {"valid": False})


def warnings(token: JsonObject) -> list[str]:
    """What the specification advises against, for the operator."""
    return [f"{where.removeprefix('/')} {rule}" for where, rule in advice(token)]
