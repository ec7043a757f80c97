"""Rules for what we send that reach beyond the shape of an object. OCPI 2.2.1, Types."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from babel.numbers import list_currencies

from ocpi_party.ocpi.countries import is_country
from ocpi_party.ocpi.errors import InvalidObject

_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&#?\w+;")


def must_be_publishable(document: dict[str, Any]) -> None:
    """Raise InvalidObject for codes that do not exist, texts with markup, and readers named for a public Location."""
    if document.get("publish") is True and document.get("publish_allowed_to"):
        raise InvalidObject("/publish_allowed_to", "goes only with publish = false")
    for pointer, name, value in _strings(document, ""):
        if name == "currency" and value.upper() not in _currencies():
            raise InvalidObject(pointer, "is no currency of ISO 4217")
        if name == "country" and not (len(value) == 3 and is_country(value)):
            raise InvalidObject(pointer, "is no country of ISO 3166-1 alpha-3")
        if name == "time_zone" and value not in _time_zones():
            raise InvalidObject(pointer, "is no time zone of IANA's tz database, such as Europe/Amsterdam")
        if name == "text" and _MARKUP.search(value):
            raise InvalidObject(pointer, "must be plain text, without markup")


def _strings(value: Any, pointer: str, name: str = "") -> Iterator[tuple[str, str, str]]:
    """(JSON Pointer, name of the field, text) of each text in a document."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _strings(one, f"{pointer}/{key}", key)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _strings(one, f"{pointer}/{number}", name)
    elif isinstance(value, str):
        yield pointer, name, value


@cache
def _currencies() -> frozenset[str]:
    # Yesterday's currencies are among them: CDRs are corrected for years.
    return frozenset(list_currencies())


@cache
def _time_zones() -> frozenset[str]:
    # Two files that lie beside the zones say which one a machine has, or that nobody chose one.
    return frozenset(available_timezones() - {"localtime", "Factory"})
