"""The price of a charging session, line by line. OCPI 2.2.1, Tariffs; CDRs, "step_size"."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction

from ocpi_party.pricing import doubts
from ocpi_party.pricing.bill import Bill
from ocpi_party.pricing.choice import choose
from ocpi_party.pricing.exact import HOUR, Document, moment, seconds, zone
from ocpi_party.pricing.periods import Period, read_periods
from ocpi_party.pricing.priced import PricedSession
from ocpi_party.pricing.reservation import Reservation, reservation_uses
from ocpi_party.pricing.slices import Session
from ocpi_party.pricing.tariff import Tariff, read_tariff


def price_session(
    tariffs: Sequence[Document],
    charging_periods: Iterable[Document],
    end: datetime,
    time_zone: str,
    *,
    reservation: Reservation | None = None,
    preference: str | None = None,
) -> PricedSession:
    """Calculate what a session costs.

    tariffs           those that charging periods name; if none names one, those to choose from by type and time
    charging_periods  periods with RESERVATION_TIME make up a used reservation, unless one is given
    end               of the session: the last charging period ends here
    time_zone         of the Location, as tz database name
    preference        ProfileType of the charging preferences, or AD_HOC_PAYMENT
    Raises            Unpriceable
    """
    till = moment(end)
    periods = read_periods(charging_periods, till)
    return price_periods(tariffs, periods, till, time_zone, reservation=reservation, preference=preference)


def price_periods(
    tariffs: Sequence[Document],
    periods: Sequence[Period],
    till: datetime,
    time_zone: str,
    *,
    start: datetime | None = None,
    reservation: Reservation | None = None,
    preference: str | None = None,
) -> PricedSession:
    """As `price_session`, of charging periods that are read.

    start  of the session, if it began before the first of them; not that of a reservation, which comes before it
    """
    reservation = reservation or Reservation.from_periods(periods)
    charging = [period for period in periods if not period.only_reserved]
    begins = [charging[0].start if charging else till, *([start] if start and not reservation else [])]
    session = Session(min(begins), till, zone(time_zone))
    known = [read_tariff(tariff) for tariff in tariffs]
    begin = moment(reservation.start) if reservation else session.start
    bill = Bill(known, _fallback(periods, known, begin, preference))
    bill.note(*doubts.of_choice(known, bill.fallback, begin))
    if reservation:
        _reserve(bill, reservation, charging, session)
    _charge(bill, charging, session)
    return _priced(bill, charging, session)


def _fallback(
    periods: Sequence[Period], tariffs: Sequence[Tariff], at: datetime, preference: str | None
) -> Tariff | None:
    """ "If not provided, no Tariff is relevant during this period" – unless the sender never provides it."""
    if any(period.tariff_id for period in periods):
        return None
    return tariffs[0] if len(tariffs) == 1 and preference is None else choose(tariffs, at, preference)


def _reserve(bill: Bill, reservation: Reservation, charging: Sequence[Period], session: Session) -> None:
    tariff = bill.tariff_for(reservation.tariff_id or (charging[0].tariff_id if charging else None), None)
    if tariff:
        bill.note(*doubts.of_expiry(tariff, reservation.expired, charging))
        start = moment(reservation.start)
        bill.reserved += reservation_uses(
            reservation, tariff, Session(start, start + reservation.duration, session.local)
        )


def _charge(bill: Bill, periods: Sequence[Period], session: Session) -> None:
    if session.endless:
        bill.note("The session lasts longer than 100 days: not split at changes of price.")
    kwh = Fraction(0)
    for period in periods:
        tariff = bill.tariff_for(period.tariff_id, period)
        if tariff:
            bill.charge(period, tariff, session, kwh)
        kwh += period.quantities.get("ENERGY", Fraction(0))
    bill.note(*doubts.of_time(periods, list(bill.charged.values())))


def _priced(bill: Bill, charging: Sequence[Period], session: Session) -> PricedSession:
    parked = [period.quantities["PARKING_TIME"] for period in charging if "PARKING_TIME" in period.quantities]
    return PricedSession(
        currency=bill.currency(),
        tariff_ids=tuple(bill.tariff_ids()),
        lines=tuple(bill.lines()),
        notes=tuple(bill.notes()),
        total_energy=sum((period.quantities.get("ENERGY", Fraction(0)) for period in charging), Fraction(0)),
        total_time=max(seconds(session.end - session.start), Fraction(0)) / HOUR,
        total_parking_time=sum(parked, Fraction(0)) / HOUR if parked else None,
    )
