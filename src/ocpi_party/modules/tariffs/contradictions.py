"""Where the fields of a Tariff do not go together, though each is valid. OCPI 2.2.1, Tariffs.

As a whole it may contradict itself: then no session can be charged as it says, and ours is not published. One of its elements
may count for nothing: that is allowed, and surely not meant, so the operator is told. Of a partner's Tariff each is a finding.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ocpi_party.dialects.dialect import Finding, Reading
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.types import JsonObject, parse_time

_RANGES = ("kwh", "current", "power", "duration")


def noted(reading: Reading) -> Reading:
    """A partner's Tariff, and what does not go together in it among the findings."""
    odd = (*_contradictions(reading.document), *_without_effect(reading.document))
    return replace(reading, findings=(*reading.findings, *odd))


def must_agree_with_itself(tariff: JsonObject) -> None:
    """Raises InvalidObject"""
    for pointer, rule in _contradictions(tariff):
        raise InvalidObject(pointer, rule)


def warnings(tariff: JsonObject) -> list[str]:
    """What in a Tariff of ours counts for nothing."""
    return [f"{pointer} {rule}" for pointer, rule in _without_effect(tariff)]


def _contradictions(tariff: JsonObject) -> Iterator[Finding]:
    low, high = tariff.get("min_price") or {}, tariff.get("max_price") or {}
    for name in ("excl_vat", "incl_vat"):
        if _above(low.get(name), high.get(name)):
            yield Finding(f"/min_price/{name}", f"must not be above max_price, {high[name]}")
    if _is_before(tariff.get("end_date_time"), tariff.get("start_date_time")):
        yield Finding("/end_date_time", f"lies before start_date_time, {tariff['start_date_time']}")


def _without_effect(tariff: JsonObject) -> Iterator[Finding]:
    elements = [(one, one.get("restrictions") or {}) for one in tariff["elements"]]
    always: dict[tuple[Any, Any], int] = {}
    for number, (element, restrictions) in enumerate(elements):
        place = f"/elements/{number}"
        yield from _unmeetable(restrictions, f"{place}/restrictions")
        priced = [component["type"] for component in element["price_components"]]
        for at, kind in enumerate(priced):
            if kind in priced[:at]:
                yield Finding(f"{place}/price_components/{at}/type", f"{kind} has a price in this element already")
        reservation = restrictions.get("reservation")
        hidden_by = [always.get((reservation, kind)) for kind in priced]
        if None not in hidden_by:
            first = max(one for one in hidden_by if one is not None)
            yield Finding(
                place, f"can never apply: the first element that matches counts, and /elements/{first} always does"
            )
        if not restrictions.keys() - {"reservation"}:
            for kind in priced:
                always.setdefault((reservation, kind), number)


def _unmeetable(restrictions: JsonObject, place: str) -> Iterator[Finding]:
    """Minima and first days are inclusive, maxima and last days exclusive; times of day go on at midnight."""
    for what in _RANGES:
        least, most = restrictions.get(f"min_{what}"), restrictions.get(f"max_{what}")
        if least is not None and most is not None and not _above(most, least):
            yield Finding(f"{place}/max_{what}", f"must be above min_{what}, {least}: nothing is in between")
    first, end = restrictions.get("start_date"), restrictions.get("end_date")
    if first is not None and end is not None and end <= first:
        yield Finding(f"{place}/end_date", f"must be after start_date, {first}: it is no more valid on that day")


def _above(one: object, other: object) -> bool:
    numbers = int | float | Decimal
    return isinstance(one, numbers) and isinstance(other, numbers) and Decimal(str(one)) > Decimal(str(other))


def _is_before(one: object, other: object) -> bool:
    try:
        return one is not None and other is not None and parse_time(str(one)) < parse_time(str(other))
    except InvalidObject:
        return False
