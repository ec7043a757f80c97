"""A received CDR as it was meant: watt-hours as kWh, and a Credit CDR as the CDR that it credits (AMB-42, AMB-47)."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from ocpi_party.pricing.difference import Difference
from ocpi_party.pricing.exact import Document, decimal, exact

ABOUT_1000 = (900, 1100)


def as_meant(cdr: Document) -> tuple[dict[str, Any], list[Difference]]:
    """The CDR to calculate with, and what had to be put right."""
    meant, found = _credited(cdr) if cdr.get("credit") else (dict(cdr), [])
    energy = sum((exact(each["volume"]) for each in _energies(meant)), Fraction(0))
    total = exact(meant["total_energy"])
    if not (total > 0 and ABOUT_1000[0] <= energy / total <= ABOUT_1000[1]):
        return meant, found
    words = "the ENERGY volumes add up to about 1000 times total_energy: they look like Wh, and we calculated with kWh"
    found.append(Difference("charging_periods", decimal(energy), decimal(total), words))
    return meant | {"charging_periods": [_in_kwh(period) for period in meant["charging_periods"]]}, found


def _energies(cdr: Document) -> Iterator[Document]:
    for period in cdr["charging_periods"]:
        yield from (each for each in period.get("dimensions") or () if each["type"] == "ENERGY")


def _in_kwh(period: Document) -> dict[str, Any]:
    def kwh(each: Document) -> Document:
        return {**each, "volume": decimal(exact(each["volume"]) / 1000)} if each["type"] == "ENERGY" else each

    return {**period, "dimensions": [kwh(each) for each in period["dimensions"]]}


def _credited(cdr: Document) -> tuple[dict[str, Any], list[Difference]]:
    """As the original was: total_cost negated back, and what some senders negate beside it."""
    found = []
    total, energy = exact(cdr["total_cost"]["excl_vat"]), exact(cdr["total_energy"])
    forgotten = total > 0 and energy >= 0  # Who sold energy to the grid was paid, and pays it back.
    if forgotten:
        words = "a Credit CDR, but total_cost is not negative"
        found.append(Difference("total_cost/excl_vat", decimal(total), decimal(-total), words))
    totals = {name: _positive(value) for name, value in cdr.items() if name.startswith("total_") and value is not None}
    if total > 0 and not forgotten:
        totals |= {name: _negative(cdr[name]) for name in totals if name.endswith("_cost")}
        totals["total_energy"] = cdr["total_energy"]
        return {**cdr, **totals}, found
    backwards = sum((exact(each["volume"]) for each in _energies(cdr)), Fraction(0)) < 0
    turned = {"TIME", "PARKING_TIME", "RESERVATION_TIME"} | ({"ENERGY"} if backwards else set())
    periods = [{**period, "dimensions": _turned(period, turned)} for period in cdr["charging_periods"]]
    return {**cdr, **totals, "charging_periods": periods}, found


def _turned(period: Document, types: set[str]) -> list[Document]:
    return [
        {**each, "volume": _positive(each["volume"])} if each["type"] in types else each
        for each in period["dimensions"]
    ]


def _negative(price: Document) -> dict[str, Any]:
    return {name: -amount for name, amount in _positive(price).items()}


def _positive(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _positive(amount) for name, amount in value.items() if amount is not None}
    return abs(decimal(exact(value)))
