"""The query of GET and DELETE, in which many do not encode the response_url. OCPI 2.2.1, ChargingProfiles; AMB-56."""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from ocpi_party.ocpi.errors import InvalidObject


class Asked(NamedTuple):
    """duration, response_url  as text, None if it is not there"""

    duration: str | None
    response_url: str | None


_DURATION: Final = re.compile(r"(?:^|&)duration=([^&]*)")
_RESPONSE_URL: Final = re.compile(r"(?:^|&)response_url=")
_MOST: Final = 10**9


def parameters(query: str) -> Asked:
    """What a query asks for.

    A URL that is not encoded has a query of its own: everything after `response_url=` belongs to it, but for a
    duration behind it where there is none before.
    """
    found = _RESPONSE_URL.search(query)
    if found is None:
        return Asked(_first(_DURATION, query), None)
    before, rest = query[: found.start()], query[found.end() :]
    duration = _first(_DURATION, before)
    if "://" not in rest.partition("&")[0]:
        url, _, after = rest.partition("&")
        return Asked(duration if duration is not None else _first(_DURATION, after), unquote(url))
    if duration is None and (late := list(re.finditer(r"&duration=([^&]*)", rest))):
        return Asked(late[-1][1], rest[: late[-1].start()] + rest[late[-1].end() :])
    return Asked(duration, rest)


def _first(pattern: re.Pattern[str], query: str) -> str | None:
    found = pattern.search(query)
    return found[1] if found else None


def seconds(duration: str | None) -> int:
    """Raises InvalidObject, unless it is a whole number of seconds of at least one"""
    if duration is None or duration == "":
        raise InvalidObject("/duration", "is required")
    if not duration.isascii() or not duration.isdigit() or len(duration) > 10 or not 1 <= int(duration) <= _MOST:
        raise InvalidObject("/duration", "must be a whole number of seconds")
    return int(duration)
