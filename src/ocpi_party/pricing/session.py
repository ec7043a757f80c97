"""The price of a charging session, line by line. OCPI 2.2.1, Tariffs; CDRs, "step_size"."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from ocpi_party.pricing.exact import HOUR, Document, Unpriceable, moment, seconds, zone
from ocpi_party.pricing.limits import limits
from ocpi_party.pricing.lines import RESERVATION, Line, lines_of
from ocpi_party.pricing.periods import Period, read_periods
from ocpi_party.pricing.priced import PricedSession
from ocpi_party.pricing.reservation import Reservation, reservation_uses
from ocpi_party.pricing.slices import LONGEST, Session, Slice, Use, slices_of, uses
from ocpi_party.pricing.tariff import SESSION, Tariff, choose, find, read_tariff


@dataclass
class _Bill:
    """The tariffs at hand, and what we found out on the way."""

    tariffs: Sequence[Tariff]
    fallback: Tariff | None
    used: list[Use] = field(default_factory=list)
    reserved: list[Use] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, words: str) -> None:
        if words not in self.notes:
            self.notes.append(words)

    def tariff_for(self, tariff_id: str | None, what: str) -> Tariff | None:
        if tariff_id is None:
            if self.fallback is None:
                self.note(f"{what} names no tariff_id: no tariff is relevant, no cost.")
            return self.fallback
        tariff = find(self.tariffs, tariff_id)
        if tariff is None:
            self.note(f"{what} names tariff {tariff_id}, which we were not given: no cost.")
        return tariff


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
    local = zone(time_zone)
    periods = read_periods(charging_periods, moment(end))
    reservation = reservation or Reservation.from_periods(periods)
    charging = [period for period in periods if not period.only_reserved]
    session = Session(charging[0].start if charging else moment(end), local)
    known = [read_tariff(tariff) for tariff in tariffs]
    begin = reservation.start if reservation else session.start
    bill = _Bill(known, _fallback(periods, known, begin, preference))
    _reserve(bill, reservation, charging, Session(begin, local))
    _charge(bill, charging, session)
    return _priced(bill, charging, session.start, moment(end))


def _fallback(
    periods: Sequence[Period], tariffs: Sequence[Tariff], at: datetime, preference: str | None
) -> Tariff | None:
    """ "If not provided, no Tariff is relevant during this period" – unless the sender never provides it."""
    if any(period.tariff_id for period in periods):
        return None
    return tariffs[0] if len(tariffs) == 1 and preference is None else choose(tariffs, at, preference)


def _reserve(bill: _Bill, reservation: Reservation | None, charging: Sequence[Period], session: Session) -> None:
    if reservation is None:
        return
    tariff_id = reservation.tariff_id or (charging[0].tariff_id if charging else None)
    tariff = bill.tariff_for(tariff_id, "The reservation")
    if tariff:
        bill.reserved += reservation_uses(reservation, tariff, session)


def _charge(bill: _Bill, periods: Sequence[Period], session: Session) -> None:
    kwh = Fraction(0)
    for period in periods:
        tariff = bill.tariff_for(period.tariff_id, f"Charging period {period.number}")
        if tariff:
            _look_at(bill, period, tariff, session)
            tariff = tariff.only(SESSION)
            _flat(bill, tariff, slices_of(period, tariff, session, kwh), period)
            bill.used += uses(period, tariff, session, kwh)
        kwh += period.quantities.get("ENERGY", Fraction(0))


def _flat(bill: _Bill, tariff: Tariff, slices: Sequence[Slice], period: Period) -> None:
    """A flat fee is paid once for a session, at the first moment at which one is active."""
    for each in slices:
        component = tariff.active("FLAT", each.state)
        if component and not any(use.dimension == "FLAT" for use in bill.used):
            bill.used.append(Use("FLAT", tariff, component, Fraction(1), period.number, each.at))


def _look_at(bill: _Bill, period: Period, tariff: Tariff, session: Session) -> None:
    if not tariff.valid_at(session.start):
        bill.note(f"Tariff {tariff.id} was not valid when the session started, it is used all the same.")
    if period.length is None:
        bill.note(f"Charging period {period.number} ends before it starts: not split at changes of price.")
    elif period.length > LONGEST:
        bill.note(f"Charging period {period.number} is longer than 100 days: not split at changes of price.")


def _priced(bill: _Bill, charging: Sequence[Period], start: datetime, end: datetime) -> PricedSession:
    reserved, used = lines_of(bill.reserved, RESERVATION), lines_of(bill.used)
    tariffs = {use.tariff.id: use.tariff for use in bill.used}
    # "A Charging Session with this tariff will at least cost this amount": a reservation that nobody used is none.
    capped = list(_limits(tariffs.values(), [*reserved, *used]))
    parked = [period.quantities["PARKING_TIME"] for period in charging if "PARKING_TIME" in period.quantities]
    return PricedSession(
        currency=_currency(bill),
        lines=(*reserved, *used, *capped),
        notes=tuple(bill.notes),
        total_energy=sum((period.quantities.get("ENERGY", Fraction(0)) for period in charging), Fraction(0)),
        total_time=seconds(max(end, start) - start) / HOUR,
        total_parking_time=sum(parked, Fraction(0)) / HOUR if parked else None,
    )


def _limits(tariffs: Iterable[Tariff], lines: Sequence[Line]) -> Iterator[Line]:
    for tariff in tariffs:
        yield from limits(tariff, [line for line in lines if line.tariff_id == tariff.id])


def _currency(bill: _Bill) -> str:
    used = {use.tariff.currency for use in [*bill.used, *bill.reserved]}
    if len(used) > 1:
        raise Unpriceable(f"tariffs in {' and '.join(sorted(used))} within one session")
    return next(iter(used), bill.tariffs[0].currency if bill.tariffs else "")
