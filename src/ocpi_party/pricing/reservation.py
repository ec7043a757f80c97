"""What a reservation costs, used or expired. OCPI 2.2.1, Tariffs, "ReservationRestrictionType"."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Self

from ocpi_party.pricing.exact import HOUR, NEVER, Document, Unpriceable, delta, moment, seconds, shown
from ocpi_party.pricing.periods import Period
from ocpi_party.pricing.restrictions import State
from ocpi_party.pricing.slices import Session, Use, slices_of, uses
from ocpi_party.pricing.tariff import RESERVATION, RESERVATION_EXPIRES, Tariff

NOT_AVAILABLE = "#NA"
"""evse_uid "when this CDR is created for a reservation that never resulted in a charging session"."""


@dataclass(frozen=True)
class Reservation:
    """A reservation starts "when the reservation is made" and ends when the driver starts charging or it expires.

    tariff_id  the tariff that was agreed; without it, that of the first charging period
    """

    start: datetime
    duration: timedelta
    expired: bool = False
    tariff_id: str | None = None

    @classmethod
    def from_periods(cls, periods: Sequence[Period], expired: bool = False) -> Self | None:
        """As the charging periods of a CDR tell it with RESERVATION_TIME; None if they do not.

        Raises Unpriceable
        """
        reserved = [period for period in periods if period.reserved]
        if not reserved:
            return None
        total = sum((period.reserved for period in reserved), Fraction(0))
        if abs(total) > NEVER:  # The calendar ends before such a reservation does.
            raise Unpriceable(f"not a time that somebody reserves: {shown(total / HOUR)} hours")
        return cls(reserved[0].start, delta(total), expired, reserved[0].tariff_id)

    @classmethod
    def of_cdr(cls, cdr: Document, periods: Sequence[Period]) -> Self | None:
        """The same with whether it expired, as the EVSE of the CDR tells. periods  those of the CDR, read"""
        return cls.from_periods(periods, expired=cdr.get("cdr_location", {}).get("evse_uid") == NOT_AVAILABLE)


def reservation_uses(reservation: Reservation, tariff: Tariff, session: Session) -> Iterator[Use]:
    """Fixed fees and time, as uses of the tariff.

    When a tariff prices the time of an expired reservation, that price replaces the one of RESERVATION; its fixed fees
    come on top, "as compensation for not charging at all".
    """
    made, expires = tariff.only(RESERVATION), tariff.only(RESERVATION_EXPIRES)
    period = _as_period(reservation)
    yield from _flat(made, slices_of(period, made, session, Fraction(0))[0].state, period)
    if reservation.expired:
        yield from _flat(expires, slices_of(period, expires, session, Fraction(0))[-1].state, period)
    tariff = expires if reservation.expired and expires.prices("TIME") else made
    yield from uses(period, tariff, slices_of(period, tariff, session, Fraction(0)))


def _flat(tariff: Tariff, state: State, period: Period) -> Iterator[Use]:
    if component := tariff.active("FLAT", state):
        yield Use("FLAT", tariff, component, Fraction(1), period.number, period.start)


def _as_period(reservation: Reservation) -> Period:
    length = seconds(reservation.duration)
    time = {"TIME": length}
    return Period(0, moment(reservation.start), length, reservation.tariff_id, time, Fraction(0), None, None)
