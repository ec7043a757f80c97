"""Passwords of people, kept as Argon2id hashes: slow on purpose, so they are reckoned in threads, few at a time."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from ocpi_party.ocpi.errors import InvalidObject

SHORTEST: Final = 12
LONGEST: Final = 1000

_HASHER: Final = PasswordHasher()  # the parameters of RFC 9106 for machines with little memory, 64 MiB each time
_THREADS: Final = ThreadPoolExecutor(2, thread_name_prefix="passwords")

T = TypeVar("T")


async def _slowly(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


def _typed(password: str) -> str:
    """The same, however a keyboard makes its letters; blanks around it come with pasting."""
    return unicodedata.normalize("NFC", password.strip())


async def hashed(password: str) -> str:
    """What may be stored. Raises InvalidObject, if it is too short to be a secret"""
    typed = _typed(password)
    if not SHORTEST <= len(typed) <= LONGEST:
        raise InvalidObject("/password", f"must have {SHORTEST} to {LONGEST} characters")
    return await _slowly(lambda: _HASHER.hash(typed))


@cache
def _of_nobody() -> str:
    return _HASHER.hash("nobody has this password")


async def is_right(known: str | None, password: str) -> bool:
    """Whether this is the password. known  its hash; None for somebody whom there is not, which takes as long"""
    typed = _typed(password)[:LONGEST]
    return await _slowly(lambda: _verified(known, typed)) and known is not None


def _verified(known: str | None, password: str) -> bool:
    nobody = _of_nobody()  # Made the first time, whoever comes first.
    try:
        return _HASHER.verify(known or nobody, password)
    except (Argon2Error, InvalidHashError):
        return False


def is_outdated(known: str) -> bool:
    """Made with weaker parameters than those of today."""
    return _HASHER.check_needs_rehash(known)
