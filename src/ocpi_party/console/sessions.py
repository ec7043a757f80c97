"""Sessions of people at the console: begun with an API key or a password, ended by them, by time, or with the key or password."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ocpi_party.backoffice.authorization import scopes_of
from ocpi_party.database import Statement, WriteTx
from ocpi_party.partners.secrets import Vault
from ocpi_party.transport.asked import Building

_BEGIN = Statement(
    """INSERT INTO console_sessions (digest, key_digest, expires_at)
       VALUES (:digest, :key_digest, now() + CAST(:lasts AS interval))"""
)
# With the lock: a password that is changed at this moment either is the one that was checked no more, or ends the session too.
_BEGIN_OF_USER = Statement(
    """INSERT INTO console_sessions (digest, user_id, expires_at)
       SELECT :digest, id, now() + CAST(:lasts AS interval)
         FROM console_users WHERE id = :user_id AND password_hash = :password_hash FOR SHARE"""
)
_WHOSE = Statement(
    """SELECT s.key_digest, u.id, u.name, u.scope FROM console_sessions s LEFT JOIN console_users u ON u.id = s.user_id
        WHERE s.digest = :digest AND s.expires_at > now()"""
)
_END = Statement("DELETE FROM console_sessions WHERE digest = :digest")
_END_ALL_OF = Statement("DELETE FROM console_sessions WHERE user_id = :user_id")
_FORGET = Statement("DELETE FROM console_sessions WHERE expires_at <= now()")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody, and what they may do.

    user_id, name  None for who came with an API key
    """

    scopes: Sequence[str]
    user_id: int | None = None
    name: str | None = None


async def begin(building: Building, first_key: str, key: str, lasts: timedelta) -> str | None:
    """What the cookie says from now on; None, if there is no such key."""
    key_digest = building.vault.digest(key)
    if not await scopes_of(building, first_key, key_digest):
        return None
    cookie, digest = _new(building.vault)
    async with building.database.write() as tx:
        await tx.run(_FORGET)
        await tx.run(_BEGIN, digest=digest, key_digest=key_digest, lasts=lasts)
    return cookie


async def begin_of_user(
    tx: WriteTx, vault: Vault, user_id: int, password_hash: str | None, lasts: timedelta
) -> str | None:
    """What the cookie says from now on; None, if this is the user's password no more."""
    cookie, digest = _new(vault)
    await tx.run(_FORGET)
    begun = await tx.run(_BEGIN_OF_USER, digest=digest, user_id=user_id, password_hash=password_hash, lasts=lasts)
    return cookie if begun else None


def _new(vault: Vault) -> tuple[str, bytes]:
    cookie = secrets.token_urlsafe(32)
    return cookie, vault.digest(cookie)


async def whose(building: Building, first_key: str, cookie: str) -> SignedIn | None:
    """Who is signed in; None, if the session is over, or the key or user that it began with."""
    async with building.database.read() as tx:
        row = await tx.row(_WHOSE, digest=building.vault.digest(cookie))
    if row is None:
        return None
    if row["id"] is not None:
        return SignedIn([row["scope"]], row["id"], row["name"])
    scopes = await scopes_of(building, first_key, row["key_digest"])
    return SignedIn(scopes) if scopes else None


async def end(building: Building, cookie: str) -> None:
    async with building.database.write() as tx:
        await tx.run(_END, digest=building.vault.digest(cookie))


async def end_all_of(tx: WriteTx, user_id: int) -> None:
    await tx.run(_END_ALL_OF, user_id=user_id)
