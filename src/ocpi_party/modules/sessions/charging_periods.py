"""How the charging periods of a session grow: PATCH adds to them, PUT replaces them. OCPI 2.2.1, Sessions, "PATCH Method"."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from ocpi_party.dialects.dialect import Finding
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.types import JsonObject, parse_time


def with_new_periods(known: JsonObject, changes: JsonObject) -> JsonObject:
    """The Session after a PATCH; a period that begins when a known one does takes its place, so that a repeated PATCH
    adds nothing (AMB-40).

    Raises InvalidObject, for a period without a beginning
    """
    changed = known | changes
    added = changes.get("charging_periods")
    if added is None or added == []:
        return {k: v for k, v in changed.items() if k != "charging_periods"} | _periods(known)
    if not isinstance(added, list):
        return changed  # The check of the whole says what is wrong with it.
    new = {_start_of(period, number): period for number, period in enumerate(added)}
    kept = [period for period in known.get("charging_periods") or () if start_of(period) not in new]
    return changed | {"charging_periods": sorted([*kept, *new.values()], key=start_of)}


def start_of(period: JsonObject) -> datetime:
    return parse_time(period["start_date_time"])


def _periods(known: JsonObject) -> JsonObject:
    return {k: v for k, v in known.items() if k == "charging_periods"}


def _start_of(period: Any, number: int) -> datetime:
    if not isinstance(period, dict) or not isinstance(period.get("start_date_time"), str):
        raise InvalidObject(f"/charging_periods/{number}/start_date_time", "is required")
    try:
        return start_of(period)
    except InvalidObject as fault:
        raise InvalidObject(f"/charging_periods/{number}/start_date_time", fault.rule) from None


def appended(before: JsonObject, after: JsonObject) -> list[JsonObject] | None:
    """The periods that came behind those known; None, if a known one was changed, removed, or is not before them all."""
    known, now = before.get("charging_periods") or [], after.get("charging_periods") or []
    new = now[len(known) :]
    if now[: len(known)] != known:
        return None
    if known and new and min(map(start_of, new)) <= max(map(start_of, known)):
        return None
    return list(new)


_PLAUSIBLE = range(500, 2000)


def in_wh(document: Mapping[str, Any]) -> tuple[Finding, ...]:
    """A Finding, if the energies of the periods are about a thousand times the kwh of the session (AMB-42)."""
    kwh = Decimal(str(document["kwh"]))
    energy = sum(
        Decimal(str(dimension["volume"]))
        for period in document.get("charging_periods") or ()
        for dimension in period["dimensions"]
        if dimension["type"] == "ENERGY"
    )
    if kwh <= 0 or not _PLAUSIBLE.start <= energy / kwh < _PLAUSIBLE.stop:
        return ()
    return (Finding("/charging_periods", "the volumes of ENERGY add up to about 1000 times kwh: they look like Wh"),)
