"""A charging period cut where another price component becomes active within it. OCPI 2.2.1, CDRs, "ChargingPeriod".

A CPO begins a new charging period at such a moment; where one did not, we cut the period as if all its quantities had
run evenly. That is exact where the period tells enough, as when it was charging all the time, and else an estimate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from ocpi_party.pricing.boundaries import changes
from ocpi_party.pricing.exact import delta, exact, seconds
from ocpi_party.pricing.periods import QUANTITIES, Period
from ocpi_party.pricing.restrictions import State
from ocpi_party.pricing.tariff import Component, Tariff

LONGEST = timedelta(days=100)
"""Whoever tells of a longer session does not know the time, and we do not look for 17:00 on each of its days."""


@dataclass(frozen=True)
class Session:
    """What all slices of a session share."""

    start: datetime
    end: datetime
    local: ZoneInfo

    @property
    def endless(self) -> bool:
        return self.end - self.start > LONGEST


@dataclass(frozen=True)
class Slice:
    """A part of a charging period in which one set of components is active.

    begin, end  as shares of the period, 0 to 1
    at          when it begins
    by_energy   it begins because min_kwh or max_kwh was reached, not at a time
    """

    begin: Fraction
    end: Fraction
    at: datetime
    by_energy: bool
    state: State

    @property
    def share(self) -> Fraction:
        return self.end - self.begin


@dataclass(frozen=True)
class Use:
    """How much of a dimension was used under one component; component is None where nothing prices it.

    quantity   kWh or seconds; 1 of FLAT
    estimated  the period crosses the moment at which the component changed, and does not tell what was used before it
    """

    dimension: str
    tariff: Tariff
    component: Component | None
    quantity: Fraction
    period: int
    at: datetime
    estimated: bool = False


def uses(period: Period, tariff: Tariff, slices: Sequence[Slice]) -> Iterator[Use]:
    """The quantities of a period under the components that price them, in the order of time."""
    guessed = {dimension for dimension in period.quantities if _guessed(dimension, period, tariff, slices)}
    for each in slices:
        for dimension in QUANTITIES:
            if dimension in period.quantities:
                quantity = period.quantities[dimension] * each.share
                component = tariff.active(dimension, each.state)
                yield Use(dimension, tariff, component, quantity, period.number, each.at, dimension in guessed)


def slices_of(period: Period, tariff: Tariff, session: Session, kwh: Fraction) -> list[Slice]:
    """kwh  consumed in the session before this period"""
    energy = period.quantities.get("ENERGY", Fraction(0))
    cuts = {share: (at, by_energy) for share, at, by_energy in _cuts(period, tariff, session, kwh, energy)}
    shares = [Fraction(0), *sorted(cuts), Fraction(1)]
    slices = []
    for begin, end in pairwise(shares):
        at, by_energy = cuts.get(begin, (period.start, False))
        elapsed = seconds(period.start - session.start) + begin * (period.length or 0)
        state = State(at.astimezone(session.local), elapsed, kwh + begin * energy, period.current, period.power)
        slices.append(Slice(begin, end, at, by_energy, state))
    return slices


def _cuts(
    period: Period, tariff: Tariff, session: Session, kwh: Fraction, energy: Fraction
) -> Iterator[tuple[Fraction, datetime, bool]]:
    """A cut at a time comes last, so that it stands where energy reaches its bound at the same moment."""
    length = period.length or Fraction(0)
    for limit in _kwh_limits(tariff):
        if kwh < limit < kwh + energy:
            share = (limit - kwh) / energy
            yield share, period.start + delta(length * share), True
    if length > 0 and not session.endless:
        end = period.start + delta(length)
        for at in changes(tariff, period.start, end, session.local, session.start):
            yield seconds(at - period.start) / length, at, False


def _kwh_limits(tariff: Tariff) -> set[Fraction]:
    restrictions = [element.restrictions for element in tariff.elements]
    told = [each.get(name) for each in restrictions for name in ("min_kwh", "max_kwh")]
    return {exact(limit) for limit in told if limit is not None}


def _guessed(dimension: str, period: Period, tariff: Tariff, slices: Sequence[Slice]) -> bool:
    """Whether a change of component falls within the period, and we cannot know what was used before it."""
    if len(slices) == 1:
        return False
    components = [tariff.active(dimension, each.state) for each in slices]
    changed = [each for before, now, each in zip(components, components[1:], slices[1:], strict=False) if before != now]
    known_by_time = period.quantities[dimension] in (0, period.length)
    return any((dimension != "ENERGY") if each.by_energy else not known_by_time for each in changed)
