"""How much power a charge of the sandbox draws: all there is, or what a charging profile leaves of it."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ocpi_party.ocpi.charging_profile import ChargingRateUnit
from ocpi_party.ocpi.types import JsonObject, wire_time
from ocpi_party.sandbox.parties import AMPERE_KW, POWER_KW

_ALL = Decimal(POWER_KW)


@dataclass(slots=True)
class Power:
    """Seconds are those of the charge point, from the beginning of the charge.

    steps    from which second on how many kW are drawn
    limited  whether a profile is set
    """

    steps: list[tuple[int, Decimal]] = field(default_factory=lambda: [(0, _ALL)])
    limited: bool = False

    def kwh(self, until: int) -> Decimal:
        """What was drawn up to this second."""
        ends = [min(begin, until) for begin, _ in self.steps[1:]] + [until]
        drawn = (kw * max(end - begin, 0) for (begin, kw), end in zip(self.steps, ends, strict=True))
        return sum(drawn, Decimal(0)) / 3600

    def limit(self, profile: JsonObject, begins: int, at: int) -> None:
        """From now on a profile counts instead of the one before.

        begins  the second that its own are counted from; what lies in the past does not come back
        """
        unit, periods = profile["charging_rate_unit"], profile.get("charging_profile_period") or ()
        plan = [(begins + one["start_period"], _kw(one["limit"], unit)) for one in periods]
        if (duration := profile.get("duration")) is not None:
            ends = begins + duration
            plan = [*((begin, kw) for begin, kw in plan if begin < ends), (ends, _ALL)]
        self._go_on(plan, at)
        self.limited = True

    def free(self, at: int) -> bool:
        """From now on no profile counts. False, if there was none"""
        was_limited, self.limited = self.limited, False
        self._go_on([], at)
        return was_limited

    def plan(self, at: int, duration: int, now: datetime) -> JsonObject:
        """An ActiveChargingProfile: what will be drawn in so many seconds from now on."""
        steps = [(0, self._drawn(self.steps, at)), *((begin - at, kw) for begin, kw in self.steps if begin > at)]
        periods = [{"start_period": begin, "limit": kw * 1000} for begin, kw in steps if begin < duration]
        profile = {"duration": duration, "charging_rate_unit": ChargingRateUnit.W, "charging_profile_period": periods}
        return {"start_date_time": wire_time(now), "charging_profile": profile}

    def _go_on(self, plan: list[tuple[int, Decimal]], at: int) -> None:
        past = [(begin, kw) for begin, kw in self.steps if begin < at]
        self.steps = [*past, (at, self._drawn(plan, at)), *((begin, kw) for begin, kw in plan if begin > at)]

    @staticmethod
    def _drawn(steps: list[tuple[int, Decimal]], at: int) -> Decimal:
        return next((kw for begin, kw in reversed(steps) if begin <= at), _ALL)


def _kw(limit: Decimal, unit: str) -> Decimal:
    return min(_ALL, max(limit * (AMPERE_KW if unit == ChargingRateUnit.A else Decimal("0.001")), Decimal(0)))
