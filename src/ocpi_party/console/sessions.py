"""Sessions of people at the console: begun with an API key, ended by them, by time, or with the key."""

import secrets
from datetime import timedelta

from ocpi_party.backoffice.authorization import scopes_of
from ocpi_party.database import Statement
from ocpi_party.transport.asked import Building

_BEGIN = Statement(
    """INSERT INTO console_sessions (digest, key_digest, expires_at)
       VALUES (:digest, :key_digest, now() + CAST(:lasts AS interval))"""
)
_WHOSE = Statement("SELECT key_digest FROM console_sessions WHERE digest = :digest AND expires_at > now()")
_END = Statement("DELETE FROM console_sessions WHERE digest = :digest")
_FORGET = Statement("DELETE FROM console_sessions WHERE expires_at <= now()")


async def begin(building: Building, first_key: str, key: str, lasts: timedelta) -> str | None:
    """What the cookie says from now on; None, if there is no such key."""
    key_digest = building.vault.digest(key)
    if not await scopes_of(building, first_key, key_digest):
        return None
    cookie = secrets.token_urlsafe(32)
    async with building.database.write() as tx:
        await tx.run(_FORGET)
        await tx.run(_BEGIN, digest=building.vault.digest(cookie), key_digest=key_digest, lasts=lasts)
    return cookie


async def scopes_in(building: Building, first_key: str, cookie: str) -> list[str]:
    """What somebody may do; nothing, if the session is over or its key was revoked."""
    async with building.database.read() as tx:
        key_digest = await tx.value(_WHOSE, digest=building.vault.digest(cookie))
    return await scopes_of(building, first_key, key_digest) if key_digest else []


async def end(building: Building, cookie: str) -> None:
    async with building.database.write() as tx:
        await tx.run(_END, digest=building.vault.digest(cookie))
