"""When a tariff element applies: all restrictions of it must match. OCPI 2.2.1, Tariffs, "TariffRestrictions class"."""

from dataclasses import dataclass
from datetime import datetime, time
from fractions import Fraction

from ocpi_party.pricing.exact import Document, Unpriceable, exact

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
OF_USE = ("min_kwh", "max_kwh", "min_current", "max_current", "min_power", "max_power")


@dataclass(frozen=True)
class State:
    """A moment of a session, as restrictions see it.

    local    in the time zone of the Location
    elapsed  seconds since the session began, parking included
    kwh      consumed before this moment
    current  sum over the phases in A; None when unknown, as for power
    power    in kW
    """

    local: datetime
    elapsed: Fraction
    kwh: Fraction = Fraction(0)
    current: Fraction | None = None
    power: Fraction | None = None


def in_time(restrictions: Document, state: State) -> bool:
    """Lower bounds are inclusive, upper bounds exclusive."""
    days = restrictions.get("day_of_week")
    return (
        _in_hours(restrictions.get("start_time"), restrictions.get("end_time"), state.local.time())
        and _in_dates(restrictions.get("start_date"), restrictions.get("end_date"), state.local.date().isoformat())
        and (not days or DAYS[state.local.weekday()] in days)
        and _between(restrictions, "duration", state.elapsed)
    )


def in_use(restrictions: Document, state: State) -> bool:
    return (
        _between(restrictions, "kwh", state.kwh)
        and _between(restrictions, "current", state.current)
        and _between(restrictions, "power", state.power)
    )


def names_use(restrictions: Document) -> bool:
    return any(restrictions.get(name) is not None for name in OF_USE)


def names_local_time(restrictions: Document) -> bool:
    """Whether anything in them depends on the time zone of the Location."""
    return any(restrictions.get(name) for name in ("start_time", "end_time", "start_date", "end_date", "day_of_week"))


def clock(text: str) -> time:
    """24:00 is not in the specification, but can only mean its 00:00 at the end of a day."""
    try:
        return time.min if text == "24:00" else time.fromisoformat(text)
    except ValueError:
        raise Unpriceable(f"not a time of day: {text!r}") from None


def _in_hours(start: str | None, end: str | None, now: time) -> bool:
    begins = time.min if start is None else clock(start)
    ends = time.min if end is None else clock(end)
    if begins < ends:
        return begins <= now < ends
    # "If end_time < start_time then the period wraps around to the next day. To stop at end of the day use: 00:00."
    return now >= begins or now < ends


def _in_dates(start: str | None, end: str | None, today: str) -> bool:
    return (start is None or start <= today) and (end is None or today < end)


def _between(restrictions: Document, what: str, value: Fraction | None) -> bool:
    """An unknown value matches no bound: an element that asks for more than 32 A needs to be shown more than 32 A."""
    low, high = restrictions.get(f"min_{what}"), restrictions.get(f"max_{what}")
    if low is None and high is None:
        return True
    if value is None:
        return False
    return (low is None or value >= exact(low)) and (high is None or value < exact(high))
