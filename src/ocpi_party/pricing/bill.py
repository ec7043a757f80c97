"""A bill while it is being written: what was used under which tariff, and what an operator should know about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from ocpi_party.pricing import doubts
from ocpi_party.pricing.choice import find
from ocpi_party.pricing.exact import Unpriceable
from ocpi_party.pricing.limits import limits
from ocpi_party.pricing.lines import RESERVATION, Line, lines_of
from ocpi_party.pricing.periods import Period
from ocpi_party.pricing.slices import Session, Slice, Use, slices_of, uses
from ocpi_party.pricing.tariff import SESSION, Tariff


@dataclass
class Bill:
    """
    fallback       the tariff of charging periods that name none
    charged        the tariffs of the charging periods, by id
    flat_fee_paid  for a session it is paid once
    noted          words, and the numbers of the charging periods that they are about, if they are about some
    """

    tariffs: Sequence[Tariff]
    fallback: Tariff | None
    charged: dict[str, Tariff] = field(default_factory=dict)
    flat_fee_paid: bool = False
    used: list[Use] = field(default_factory=list)
    reserved: list[Use] = field(default_factory=list)
    noted: dict[str, list[int]] = field(default_factory=dict)

    def note(self, *words: str, period: Period | None = None) -> None:
        """period  the subject of the words, which begin with their verb; said once, however many periods there are"""
        for each in words:
            self.noted.setdefault(each, []).extend([period.number] if period else [])

    def notes(self) -> Iterator[str]:
        for words, periods in self.noted.items():
            more = f" (and {len(periods) - 1} more)" if len(periods) > 1 else ""
            yield f"Charging period {periods[0]}{more} {words}" if periods else words

    def tariff_for(self, tariff_id: str | None, period: Period | None) -> Tariff | None:
        """period  asks for it, for the note if there is none; None: the reservation"""
        who = "" if period else "The reservation "
        if tariff_id is None:
            if self.fallback is None:
                self.note(f"{who}names no tariff_id: no tariff is relevant, no cost.", period=period)
            return self.fallback
        tariff = find(self.tariffs, tariff_id)
        if tariff is None:
            self.note(f"{who}names tariff {tariff_id}, which we were not given: no cost.", period=period)
        return tariff

    def charge(self, period: Period, tariff: Tariff, session: Session, kwh: Fraction) -> None:
        self.charged.setdefault(tariff.id, tariff)
        if not tariff.valid_at(session.start):
            self.note(f"Tariff {tariff.id} was not valid when the session started, it is used all the same.")
        if period.length is None:
            self.note("ends before it starts: not split at changes of price.", period=period)
        self.note(*doubts.of_period(period, tariff), period=period)
        tariff = tariff.only(SESSION)
        slices = slices_of(period, tariff, session, kwh)
        if not self.flat_fee_paid:
            self._flat(period, tariff, slices)
        self.used += uses(period, tariff, slices)

    def _flat(self, period: Period, tariff: Tariff, slices: Sequence[Slice]) -> None:
        """A flat fee is paid at the first moment at which one is active."""
        for each in slices:
            if component := tariff.active("FLAT", each.state):
                self.used.append(Use("FLAT", tariff, component, Fraction(1), period.number, each.at))
                self.flat_fee_paid = True
                return

    def lines(self) -> Iterator[Line]:
        lines = [*lines_of(self.reserved, RESERVATION), *lines_of(self.used)]
        yield from lines
        # "A Charging Session with this tariff will at least cost this amount": a reservation that nobody used is none.
        for tariff in self.charged.values():
            limiting = limits(tariff, [line for line in lines if line.tariff_id == tariff.id])
            self.note(
                *doubts.of_limits(tariff, [line.dimension for line in limiting if line.cost.incl_vat is not None])
            )
            yield from limiting

    def tariff_ids(self) -> Iterator[str]:
        yield from dict.fromkeys([*(use.tariff.id for use in self.reserved), *self.charged])

    def currency(self) -> str:
        """Empty if there was no tariff at all."""
        used = {use.tariff.currency for use in [*self.used, *self.reserved]}
        if len(used) > 1:
            raise Unpriceable(f"tariffs in {' and '.join(sorted(used))} within one session")
        return next(iter(used), self.tariffs[0].currency if self.tariffs else "")
