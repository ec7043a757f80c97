"""Requests that a partner made of us: opened with the response, settled once, timed out when nothing came.

What a request is told as its result lies in `results_due` from then on, in the same transaction; delivery.py hands it over.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.modules.callbacks import happened
from ocpi_party.ocpi.errors import Refusal
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, encode, fold
from ocpi_party.owned.listing import Window

MARGIN: Final = 0.1
"""The part of the timeout told to the partner that is kept for the way of the result: it must be there before the timeout ends."""


class ResultKnown(Refusal):
    """The request has its result already, or its time is over and the partner was told so."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A request of a partner that gets its result later.

    kind        in words of the module: START_SESSION
    ours        our party that is asked, COUNTRY*PARTY
    theirs      the party that asks, "" if it did not say
    ref         what it is about: a session's or a location's id, "" for nothing
    request     as it came, without response_url
    on_timeout  the result, if none comes before the deadline
    """

    module: ModuleId
    kind: str
    partner_id: int
    ours: str
    theirs: str
    ref: str
    request: JsonObject
    response_url: str
    on_timeout: JsonObject

    @property
    def fingerprint(self) -> bytes:
        """Equal for the same request with the same response_url."""
        named = [self.module, self.kind, self.ours, self.theirs, fold(self.ref), self.response_url, self.request]
        return hashlib.sha256(encode(named)).digest()


_OPEN = Statement(
    """INSERT INTO inbound_requests
         (module, kind, partner_id, ours, theirs, ref, request, fingerprint, response_url, response, on_timeout, number,
          deadline, asked_until)
       VALUES (:module, :kind, :partner_id, :ours, :theirs, :ref, CAST(:request AS json), :fingerprint, :response_url,
               CAST(:response AS json), CAST(:on_timeout AS json), CAST(:number AS bigint), now() + CAST(:wait AS interval),
               now() + CAST(:asked_within AS interval))
       RETURNING id"""
)


async def open_request(
    tx: WriteTx, asked: Inbound, response: bytes, promised: timedelta,
    *, number: int | None = None, asked_within: timedelta | None = None,
) -> int:  # fmt: skip
    """Keep a request that we take on, and tell its id.

    response  what the partner is answered at once
    promised  the timeout that the partner is told
    number    our number of what it is about, where the partner's own id must not reach a station
    asked_within  how long it may take to find out whether somebody takes it; None, if the response stands
    """
    request_id: int = await tx.value(
        _OPEN,
        module=asked.module,
        kind=asked.kind,
        partner_id=asked.partner_id,
        ours=asked.ours,
        theirs=asked.theirs,
        ref=fold(asked.ref),
        request=encode(asked.request).decode(),
        fingerprint=asked.fingerprint,
        response_url=asked.response_url,
        response=response.decode(),
        on_timeout=encode(asked.on_timeout).decode(),
        number=number,
        wait=promised * (1 - MARGIN),
        asked_within=asked_within,
    )
    await happened.received(tx, asked.module, asked.kind, request_id, asked.partner_id)
    return request_id


_DUE = """INSERT INTO results_due (request_id, partner_id, document, give_up_at)
          SELECT id, partner_id, result, now() + CAST(:keep_trying AS interval) FROM settled"""
_SETTLE = Statement(
    f"""WITH settled AS (
            UPDATE inbound_requests SET state = 'RESULTED', result = CAST(:result AS json), resulted_at = now()
             WHERE id = :id AND module = :module AND state = 'PENDING' RETURNING id, partner_id, result)
        {_DUE}"""
)
_TIME_OUT = Statement(
    f"""WITH overdue AS (
            SELECT id FROM inbound_requests WHERE state = 'PENDING' AND deadline <= now()
               AND (asked_until IS NULL OR asked_until <= now())
             ORDER BY deadline LIMIT 100 FOR UPDATE SKIP LOCKED),
        settled AS (
            UPDATE inbound_requests r SET state = 'TIMED_OUT', result = on_timeout, resulted_at = now()
              FROM overdue o WHERE r.id = o.id RETURNING r.id, r.module, r.kind, r.partner_id, r.result),
        due AS ({_DUE})
        SELECT id, module, kind, partner_id FROM settled"""
)
_FURTHER = Statement(
    """INSERT INTO results_due (request_id, partner_id, document, give_up_at)
       SELECT id, partner_id, CAST(:result AS json), :give_up_at FROM inbound_requests WHERE id = :id"""
)


async def settle(tx: WriteTx, module: ModuleId, request_id: int, result: bytes, keep_trying: timedelta) -> bool:
    """The result is known and due to the partner. False, if there was one already, or the time was over, or no such request.

    keep_trying  how long to try to deliver it
    """
    settled = await tx.run(_SETTLE, id=request_id, module=module, result=result.decode(), keep_trying=keep_trying)
    return settled == 1


async def time_out(tx: WriteTx, keep_trying: timedelta) -> int:
    """Give those that are overdue the result that stands for silence; tells how many there were."""
    rows = await tx.rows(_TIME_OUT, keep_trying=keep_trying)
    await happened.timed_out(tx, "inbound", rows)
    return len(rows)


async def add_result(tx: WriteTx, request_id: int, result: bytes, give_up_at: datetime) -> None:
    """Tell a further result to the same response_url, behind the first (CANCELED_RESERVATION)."""
    await tx.run(_FURTHER, id=request_id, result=result.decode(), give_up_at=give_up_at)


class State(StrEnum):
    """How far it is. REFUSED at once: no result follows"""

    PENDING = "PENDING"
    RESULTED = "RESULTED"
    TIMED_OUT = "TIMED_OUT"
    REFUSED = "REFUSED"


_SKIP = Statement("SELECT setval('requests', last_value + :numbers) FROM requests")


async def skip(tx: WriteTx, numbers: int) -> None:
    """So many ids are left out, of requests in either direction."""
    await tx.run(_SKIP, numbers=numbers)


_COLUMNS = """r.id, r.module, r.kind, r.partner_id, r.ours, r.theirs, r.ref, r.request, r.response, r.state, r.result, r.number,
              r.silence, r.received_at, r.deadline, r.resulted_at, d.state AS delivery, d.attempts, d.error, d.settled_at"""
_LAST_DUE = """LEFT JOIN LATERAL (SELECT state, attempts, error, settled_at FROM results_due d
                                   WHERE d.request_id = r.id ORDER BY d.id DESC LIMIT 1) d ON true"""
_GET = Statement(f"SELECT {_COLUMNS} FROM inbound_requests r {_LAST_DUE} WHERE r.id = :id AND r.module = :module")
_WHERE = """r.module = :module AND (CAST(:state AS text) IS NULL OR r.state = :state)
            AND (CAST(:ref AS text) IS NULL OR r.ref = :ref)
            AND r.received_at >= COALESCE(CAST(:date_from AS timestamptz), '-infinity')
            AND r.received_at < COALESCE(CAST(:date_to AS timestamptz), 'infinity')"""
_PAGE = Statement(
    f"""SELECT {_COLUMNS} FROM inbound_requests r {_LAST_DUE} WHERE {_WHERE}
         ORDER BY r.id DESC OFFSET :offset LIMIT :limit"""
)
_COUNT = Statement(f"SELECT count(*) FROM inbound_requests r WHERE {_WHERE}")


async def get(tx: ReadTx, module: ModuleId, request_id: int) -> Row | None:
    """The request with the state of its last delivery: delivery, attempts, error, settled_at."""
    return await tx.row(_GET, id=request_id, module=module)


async def page(
    tx: ReadTx, module: ModuleId, wanted: Window, *, state: State | None = None, ref: str | None = None
) -> tuple[list[Row], int]:
    """Requests of a module that were received in a window, newest first, and how many there are."""
    given: dict[str, Any] = {"module": module, "state": state, "ref": None if ref is None else fold(ref)}
    given |= {"date_from": wanted.date_from, "date_to": wanted.date_to}
    return await tx.rows(_PAGE, **given, offset=wanted.offset, limit=wanted.limit), await tx.value(_COUNT, **given)
