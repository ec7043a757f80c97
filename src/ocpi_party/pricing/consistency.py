"""Whether the totals of a CDR agree with each other, its times and its charging periods. OCPI 2.2.1, CDRs."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from ocpi_party.pricing.difference import CENT, Difference, compare
from ocpi_party.pricing.exact import HOUR, Document, decimal, exact, moment, seconds
from ocpi_party.pricing.periods import Period

UNKNOWN = datetime.fromisoformat("1970-01-02T00:00:00+00:00")

_CLOCKS = timedelta(minutes=1)
"""By so much the clock of a station and that of its operator may differ."""


def consistency(cdr: Document, periods: Sequence[Period]) -> Iterator[Difference]:
    """
    cdr      with ENERGY in kWh; a Credit CDR with positive quantities
    periods  its charging periods, read
    """
    told, parking = exact(cdr["total_time"]), cdr.get("total_parking_time")
    yield from _clock(cdr, told, periods)
    if parking is not None:
        yield from _parking(told, exact(parking), _sum(periods, "PARKING_TIME"))
    energy = _sum(periods, "ENERGY")
    if energy is not None:
        words = "total_energy against the sum of ENERGY of the charging periods"
        yield from compare("total_energy", exact(cdr["total_energy"]), energy, CENT, words)
    charging, parked = _sum(periods, "TIME"), _sum(periods, "PARKING_TIME")
    if charging is not None:
        words = "total_time against the sum of TIME and PARKING_TIME of the charging periods"
        yield from compare("total_time", told, (charging + (parked or 0)) / HOUR, CENT, words)


def _clock(cdr: Document, total_time: Fraction, periods: Sequence[Period]) -> Iterator[Difference]:
    start, end = moment(cdr["start_date_time"]), moment(cdr["end_date_time"])
    if min(start, end) < UNKNOWN:
        return  # "Agreed that they accept CDRs that miss either or both": nothing to compare with.
    if end < start:
        words = "end_date_time lies before start_date_time"
        yield Difference("end_date_time", None, None, words)
        return
    for period in periods:
        if not start - _CLOCKS <= period.start <= end + _CLOCKS:
            when = period.start.strftime("%Y-%m-%dT%H:%M:%SZ")
            words = f"charging period {period.number} starts at {when}, outside of the CDR's own times"
            yield Difference("charging_periods", None, None, words)
    reserved = sum((period.reserved for period in periods), Fraction(0))
    words = "total_time against end_date_time less start_date_time, without the time of a reservation"
    yield from compare("total_time", total_time, (seconds(end - start) - reserved) / HOUR, CENT, words)


def _parking(total: Fraction, told: Fraction, parked: Fraction | None) -> Iterator[Difference]:
    if told > total:
        words = "total_parking_time is longer than total_time, of which it is a part"
        yield Difference("total_parking_time", decimal(told), decimal(total), words)
    if parked is not None:
        words = "total_parking_time against the sum of PARKING_TIME of the charging periods"
        yield from compare("total_parking_time", told, parked / HOUR, CENT, words)


def _sum(periods: Sequence[Period], dimension: str) -> Fraction | None:
    told = [period.quantities[dimension] for period in periods if dimension in period.quantities]
    return sum(told, Fraction(0)) if told else None
