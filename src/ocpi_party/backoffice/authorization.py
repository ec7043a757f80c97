"""API keys of the operator's systems, and what each may do."""

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ocpi_party.backoffice.errors import NotAllowed, NotAuthenticated
from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.partners.secrets import Vault
from ocpi_party.transport.asked import Building

SCOPES = ("read", "write", "helpdesk", "admin")
"""Each includes those before it: read looks, write changes objects and sends commands,
helpdesk also unlocks connectors, admin changes parties, partners and keys."""

_LONGEST_NAME = 100
_BEARER = HTTPBearer(auto_error=False, description="a key made with `ocpi-party key create`")
_KNOWN = Statement("SELECT scopes FROM api_keys WHERE digest = :digest AND revoked_at IS NULL")
_CREATE = Statement("INSERT INTO api_keys (name, digest, scopes) VALUES (:name, :digest, :scopes) RETURNING id")
_EVERY = Statement("SELECT id, name, scopes, created_at, revoked_at FROM api_keys ORDER BY id")
_REVOKE = Statement("UPDATE api_keys SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL")


async def _building(request: Request) -> Building:
    building: Building = request.app.state.building
    return building


CurrentBuilding = Annotated[Building, Depends(_building)]


SIGNED_IN = "ocpi_party.scopes"
"""In the ASGI scope, where no client can write: the scopes of somebody who is signed in at the console."""


async def scopes_of(building: Building, first_key: str, digest: bytes) -> list[str]:
    """What a key may do; nothing, if it is unknown or revoked. digest  of the key, as the vault makes it"""
    if hmac.compare_digest(digest, building.vault.digest(first_key)):
        return list(SCOPES)
    async with building.database.read() as tx:
        found = await tx.value(_KNOWN, digest=digest)
    return json.loads(found) if found else []


def includes(scopes: Sequence[str], wanted: str) -> bool:
    return any(one in SCOPES[SCOPES.index(wanted) :] for one in scopes)


async def _scopes(request: Request, building: Building, given: HTTPAuthorizationCredentials | None) -> Sequence[str]:
    if given is None:
        signed_in: Sequence[str] = request.scope.get(SIGNED_IN, ())
        return signed_in
    return await scopes_of(building, request.app.state.first_key, building.vault.digest(given.credentials))


def needs(scope: str) -> Callable[..., Awaitable[None]]:
    """A dependency that lets pass who holds a key with this scope, or with one that includes it."""

    async def check(
        request: Request,
        building: CurrentBuilding,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    ) -> None:
        scopes = await _scopes(request, building, given)
        if not scopes:
            raise NotAuthenticated("send the header Authorization: Bearer <API key>")
        if not includes(scopes, scope):
            raise NotAllowed(f"this needs a key with scope {scope}")

    return check


READ, WRITE, HELPDESK, ADMIN = (Depends(needs(scope)) for scope in SCOPES)


async def create_key(tx: WriteTx, vault: Vault, name: str, scope: str) -> tuple[int, str]:
    """Make a key; tells its id and, this once, the key itself. Raises InvalidObject"""
    if not 1 <= len(name.strip()) <= _LONGEST_NAME or not name.isprintable():
        raise InvalidObject("/name", f"must have 1 to {_LONGEST_NAME} characters that can be seen")
    key = secrets.token_urlsafe(32)
    key_id: int = await tx.value(_CREATE, name=name, digest=vault.digest(key), scopes=json.dumps([scope]))
    return key_id, key


async def keys(tx: ReadTx) -> list[Row]:
    return await tx.rows(_EVERY)


async def revoke_key(tx: WriteTx, key_id: int) -> bool:
    """False, if there is no such key or it is revoked already."""
    return await tx.run(_REVOKE, id=key_id) == 1
