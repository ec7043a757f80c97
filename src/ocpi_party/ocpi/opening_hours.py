"""When a Location is open. OCPI 2.2.1, Locations, "Hours class"."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.types import parse_time

_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_DAY = 24 * 60


def is_open(hours: Mapping[str, Any] | None, time_zone: str, at: datetime) -> bool | None:
    """Whether these hours say open at this moment; None, if they do not say.

    Closings on a special day win over special openings, and these over the regular hours. Exceptions are in UTC, regular hours
    in the local time of the Location. What is malformed is left out of account (AMB-38).
    """
    if hours is None:
        return None
    if _within(hours.get("exceptional_closings"), at):
        return False
    if _within(hours.get("exceptional_openings"), at) or hours.get("twentyfourseven") is True:
        return True
    regular = [spans for entry in hours.get("regular_hours") or () if (spans := _spans(entry))]
    if not regular:
        return None
    try:
        local = at.astimezone(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError):
        return None
    minute = (local.isoweekday() - 1) * _DAY + local.hour * 60 + local.minute
    return any(begin <= minute < end or begin <= minute + 7 * _DAY < end for begin, end in regular)


def _within(periods: Iterable[Mapping[str, Any]] | None, at: datetime) -> bool:
    for period in periods or ():
        try:
            if parse_time(period["period_begin"]) <= at < parse_time(period["period_end"]):
                return True
        except (InvalidObject, KeyError, TypeError):
            continue
    return False


def _spans(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """Begin, inclusive, and end, exclusive, in minutes since Monday; an end that is not later lies on the next day."""
    weekday = entry.get("weekday")
    begin, end = _minutes(entry.get("period_begin")), _minutes(entry.get("period_end"))
    if not isinstance(weekday, int) or not 1 <= weekday <= 7 or begin is None or end is None:
        return None
    if end == _DAY - 1:  # 23:59 is how a day's end is written.
        end = _DAY
    if end <= begin:
        end += _DAY
    midnight = (weekday - 1) * _DAY
    return midnight + begin, midnight + end


def _minutes(text: object) -> int | None:
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    minutes = int(found[1]) * 60 + int(found[2]) if found else None
    return minutes if minutes is not None and minutes <= _DAY else None
