"""The moments at which another price component becomes active by time. OCPI 2.2.1, CDRs, "ChargingPeriod"."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ocpi_party.pricing.exact import NEVER, Document, seconds, zone
from ocpi_party.pricing.restrictions import State, clock
from ocpi_party.pricing.tariff import SESSION, Tariff, read_tariff

DIMENSIONS = ("FLAT", "ENERGY", "TIME", "PARKING_TIME")
DAY = timedelta(days=1)


def boundaries(
    tariff: Document, start: datetime, end: datetime, time_zone: str, session_start: datetime | None = None
) -> list[datetime]:
    """Where, after start and before end, a CPO begins a new charging period; in UTC, earliest first.

    session_start  from where min_duration and max_duration count; without it, start

    Energy, current and power are not known in advance: a component that hangs on them counts as possibly active.
    "The CPO is allowed to add more in-between Charging Periods", so a moment too many does no harm.
    """
    return list(changes(read_tariff(tariff).only(SESSION), start, end, zone(time_zone), session_start or start))


def changes(
    tariff: Tariff, start: datetime, end: datetime, local: ZoneInfo, session_start: datetime
) -> Iterator[datetime]:
    """As `boundaries`, for a tariff that has been read."""
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    before = _possible(tariff, first, local, session_start)
    for at in sorted({at for at in _candidates(tariff, first, last, local, session_start) if first < at < last}):
        now = _possible(tariff, at, local, session_start)
        if now != before:
            yield at
        before = now


def _possible(tariff: Tariff, at: datetime, local: ZoneInfo, session_start: datetime) -> list[tuple[int, ...]]:
    state = State(at.astimezone(local), seconds(at - session_start))
    return [tariff.possible(dimension, state) for dimension in DIMENSIONS]


def _candidates(
    tariff: Tariff, start: datetime, end: datetime, local: ZoneInfo, session_start: datetime
) -> Iterator[datetime]:
    restrictions = [element.restrictions for element in tariff.elements]
    for each in restrictions:
        durations = [each[name] for name in ("min_duration", "max_duration") if each.get(name) is not None]
        yield from (
            session_start.astimezone(UTC) + timedelta(seconds=min(max(int(duration), 0), NEVER))
            for duration in durations
        )
    texts = {each.get(name) for each in restrictions for name in ("start_time", "end_time")} - {None}
    dates = any(each.get(name) for each in restrictions for name in ("day_of_week", "start_date", "end_date"))
    if not texts and not dates:
        return
    times = {clock(str(text)) for text in texts} | {time.min}
    day = start.astimezone(local).date()
    while day <= end.astimezone(local).date():
        yield from _on(day, times, local)
        day += DAY


def _on(day: date, times: set[time], local: ZoneInfo) -> Iterator[datetime]:
    """When a clock on the wall shows these times on a local day, and when somebody sets that clock."""
    for at in times:
        # Twice in autumn; in spring such a time may not exist, and what waits for it begins when the clock is set.
        yield from (datetime.combine(day, at, local).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    low, high = (datetime.combine(day, time.min, local).astimezone(UTC) + shift for shift in (-DAY, 2 * DAY))
    if _offset(low, local) == _offset(high, local):
        return
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(middle, local) == _offset(low, local) else (low, middle)
    yield high


def _offset(at: datetime, local: ZoneInfo) -> timedelta | None:
    return at.astimezone(local).utcoffset()
