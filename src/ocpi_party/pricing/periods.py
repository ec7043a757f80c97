"""Charging periods, read for calculating: in kWh and seconds, with current and power. OCPI 2.2.1, CDRs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from ocpi_party.pricing.exact import HOUR, Document, decimal, exact, moment, seconds

QUANTITIES = ("ENERGY", "TIME", "PARKING_TIME")
MILLI_HOUR = Decimal("0.0005")


@dataclass(frozen=True)
class Period:
    """A charging period; it ends when the next one starts, the last when the session ends.

    length      in seconds; None if the clocks of the sender contradict themselves
    quantities  ENERGY in kWh, TIME and PARKING_TIME in seconds, only what the period tells
    reserved    seconds of RESERVATION_TIME
    current     one value for the whole period, for a well made period has one on one side of each bound; power likewise
    """

    number: int
    start: datetime
    length: Fraction | None
    tariff_id: str | None
    quantities: dict[str, Fraction]
    reserved: Fraction
    current: Fraction | None
    power: Fraction | None

    @property
    def only_reserved(self) -> bool:
        return bool(self.reserved) and not any(self.quantities.values())


def read_periods(documents: Iterable[Document], end: datetime) -> list[Period]:
    """In the order of time."""
    ordered = sorted(documents, key=lambda document: moment(document["start_date_time"]))
    ends = [moment(document["start_date_time"]) for document in ordered[1:]] + [end]
    return [_period(number, document, ends[number - 1]) for number, document in enumerate(ordered, start=1)]


def _period(number: int, document: Document, end: datetime) -> Period:
    start = moment(document["start_date_time"])
    length = seconds(end - start)
    told = _volumes(document.get("dimensions") or ())
    times = {name: told[name] for name in ("TIME", "PARKING_TIME", "RESERVATION_TIME") if name in told}
    # With charging and parking in one period, the length of the period is the length of neither.
    whole = length if sum(1 for volume in times.values() if volume) == 1 else None
    measured = {name: duration(volume, whole) for name, volume in times.items()}
    reserved = measured.pop("RESERVATION_TIME", Fraction(0))
    quantities = {
        name: quantity for name, quantity in ({"ENERGY": told.get("ENERGY")} | measured).items() if quantity is not None
    }
    return Period(
        number=number,
        start=start,
        length=length if length >= 0 else None,
        tariff_id=document.get("tariff_id"),
        quantities=quantities,
        reserved=reserved,
        current=_momentary(told, "CURRENT", _idle(quantities)),
        power=_momentary(
            told, "POWER", _idle(quantities) if _idle(quantities) is not None else _mean_power(quantities, length)
        ),
    )


def _volumes(dimensions: Sequence[Document]) -> dict[str, Fraction]:
    told: dict[str, Fraction] = {}
    for dimension in dimensions:
        told[dimension["type"]] = told.get(dimension["type"], Fraction(0)) + exact(dimension["volume"])
    return told


def duration(hours: Fraction, whole: Fraction | None) -> Fraction:
    """Hours of a document as the seconds that they were before somebody rounded them.

    whole  the seconds that the clock gives, if it can tell

    "Numbers use 4 decimals", and 40 minutes become 0.6667 h, which is 2400.12 s: a step_size of 600 would bill 50
    minutes. So a volume that the clock confirms as far as its digits go is taken from the clock, and one that is a full
    second as far as its digits go is that second.
    """
    told = hours * HOUR
    if told == whole or (whole is None and told.denominator == 1):
        return told
    number = decimal(hours).normalize()
    last_digit = Decimal(1).scaleb(int(number.as_tuple().exponent))
    slack = exact(min(last_digit / 2, MILLI_HOUR)) * HOUR
    if hours and whole is not None and abs(told - whole) <= slack:
        return whole
    return Fraction(round(told)) if abs(told - round(told)) <= slack else told


def _momentary(told: dict[str, Fraction], what: str, otherwise: Fraction | None) -> Fraction | None:
    """The average if told, else the middle of the least and the most: it is on the same side of a bound as both."""
    if what in told:
        return told[what]
    ends = [told[name] for name in (f"MIN_{what}", f"MAX_{what}") if name in told]
    return sum(ends, Fraction(0)) / len(ends) if ends else otherwise


def _idle(quantities: dict[str, Fraction]) -> Fraction | None:
    """Nothing flows while the car is only parked."""
    parked = quantities.get("PARKING_TIME") and not quantities.get("TIME") and not quantities.get("ENERGY")
    return Fraction(0) if parked else None


def _mean_power(quantities: dict[str, Fraction], length: Fraction) -> Fraction | None:
    time = quantities.get("TIME") or length
    return quantities["ENERGY"] * HOUR / time if "ENERGY" in quantities and time > 0 else None
