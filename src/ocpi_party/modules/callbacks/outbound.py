"""Requests that we made of a partner, whose result comes to a call-back URL of ours.

The row is there before the request is sent: its result may be faster than the answer to the request (CMD-S-07).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.modules.callbacks import happened
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, decode, encode, fold, now, wire_time
from ocpi_party.owned.listing import Window

MARGIN: Final = timedelta(seconds=5)
"""How long after the partner's timeout a result still counts as in time."""

KEPT: Final = timedelta(days=1)
"""How long after its deadline a request still takes a late result (CMD-S-05)."""

_MOST_RESULTS: Final = 20
"""A request has one result, a reservation perhaps two; a partner that loops must not fill our rows."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """A request of ours that gets its result later.

    ours, theirs  the parties, COUNTRY*PARTY
    ref           what it is about: a session's or a location's id, "" for nothing
    request       as it is sent, without response_url
    answer_within how long its response may take
    wanted_until  a result that comes before is taken in any case, None if only the timeout counts
    """

    module: ModuleId
    kind: str
    partner_id: int
    ours: str
    theirs: str
    ref: str
    request: JsonObject
    answer_within: timedelta
    wanted_until: datetime | None = None


_CREATE = Statement(
    """INSERT INTO outbound_requests
         (module, kind, partner_id, ours, theirs, ref, request, secret_digest, deadline, expires_at)
       VALUES (:module, :kind, :partner_id, :ours, :theirs, :ref, CAST(:request AS json), :digest,
               now() + CAST(:wait AS interval), GREATEST(now() + CAST(:wait AS interval), :until) + CAST(:kept AS interval))
       RETURNING id"""
)


async def create(tx: WriteTx, asked: Outbound, secret_digest: bytes) -> int:
    """Keep a request that is going to be sent, and tell its id."""
    request_id: int = await tx.value(
        _CREATE,
        module=asked.module,
        kind=asked.kind,
        partner_id=asked.partner_id,
        ours=asked.ours,
        theirs=asked.theirs,
        ref=fold(asked.ref),
        request=encode(asked.request).decode(),
        digest=secret_digest,
        # Nobody knows the partner's timeout yet: it answers, or it is taken for the minute of AMB-54.
        wait=asked.answer_within + timedelta(minutes=1) + MARGIN,
        until=asked.wanted_until,
        kept=KEPT,
    )
    return request_id


_ANSWERED = Statement(
    """UPDATE outbound_requests
          SET response = CAST(:response AS json), error = :error, deadline = now() + CAST(:wait AS interval),
              expires_at = GREATEST(expires_at, now() + CAST(:wait AS interval) + CAST(:kept AS interval)),
              state = CASE WHEN state = 'WAITING' AND NOT :accepted THEN 'REFUSED' ELSE state END
        WHERE id = :id"""
)
_UNSENT = Statement(
    """UPDATE outbound_requests SET error = :why,
              state = CASE WHEN state = 'WAITING' AND :failed THEN 'FAILED' ELSE state END
        WHERE id = :id"""
)
_TIME_OUT = Statement(
    """UPDATE outbound_requests SET state = 'TIMED_OUT'
        WHERE id IN (SELECT id FROM outbound_requests WHERE state = 'WAITING' AND deadline <= now()
                      ORDER BY deadline LIMIT 100 FOR UPDATE SKIP LOCKED)
       RETURNING id, module, kind, partner_id"""
)


async def answered(
    tx: WriteTx,
    request_id: int,
    response: bytes | None,
    promised: timedelta,
    *,
    accepted: bool,
    error: str | None = None,
) -> None:
    """The partner responded; a result that overtook its response stays.

    response  None, if there is none that can be read; error tells why
    promised  the timeout that the partner told
    accepted  a result follows; else the request is REFUSED
    """
    await tx.run(
        _ANSWERED,
        id=request_id,
        response=None if response is None else response.decode(),
        error=error,
        wait=promised + MARGIN,
        kept=KEPT,
        accepted=accepted,
    )


async def unanswered(tx: WriteTx, request_id: int, why: str, *, maybe_done: bool) -> None:
    """There is no response. maybe_done  the partner may act on it all the same, so the result is waited for"""
    await tx.run(_UNSENT, id=request_id, why=why, failed=not maybe_done)


async def time_out(tx: WriteTx) -> int:
    """Those whose result did not come in time are TIMED_OUT (CMD-S-04); tells how many there were."""
    rows = await tx.rows(_TIME_OUT)
    await happened.timed_out(tx, "outbound", rows)
    return len(rows)


_NAMED = """SELECT id, kind, partner_id, ours, theirs, ref, request, state, results FROM outbound_requests
                 WHERE secret_digest = :digest AND partner_id = :partner_id AND module = :module AND expires_at > now()"""
_FIND, _LOCK = Statement(_NAMED), Statement(_NAMED + " FOR UPDATE")
_RESULT = Statement("UPDATE outbound_requests SET state = 'RESULTED', results = CAST(:results AS json) WHERE id = :id")


async def by_secret(tx: ReadTx, module: ModuleId, partner_id: int, secret_digest: bytes) -> Row | None:
    """The request that a call-back URL belongs to; None if there is none, or it is another partner's, or too old."""
    return await tx.row(_FIND, digest=secret_digest, partner_id=partner_id, module=module)


async def receive(
    tx: WriteTx, module: ModuleId, partner_id: int, secret_digest: bytes, result: JsonObject
) -> Row | None:
    """Keep the result that came to a call-back URL, also a late one, a repeated one only once.

    Returns  the request as it was before, None as by_secret
    Raises   InvalidObject, if there are absurdly many results already
    """
    row = await tx.row(_LOCK, digest=secret_digest, partner_id=partner_id, module=module)
    if row is None:
        return None
    known = results_of(row)
    if any(one["result"] == result for one in known):
        return row
    if len(known) >= _MOST_RESULTS:
        raise InvalidObject("", "this request has its results already")
    told = [*known, {"at": wire_time(now()), "result": result}]
    await tx.run(_RESULT, id=row["id"], results=encode(told).decode())
    await happened.resulted(tx, module, row["kind"], row["id"], partner_id, result)
    return row


def results_of(row: Row) -> list[JsonObject]:
    """What a request was told: {at, result}, oldest first."""
    known = decode(row["results"].encode())
    assert isinstance(known, list)
    return known


_COLUMNS = (
    """id, module, kind, partner_id, ours, theirs, ref, request, response, error, state, results, sent_at, deadline"""
)
_GET = Statement(f"SELECT {_COLUMNS} FROM outbound_requests WHERE id = :id AND module = :module")
_WHERE = """module = :module AND (CAST(:state AS text) IS NULL OR state = :state)
            AND (CAST(:ref AS text) IS NULL OR ref = :ref)
            AND sent_at >= COALESCE(CAST(:date_from AS timestamptz), '-infinity')
            AND sent_at < COALESCE(CAST(:date_to AS timestamptz), 'infinity')"""
_PAGE = Statement(
    f"SELECT {_COLUMNS} FROM outbound_requests WHERE {_WHERE} ORDER BY id DESC OFFSET :offset LIMIT :limit"
)
_COUNT = Statement(f"SELECT count(*) FROM outbound_requests WHERE {_WHERE}")


async def get(tx: ReadTx, module: ModuleId, request_id: int) -> Row | None:
    return await tx.row(_GET, id=request_id, module=module)


class State(StrEnum):
    """How far it is. REFUSED by the partner: no result follows; FAILED: it did not reach the partner"""

    WAITING = "WAITING"
    RESULTED = "RESULTED"
    TIMED_OUT = "TIMED_OUT"
    REFUSED = "REFUSED"
    FAILED = "FAILED"


async def page(
    tx: ReadTx, module: ModuleId, wanted: Window, *, state: State | None = None, ref: str | None = None
) -> tuple[list[Row], int]:
    """Requests of a module that were sent in a window, newest first, and how many there are."""
    given: dict[str, Any] = {"module": module, "state": state, "ref": None if ref is None else fold(ref)}
    given |= {"date_from": wanted.date_from, "date_to": wanted.date_to}
    return await tx.rows(_PAGE, **given, offset=wanted.offset, limit=wanted.limit), await tx.value(_COUNT, **given)
