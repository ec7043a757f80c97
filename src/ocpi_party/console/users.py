"""People who sign in at the console with a name and a password; what happens to them is told as events."""

import unicodedata
from datetime import timedelta
from typing import Final

from ocpi_party.backoffice.authorization import SCOPES
from ocpi_party.console import attempts, passwords, sessions
from ocpi_party.console.attempts import TooMany
from ocpi_party.database import Database, ReadTx, Row, Statement, WriteTx
from ocpi_party.events import repository as events
from ocpi_party.events.repository import EventType
from ocpi_party.ocpi.errors import InvalidObject, Refusal, UnknownObject
from ocpi_party.transport.asked import Building

LONGEST_NAME: Final = 100

_ADD = Statement(
    """INSERT INTO console_users (name, password_hash, scope) VALUES (:name, :hash, :scope)
       ON CONFLICT DO NOTHING RETURNING id"""
)
_ALL = Statement("SELECT id, name, scope, created_at, changed_at FROM console_users ORDER BY lower(name)")
_BY_NAME = Statement("SELECT id, name, scope, password_hash FROM console_users WHERE lower(name) = lower(:name)")
_BY_ID = Statement("SELECT id, name, scope, password_hash FROM console_users WHERE id = :id")
_CHANGE = Statement("UPDATE console_users SET password_hash = :hash, changed_at = now() WHERE id = :id RETURNING name")
_REMOVE = Statement("DELETE FROM console_users WHERE id = :id RETURNING name")
_STRENGTHEN = Statement("UPDATE console_users SET password_hash = :new WHERE id = :id AND password_hash = :old")


class AlreadyThere(Refusal):
    """Somebody has this name."""


async def users(tx: ReadTx) -> list[Row]:
    """Everybody by name: id, name, scope, created_at, changed_at (the password)."""
    return await tx.rows(_ALL)


async def by_name(tx: ReadTx, name: str) -> Row:
    """Raises UnknownObject"""
    row = await tx.row(_BY_NAME, name=_tidied(name))
    if row is None:
        raise UnknownObject(f"user {name}")
    return row


def _tidied(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())


async def add(database: Database, name: str, password: str, scope: str, *, by: str) -> int:
    """A new user's id. by  who does it, in words. Raises InvalidObject; AlreadyThere"""
    name = _tidied(name)
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidObject("/name", f"must have 1 to {LONGEST_NAME} characters that can be seen")
    if scope not in SCOPES:
        raise InvalidObject("/scope", f"must be one of {', '.join(SCOPES)}")
    password_hash = await passwords.hashed(password)
    async with database.write() as tx:
        user_id: int | None = await tx.value(_ADD, name=name, hash=password_hash, scope=scope)
        if user_id is None:
            raise AlreadyThere(f"there is a user {name} already")
        await _tell(tx, EventType.USER_ADDED, user_id, name, scope=scope, by=by)
    return user_id


async def remove(tx: WriteTx, user_id: int, *, by: str) -> None:
    """Whoever is signed in under this name is so no more. Raises UnknownObject"""
    name = await tx.value(_REMOVE, id=user_id)
    if name is None:
        raise UnknownObject(f"user {user_id}")
    await _tell(tx, EventType.USER_REMOVED, user_id, name, by=by)


async def change_password(database: Database, user_id: int, password: str, *, by: str) -> None:
    """Whoever is signed in under this name has to do so anew. Raises InvalidObject; UnknownObject"""
    password_hash = await passwords.hashed(password)
    async with database.write() as tx:
        name = await tx.value(_CHANGE, id=user_id, hash=password_hash)
        if name is None:
            raise UnknownObject(f"user {user_id}")
        await sessions.end_all_of(tx, user_id)
        await _tell(tx, EventType.USER_CHANGED, user_id, name, by=by)


async def has_password(building: Building, user_id: int, password: str, address: str) -> bool:
    """Whether it is theirs; a wrong one counts as one more try to sign in. Raises TooMany"""
    async with building.database.write() as tx:
        row = await tx.row(_BY_ID, id=user_id)
        if row is None:
            return False
        await attempts.count(tx, building.vault, row["name"], address)
    right = await passwords.is_right(row["password_hash"], password)
    if right:
        async with building.database.write() as tx:
            await attempts.forgive(tx, building.vault, row["name"], address)
    return right


async def sign_in(building: Building, name: str, password: str, address: str, lasts: timedelta) -> str | None:
    """What the cookie says from now on; None, if name and password do not go together. Raises TooMany"""
    database, vault, name = building.database, building.vault, _tidied(name)
    async with database.write() as tx:
        await attempts.count(tx, vault, name, address)
        row = await tx.row(_BY_NAME, name=name)
    known: str | None = row["password_hash"] if row else None
    right = await passwords.is_right(known, password)
    async with database.write() as tx:
        cookie = await sessions.begin_of_user(tx, vault, row["id"], known, lasts) if right and row else None
        if row is None or known is None or cookie is None:
            # The name of nobody is not kept: it may be a password, typed into the wrong field.
            user_id, its_name = (row["id"], row["name"]) if row else (None, None)
            await _tell(tx, EventType.USER_REFUSED, user_id, its_name, address=address)
            return None
        await attempts.forgive(tx, vault, name, address)
        await _tell(tx, EventType.USER_SIGNED_IN, row["id"], row["name"], address=address)
    if passwords.is_outdated(known):
        new = await passwords.hashed(password)
        async with database.write() as tx:
            await tx.run(_STRENGTHEN, id=row["id"], old=known, new=new)
    return cookie


async def _tell(tx: WriteTx, kind: EventType, user_id: int | None, name: str | None, **more: str) -> None:
    await events.tell(tx, kind, f"users/{user_id or 'unknown'}", {"user": user_id, "name": name, **more})


__all__ = ["AlreadyThere", "TooMany", "add", "by_name", "change_password", "has_password", "remove", "sign_in", "users"]
