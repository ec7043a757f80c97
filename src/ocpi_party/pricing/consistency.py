"""Whether the totals of a CDR agree with each other, its times and its charging periods. OCPI 2.2.1, CDRs."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
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
    energy, charging, parked = (_told(periods, dimension) for dimension in ("ENERGY", "TIME", "PARKING_TIME"))
    if parking is not None:
        yield from _parking(told, exact(parking), parked)
    if energy:
        words = "total_energy against the sum of ENERGY of the charging periods"
        yield from compare("total_energy", exact(cdr["total_energy"]), _sum(energy), _slack(energy), words)
    if charging:
        yield from _charging(told, None if parking is None else exact(parking), charging, parked)


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


def _parking(total: Fraction, told: Fraction, parked: Sequence[Fraction]) -> Iterator[Difference]:
    if told > total:
        words = "total_parking_time is longer than total_time, of which it is a part"
        yield Difference("total_parking_time", decimal(told), decimal(total), words)
    if parked:
        words = "total_parking_time against the sum of PARKING_TIME of the charging periods"
        yield from compare("total_parking_time", told, _sum(parked) / HOUR, _slack(parked), words)


def _charging(
    total: Fraction, parking: Fraction | None, charging: Sequence[Fraction], parked: Sequence[Fraction]
) -> Iterator[Difference]:
    """Charging and parking make up the total. A CDR that tells no parking at all leaves open how much of it there was.

    parking  total_parking_time, which counts where no charging period tells PARKING_TIME
    """
    charged = _sum(charging) / HOUR
    if parked:
        parking = _sum(parked) / HOUR
    elif parking is None:
        parking = max(total - charged, Fraction(0))
    words = "total_time against the sum of TIME and PARKING_TIME of the charging periods"
    yield from compare("total_time", total, charged + parking, _slack([*charging, *parked]), words)


def _told(periods: Sequence[Period], dimension: str) -> list[Fraction]:
    return [period.quantities[dimension] for period in periods if dimension in period.quantities]


def _sum(volumes: Sequence[Fraction]) -> Fraction:
    return sum(volumes, Fraction(0))


def _slack(volumes: Sequence[Fraction]) -> Decimal:
    """By how much a total may be off from these: each of them, and the total, may have been rounded to two decimals."""
    return CENT * (len(volumes) + 1) / 2
