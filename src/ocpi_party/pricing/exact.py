"""Reading numbers and times of OCPI documents exactly, and writing numbers back. OCPI 2.2.1, Types."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from ocpi_party.ocpi.errors import Refusal

Document = Mapping[str, Any]

HOUR = 3600
DIGITS = Context(prec=28)
GUARDED = Context(prec=80)
CALENDAR = range(1900, 9000)
MICROSECOND = timedelta(microseconds=1)
NEVER = 10**9
"""Seconds, more than thirty years: no session takes so long."""


class Unpriceable(Refusal):
    """A value that nobody can calculate with: no number, no time, no time zone, or beyond all measure."""


def exact(value: object) -> Fraction:
    """A number of a document, as it was written.

    Inside we calculate with fractions: twenty minutes are a third of an hour, and no Decimal holds that.
    """
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        raise Unpriceable(f"not a number: {value!r}") from None
    if not number.is_finite() or number.adjusted() > 30 or int(number.as_tuple().exponent) < -60:
        raise Unpriceable(f"not a number to calculate with: {value!r}")  # 1E999999999 would keep us busy for hours.
    return Fraction(number)


def decimal(value: Fraction, context: Context = DIGITS) -> Decimal:
    """All digits where the fraction has an end, 28 of them where it has none."""
    return context.divide(Decimal(value.numerator), Decimal(value.denominator))


def rounded(value: Fraction, places: int, mode: str = ROUND_HALF_UP) -> Decimal:
    """Rounded in one step: rounding 0.12499… to some digits first would turn it into a half."""
    result = decimal(value, GUARDED).quantize(Decimal(1).scaleb(-places), mode, GUARDED)
    return abs(result) if result.is_zero() else result  # "-0.00" is no amount to put on an invoice.


def shown(value: Fraction) -> str:
    """For words: at most six decimals, no zeros that say nothing."""
    return f"{rounded(value, 6):f}".rstrip("0").rstrip(".")


def moment(text: object) -> datetime:
    """A DateTime of a document, in UTC; without a designator it is UTC (AMB-24).

    1970-1-1T00:00:00Z, "unknown" in the chapter CDRs, is read too, though it violates the type DateTime.
    """
    if isinstance(text, datetime):
        if text.year not in CALENDAR:  # Near the ends of the calendar no time zone can be added or taken away.
            raise Unpriceable(f"not a time to calculate with: {text}")
        return text.astimezone(UTC) if text.tzinfo else text.replace(tzinfo=UTC)
    try:
        return moment(datetime.fromisoformat(str(text)))
    except ValueError:
        if text == "1970-1-1T00:00:00Z":
            return datetime(1970, 1, 1, tzinfo=UTC)
        raise Unpriceable(f"not a time: {text!r}") from None


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise Unpriceable(f"not a time zone: {name!r}") from None


def seconds(duration: timedelta) -> Fraction:
    return Fraction(duration // MICROSECOND, 1_000_000)


def delta(duration: Fraction) -> timedelta:
    return timedelta(microseconds=round(duration * 1_000_000))


def same(one: object, other: object) -> bool:
    """Whether two CiStrings are equal."""
    return str(one).casefold() == str(other).casefold()
