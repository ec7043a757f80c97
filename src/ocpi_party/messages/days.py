"""The partitions of the table of messages, one for each day in UTC: made before they are needed, dropped when they are too old."""

from datetime import UTC, date, datetime, timedelta

from ocpi_party.database import ReadTx, Statement, WriteTx

_LOCK = Statement("SELECT pg_advisory_xact_lock(7306)")
# Whoever reads old messages must not hold up those who write new ones behind us in the queue for the lock.
_PATIENCE = Statement("SET LOCAL lock_timeout = '2s'")
_KNOWN = Statement(
    """SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass('messages') AND c.relname ~ '^messages_[0-9]{8}$' ORDER BY 1"""
)
_PREFIX = "messages_"


def _name(day: date) -> str:
    return f"{_PREFIX}{day:%Y%m%d}"


async def known(tx: ReadTx) -> list[date]:
    """The days that have a partition, the oldest first."""
    rows = await tx.rows(_KNOWN)
    return [date.fromisoformat(row["name"].removeprefix(_PREFIX)) for row in rows]


async def provide(tx: WriteTx, days: set[date]) -> None:
    """See to it that these days have a partition."""
    await tx.run(_LOCK)
    for day in sorted(days - set(await known(tx))):
        name, begin, end = _name(day), day.isoformat(), (day + timedelta(days=1)).isoformat()
        # Attaching takes a weaker lock on the whole table than creating it as a part would.
        await tx.run(Statement(f"CREATE TABLE {name} (LIKE messages INCLUDING ALL)"))
        await tx.run(
            Statement(f"ALTER TABLE messages ATTACH PARTITION {name} FOR VALUES FROM ('{begin}Z') TO ('{end}Z')")
        )


async def drop_before(tx: WriteTx, at: datetime) -> int:
    """Drop the days that ended before this moment; tells how many. Messages of a day go together, when the last is old enough."""
    old = [
        day for day in await known(tx) if datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) <= at
    ]
    if old:
        await tx.run(_PATIENCE)
        await tx.run(_LOCK)
    for day in old:
        await tx.run(Statement(f"DROP TABLE IF EXISTS {_name(day)}"))
    return len(old)


async def tidy(tx: WriteTx, now: datetime, keep: timedelta) -> None:
    """Have today and tomorrow ready, and drop what is too old. keep  0 drops all"""
    today = now.astimezone(UTC).date()
    if keep:
        wanted = {today, today + timedelta(days=1)}
        if wanted - set(await known(tx)):
            await provide(tx, wanted)
    await drop_before(tx, now - keep if keep else now + timedelta(days=2))
