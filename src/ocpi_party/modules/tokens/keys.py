"""A token is named by its uid and its type together; URLs may leave the type out (AMB-51)."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Query

from ocpi_party.ocpi.token import TokenType
from ocpi_party.ocpi.types import fold

TypeInUrl = Annotated[
    str | None, Query(alias="type", max_length=36, description="TokenType; by default RFID, else the only one")
]

_BY_DEFAULT = (TokenType.RFID, TokenType.APP_USER, TokenType.AD_HOC_USER, TokenType.OTHER)


def token_key(uid: str, token_type: str) -> str:
    """The key of its row: `UID TYPE`. A uid may hold blanks, a type does not, so that no two tokens share a key."""
    return f"{fold(uid)} {fold(token_type).replace(' ', '_')}"


def type_of(key: str) -> str:
    return key.rpartition(" ")[2]


def token_keys(uid: str, token_type: str | None) -> list[str]:
    """What a URL may mean: the type it names, else RFID, else any other."""
    return [token_key(uid, one) for one in ([token_type] if token_type else _BY_DEFAULT)]


def meant(keys: list[str], found: Iterable[str]) -> str | None:
    """Which of the tokens found is meant: RFID, else the only one; None if there is none or nobody can tell.

    keys  as token_keys() gave them
    """
    there = set(found)
    if keys[0] in there:
        return keys[0]
    return next(iter(there)) if len(there) == 1 else None
