"""Messages in the database: added in batches, found by what operators know of them, the newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.messages.message import Message
from ocpi_party.ocpi.types import fold

_KEPT: Final = Message._fields.index("secrets")
"""So many fields of a message are kept: what stands behind them tells how to mask it."""
_COLUMNS: Final = (*Message._fields[:_KEPT], "ok")


async def add(tx: WriteTx, messages: Sequence[Message]) -> None:
    """Keep messages that are masked, the oldest first."""
    await tx.copy("messages", _COLUMNS, [(*message[:_KEPT], message.ok) for message in messages])


_SHORT = """id, at, direction, partner_id, module, ref, method, url, request_id, correlation_id, sender, receiver,
            http_status, ocpi_status, ok, error, seconds, body_bytes, answer_bytes"""
_GET = Statement(f"SELECT {_SHORT}, body, answer FROM messages WHERE id = :id")
_AFTER = Statement(
    f"""SELECT {_SHORT} FROM messages
         WHERE id > :after AND id <= :upto
           AND (CAST(:partner AS bigint) IS NULL OR partner_id = :partner) ORDER BY id LIMIT :most"""
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; None does not matter.

    object     as `ref`, in any case; also the beginning of one up to a slash
    ok         done or failed
    status     of HTTP or of OCPI
    date_from  inclusive, and date_to exclusive
    before     only older messages than the one with this id
    """

    partner: int | None = None
    direction: str | None = None
    module: str | None = None
    object: str | None = None
    correlation_id: str | None = None
    request_id: str | None = None
    ok: bool | None = None
    status: int | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None
    before: int | None = None

    def given(self) -> dict[str, Any]:
        found = {name: value for name in _CONDITIONS if (value := getattr(self, name)) is not None}
        if self.object is not None:
            found["object"] = fold(self.object)
        return found


_REF: Final = 'upper(ref) COLLATE "C"'
_CONDITIONS: Final[Mapping[str, str]] = {
    "partner": "partner_id = :partner",
    "direction": "direction = :direction",
    "module": "module = :module",
    # What begins with the object and a slash sorts before what begins with it and 0, the sign behind the slash.
    "object": f"""ref IS NOT NULL AND ({_REF} = :object
                  OR ({_REF} >= CAST(:object AS text) || '/' AND {_REF} < CAST(:object AS text) || '0'))""",
    "correlation_id": "correlation_id = :correlation_id",
    "request_id": "request_id = :request_id",
    "ok": "ok = :ok",
    "status": ":status IN (http_status, ocpi_status)",
    "date_from": "at >= :date_from",
    "date_to": "at < :date_to",
    "before": "id < :before",
}

COUNTED: Final = 10_000
"""So far messages are counted: nobody turns that many pages, and counting all of a month would cost more than reading one."""


@cache
def _page(names: tuple[str, ...]) -> tuple[Statement, Statement]:
    # One statement for each set of conditions: a plan that serves all of them would use no index.
    where = " AND ".join(["true", *(_CONDITIONS[name] for name in names)])
    return (
        Statement(f"SELECT {_SHORT} FROM messages WHERE {where} ORDER BY id DESC OFFSET :offset LIMIT :limit"),
        Statement(f"SELECT count(*) FROM (SELECT FROM messages WHERE {where} LIMIT {COUNTED}) found"),
    )


async def page(tx: ReadTx, wanted: Wanted, *, offset: int, limit: int) -> list[Row]:
    """Messages without their bodies, the newest first."""
    given = wanted.given()
    return await tx.rows(_page(tuple(given))[0], **given, offset=offset, limit=limit)


async def count(tx: ReadTx, wanted: Wanted) -> int:
    """How many there are, COUNTED at most."""
    given = wanted.given()
    found: int = await tx.value(_page(tuple(given))[1], **given)
    return found


async def get(tx: ReadTx, message_id: int) -> Row | None:
    """A message with its bodies."""
    return await tx.row(_GET, id=message_id)


async def after(tx: ReadTx, message_id: int, *, upto: int, most: int, partner: int | None = None) -> list[Row]:
    """The next messages behind this one, in order; upto  as `Decided` tells, before the transaction began"""
    return await tx.rows(_AFTER, after=message_id, upto=upto, most=most, partner=partner)
