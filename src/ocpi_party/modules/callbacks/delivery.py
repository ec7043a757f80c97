"""Results that partners do not have yet: claimed for a while, delivered, tried again, refused or given up."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ocpi_party.database import Statement, WriteTx
from ocpi_party.modules.callbacks import happened
from ocpi_party.ocpi.modules import ModuleId


@dataclass(frozen=True, slots=True)
class Due:
    """A result to be POSTed. attempts  that were begun, this one included"""

    id: int
    request_id: int
    lease: str
    partner_id: int
    module: ModuleId
    kind: str
    ours: str
    theirs: str
    response_url: str
    document: bytes
    attempts: int
    give_up_at: datetime


# The results of one request are told in order: a later one waits until nothing is due before it.
_CLAIM = Statement(
    """
    WITH ranked AS (
        SELECT d.id, row_number() OVER (PARTITION BY d.partner_id ORDER BY d.next_at, d.id) AS place
          FROM results_due d
         WHERE d.state = 'DUE' AND d.next_at <= now() AND d.partner_id <> ALL(CAST(:busy AS bigint[]))
           AND NOT EXISTS (SELECT FROM results_due b WHERE b.request_id = d.request_id AND b.id < d.id AND b.state = 'DUE')),
    free AS (
        SELECT d.id FROM results_due d
         WHERE d.id IN (SELECT id FROM ranked WHERE place <= :each) AND d.state = 'DUE' AND d.next_at <= now()
         ORDER BY d.next_at LIMIT :most FOR UPDATE SKIP LOCKED)
    UPDATE results_due d SET attempts = attempts + 1, lease = :lease, next_at = now() + CAST(:lease_for AS interval)
      FROM free f, inbound_requests r
     WHERE d.id = f.id AND r.id = d.request_id
    RETURNING d.id, d.request_id, d.partner_id, r.module, r.kind, r.ours, r.theirs, r.response_url,
              convert_to(d.document::text, 'UTF8') AS document, d.attempts, d.give_up_at
    """
)
_SETTLE = Statement(
    "UPDATE results_due SET state = :state, error = :error, settled_at = now() WHERE id = :id AND lease = :lease"
)
_POSTPONE = Statement("UPDATE results_due SET next_at = :until, error = :why WHERE id = :id AND lease = :lease")


async def claim(tx: WriteTx, *, most: int, each: int, busy: Sequence[int], lease_for: timedelta) -> list[Due]:
    """Take results that are due; whoever takes them and vanishes lets go of them when the lease ends.

    each  at most so many of one partner
    busy  partners that get nothing now
    """
    lease = uuid.uuid4().hex
    rows = await tx.rows(_CLAIM, most=most, each=each, busy=list(busy), lease=lease, lease_for=lease_for)
    return [Due(lease=lease, module=ModuleId(row["module"]), **{k: row[k] for k in _PLAIN}) for row in rows]


_PLAIN = (
    "id",
    "request_id",
    "partner_id",
    "kind",
    "ours",
    "theirs",
    "response_url",
    "document",
    "attempts",
    "give_up_at",
)


async def settle(tx: WriteTx, due: Due, state: str, error: str | None = None) -> None:
    """It is not due any more. state  DELIVERED, REFUSED by the partner or by our own check, or GIVEN_UP"""
    settled = await tx.run(_SETTLE, id=due.id, lease=due.lease, state=state, error=error)
    if settled and error is not None:
        await happened.given_up(tx, due.module, due.kind, due.request_id, due.partner_id, error)


async def postpone(tx: WriteTx, due: Due, until: datetime, why: str) -> None:
    await tx.run(_POSTPONE, id=due.id, lease=due.lease, until=until, why=why)


_LET_GO = Statement("UPDATE results_due SET next_at = now() WHERE id = :id AND lease = :lease AND state = 'DUE'")


async def let_go(tx: WriteTx, left: Sequence[Due]) -> None:
    """They are due at once, as if their leases had run out."""
    await tx.run_many(_LET_GO, [{"id": one.id, "lease": one.lease} for one in left])


RETRIABLE = """d.state IN ('REFUSED', 'GIVEN_UP')
               AND now() < GREATEST(r.deadline + interval '1 day', d.give_up_at)
               AND NOT EXISTS (SELECT FROM results_due b
                                WHERE b.request_id = d.request_id AND b.id > d.id AND b.state = 'DELIVERED')"""
"""Of a result `d` of a request `r`. A partner may forget its response_url, we keep ours a day; and what was told last stands."""

_RETRY = Statement(
    f"""UPDATE results_due SET state = 'DUE', next_at = now(), give_up_at = GREATEST(give_up_at, now() + :keep_trying),
               attempts = 0, settled_at = NULL
         WHERE id IN (SELECT d.id FROM results_due d JOIN inbound_requests r ON r.id = d.request_id
                       WHERE d.partner_id = :id AND {RETRIABLE})"""
)


async def retry(tx: WriteTx, partner_id: int, keep_trying: timedelta) -> int:
    """Deliver once more what this partner refused or was given up, where that still makes sense; tells how many there are.

    keep_trying  how long to try
    """
    return await tx.run(_RETRY, id=partner_id, keep_trying=keep_trying)
