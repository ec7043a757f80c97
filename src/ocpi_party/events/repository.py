"""Events in the database: told in the transaction that causes them, read in an order in which none is missed."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.ocpi.errors import InvalidParameter
from ocpi_party.ocpi.types import encode, fold, wire_time

EVENTS: Final = "events"
"""Announced where events are told."""


class EventType(StrEnum):
    PARTNER_INVITED = "partner.invited"
    PARTNER_CONNECTED = "partner.connected"
    PARTNER_ROTATED = "partner.rotated"
    PARTNER_UNREGISTERED = "partner.unregistered"
    PARTNER_UNREACHABLE = "partner.unreachable"
    PARTNER_BACK = "partner.back"
    PARTY_CHANGED = "party.changed"
    OBJECT_RECEIVED = "object.received"
    OBJECT_CHANGED = "object.changed"
    OBJECT_REMOVED = "object.removed"
    AUTHORIZATION_ASKED = "authorization.asked"
    COMMAND_RECEIVED = "command.received"
    COMMAND_RESULTED = "command.resulted"
    COMMAND_TIMED_OUT = "command.timed_out"
    CHARGING_PROFILE_RECEIVED = "chargingprofile.received"
    CHARGING_PROFILE_RESULTED = "chargingprofile.resulted"
    CHARGING_PROFILE_TIMED_OUT = "chargingprofile.timed_out"
    CHARGING_PREFERENCES_RECEIVED = "chargingpreferences.received"
    CDR_RECEIVED = "cdr.received"
    CDR_REFUSED = "cdr.refused"
    FINDING_RECORDED = "finding.recorded"
    DELIVERY_GIVEN_UP = "delivery.given_up"
    USER_ADDED = "user.added"
    USER_CHANGED = "user.changed"
    USER_REMOVED = "user.removed"
    USER_SIGNED_IN = "user.signed_in"
    USER_REFUSED = "user.refused"


# The transaction gets its number before the event gets its own. We look at locks (ocpi_party.decided); processes of the version
# before, which may still run beside us, look at these numbers.
NUMBERED = "(SELECT pg_current_xact_id() AS xact OFFSET 0) AS numbered"
_TELL = Statement(
    f"""INSERT INTO events (xact, type, subject, partner_id, data)
        SELECT xact, :type, :subject, CAST(:partner_id AS bigint), CAST(:data AS json) FROM {NUMBERED}"""
)
_TELL_MANY = Statement(
    f"""INSERT INTO events (xact, type, subject, partner_id, data)
        SELECT xact, :type, subject, CAST(:partner_id AS bigint), CAST(data AS json)
          FROM {NUMBERED}, unnest(CAST(:subjects AS text[]), CAST(:datas AS text[])) AS e(subject, data)"""
)


async def tell(
    tx: WriteTx, kind: EventType, subject: str, data: dict[str, Any], *, partner_id: int | None = None
) -> None:
    """Something happened. Call it after the object is locked or stored: then the events of an object are in order.

    subject  the object as it is shown (module/COUNTRY*PARTY/id), or partners/ID
    """
    await tx.run(_TELL, type=kind, subject=subject, partner_id=partner_id, data=encode(data).decode())
    tx.announce(EVENTS)


async def tell_many(
    tx: WriteTx, kind: EventType, about: Iterable[tuple[str, dict[str, Any]]], *, partner_id: int | None = None
) -> None:
    """The same happened to many. about  (subject, data)"""
    pairs = list(about)
    if pairs:
        datas = [encode(data).decode() for _, data in pairs]
        await tx.run(_TELL_MANY, type=kind, partner_id=partner_id, subjects=[s for s, _ in pairs], datas=datas)
        tx.announce(EVENTS)


_WANTED = """FROM events
         WHERE seq > :after AND seq <= :upto
           AND (CAST(:types AS text[]) IS NULL OR type LIKE ANY(:types))
           AND (CAST(:subject AS text) IS NULL OR upper(subject) = :subject)
           AND at >= COALESCE(CAST(:date_from AS timestamptz), '-infinity')
           AND at < COALESCE(CAST(:date_to AS timestamptz), 'infinity')"""
_AFTER = Statement(
    f"SELECT seq, type, subject, partner_id, at, data {_WANTED} ORDER BY seq OFFSET :offset LIMIT CAST(:most AS bigint)"
)
_NEWEST = Statement(
    f"SELECT min(seq) - 1 FROM (SELECT seq {_WANTED} ORDER BY seq DESC LIMIT CAST(:most AS bigint)) AS newest"
)
MOST_COUNTED = 10_000
_COUNT = Statement(f"SELECT count(*) FROM (SELECT {_WANTED} LIMIT {MOST_COUNTED}) AS counted")
_LAST = Statement("SELECT COALESCE(max(seq), 0) FROM events")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events.

    types      patterns of SQL's LIKE, None for all
    subject    only what is about this object, in any case
    date_from  inclusive, and date_to exclusive
    """

    types: Sequence[str] | None = None
    subject: str | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None

    def given(self) -> dict[str, Any]:
        types = None if self.types is None else list(self.types)
        subject = None if self.subject is None else fold(self.subject)
        return {"types": types, "subject": subject, "date_from": self.date_from, "date_to": self.date_to}


ALL = Wanted()


async def after(tx: ReadTx, seq: int, *, upto: int, most: int, wanted: Wanted = ALL, offset: int = 0) -> list[Row]:
    """The next events behind this one, in order; upto  as `Decided` tells, before the transaction began"""
    return await tx.rows(_AFTER, after=seq, upto=upto, most=most, offset=offset, **wanted.given())


async def newest(tx: ReadTx, *, upto: int, most: int, wanted: Wanted = ALL) -> int | None:
    """Behind which seq the newest so many begin, as `after` reads them; None, if there are none up to this one."""
    found: int | None = await tx.value(_NEWEST, after=0, upto=upto, most=most, **wanted.given())
    return found


async def count(tx: ReadTx, seq: int, *, upto: int, wanted: Wanted) -> int:
    """How many there are behind this one, MOST_COUNTED at most."""
    found: int = await tx.value(_COUNT, after=seq, upto=upto, **wanted.given())
    return found


_SEQ = "SELECT pg_get_serial_sequence('events', 'seq')::regclass AS seq"
_GIVEN = Statement(f"SELECT COALESCE(pg_sequence_last_value(seq), 0) FROM ({_SEQ}) s")
_SKIP = Statement(f"SELECT setval(seq, COALESCE(pg_sequence_last_value(seq), 0) + :numbers) FROM ({_SEQ}) s")


async def must_be_given(tx: ReadTx, after: int, parameter: str) -> None:
    """A reader that is ahead of all events would wait for ever, and miss them: the database was restored from a backup.

    Raises InvalidParameter
    """
    given: int = await tx.value(_GIVEN)
    if after > given:
        raise InvalidParameter(
            parameter, f"is ahead of the last event, {given}: was the database restored from a backup?"
        )


async def skip(tx: WriteTx, numbers: int) -> int:
    """Events go on behind so many numbers that are left out; tells behind which."""
    found: int = await tx.value(_SKIP, numbers=numbers)
    return found


async def last(tx: ReadTx) -> int:
    """seq of the newest event; 0 if there is none."""
    found: int = await tx.value(_LAST)
    return found


_PER_BUCKET = Statement(
    """SELECT date_bin(:width, at, '2000-01-01'::timestamptz) AS at, split_part(type, '.', 1) AS kind, count(*) AS events
         FROM events WHERE at >= :since GROUP BY 1, 2 ORDER BY 1, 2"""
)


async def throughput(tx: ReadTx, since: datetime, width: timedelta) -> list[Row]:
    """How many events there were in each span of time, by what they are about: the part of the type before the dot."""
    return await tx.rows(_PER_BUCKET, since=since, width=width)


def may_happen(kind: str) -> bool:
    """Whether there are events of this type as users write it (`object.changed`, `object.*`)."""
    if kind.endswith("*"):
        return any(one.startswith(kind[:-1]) for one in EventType)
    return kind in set(EventType)


def patterns(types: Sequence[str] | None) -> list[str] | None:
    """Types as users write them (`object.*`) → as LIKE reads them."""
    if types is None:
        return None
    return [one.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%") for one in types]


def cloud_event(row: Row, source: str) -> dict[str, Any]:
    """An event with the attribute names of CloudEvents 1.0; id is its place in the sequence.

    source  our public URL
    """
    return {
        "specversion": "1.0",
        "id": str(row["seq"]),
        "source": source,
        "type": row["type"],
        "subject": row["subject"],
        "time": wire_time(row["at"]),
        "datacontenttype": "application/json",
        "partner": row["partner_id"],
        "data": json.loads(row["data"]),
    }
