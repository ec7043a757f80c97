"""What is made of a value that breaks a rule, by the error type of the rule (see `ocpi.fields`)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.types import parse_time, wire_time

ABSENT: Final = object()
KEPT: Final = object()


class Bent(NamedTuple):
    """What is made of a value that breaks a rule.

    document  what the stored document gets: a value, ABSENT, or KEPT for what the partner sent
    stand_in  what the strict model gets instead, so that the rules about the other fields are still checked
    said      what the finding adds to the rule; None for what the specification allows
    """

    document: object
    stand_in: object
    said: str | None


@dataclass(frozen=True)
class Deviation:
    value: Any
    facts: Mapping[str, Any]
    optional: bool


Leniencies = Mapping[str, Callable[[Deviation], Bent | None]]


def _free_text(odd: Deviation) -> Bent | None:
    if isinstance(odd.value, str) and len(odd.value) <= 10 * odd.facts["max_length"]:
        return Bent(KEPT, "", "kept as it is")
    return None


_DECIMAL = re.compile(r"[+-]?\d{1,30}(\.\d{0,30})?", re.ASCII)


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal(str(value))
    return None


def _number(odd: Deviation) -> Bent | None:
    number = _decimal(odd.value) if isinstance(odd.value, str) else None
    return Bent(number, number, "the string was read as one") if number is not None else None


def _integer(odd: Deviation) -> Bent | None:
    number = _decimal(odd.value)
    if number is None or isinstance(odd.value, int) or number != number.to_integral_value():
        return None
    return Bent(int(number), int(number), f"read as {int(number)}")


def _coordinate(odd: Deviation) -> Bent | None:
    degrees = _decimal(odd.value)
    if degrees is None or abs(degrees) > odd.facts["degrees"]:
        return None
    rounded = str(degrees.quantize(Decimal("0.000001"), ROUND_HALF_UP))
    return Bent(rounded, rounded, f"read as {rounded}")


def _date_time(odd: Deviation) -> Bent | None:
    if not isinstance(odd.value, str):
        return None
    try:
        moment = wire_time(parse_time(odd.value))
    except InvalidObject:
        return _empty(odd)
    # No designator means UTC: that is not a deviation, and only its spelling is made uniform.
    allowed = re.fullmatch(r"[\d-]{10}T[\d:]{8}(\.\d{1,3})?", odd.value, re.ASCII)
    return Bent(moment, moment, None if allowed else f"read as {moment}")


def _empty(odd: Deviation) -> Bent | None:
    """Partners write "" for "none" where no empty string can be meant."""
    return Bent(ABSENT, ABSENT, "the empty string was read as absent") if odd.value == "" and odd.optional else None


def _url(odd: Deviation) -> Bent | None:
    if empty := _empty(odd):
        return empty
    return Bent(KEPT, ABSENT, "kept as it is") if odd.optional and isinstance(odd.value, str) else None


def _descriptive(odd: Deviation) -> Bent | None:
    if empty := _empty(odd):
        return empty
    return Bent(KEPT, odd.facts["stand_in"], "kept as it is") if isinstance(odd.value, str) else None


def _control(odd: Deviation) -> Bent | None:
    if odd.value == odd.facts["wrong"] != "":
        return Bent(odd.facts["right"], odd.facts["right"], f"read as {odd.facts['right']}")
    return _empty(odd)


LENIENCIES: Leniencies = {
    "free_text": _free_text,
    "number": _number,
    "integer": _integer,
    "coordinate": _coordinate,
    "date_time": _date_time,
    "url": _url,
    "code": _empty,
    "descriptive": _descriptive,
    "control": _control,
}
