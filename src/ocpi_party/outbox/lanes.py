"""The lanes, one to each party of a partner: claimed by one worker for a time, tried again later, let go."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ocpi_party.database import Statement, WriteTx
from ocpi_party.outbox.reach import REACHABLE


@dataclass(frozen=True, slots=True)
class Lane:
    """The way to one party of a partner, held by one worker for a time.

    in_doubt  its last holder vanished: what it sent last, the partner may know or not
    """

    partner_id: int
    party: str
    lease: str
    failures: int
    in_doubt: bool


_CLAIM = Statement(
    f"""
    UPDATE outbox_lanes l SET leased_until = now() + :lease_for, lease = :lease
      FROM (SELECT o.partner_id, o.party, o.leased_until IS NOT NULL AS in_doubt
              FROM outbox_lanes o
             WHERE o.next_attempt_at <= now() AND (o.leased_until IS NULL OR o.leased_until < now())
               -- Cheap, and enough for a party that is away in all its roles, however much it missed.
               AND coalesce((SELECT bool_or(q.status = 'CONNECTED') FROM partner_parties q
                              WHERE q.partner_id = o.partner_id AND q.owner = o.party), true)
               AND EXISTS (SELECT FROM outbox_marks m
                            WHERE m.partner_id = o.partner_id AND m.party = o.party AND m.state = 'WAITING' AND {REACHABLE})
             ORDER BY o.next_attempt_at LIMIT :most FOR UPDATE SKIP LOCKED) due
     WHERE l.partner_id = due.partner_id AND l.party = due.party
    RETURNING l.partner_id, l.party, l.failures, due.in_doubt
    """
)


async def claim(tx: WriteTx, *, most: int, lease_for: timedelta) -> list[Lane]:
    """Take up to `most` lanes that have something to tell and are nobody else's."""
    lease = secrets.token_hex(8)
    rows = await tx.rows(_CLAIM, lease=lease, most=most, lease_for=lease_for)
    return [Lane(r["partner_id"], r["party"], lease, r["failures"], r["in_doubt"]) for r in rows]


_RENEW = Statement(
    """UPDATE outbox_lanes SET leased_until = now() + :lease_for
        WHERE partner_id = :partner_id AND party = :party AND lease = :lease AND leased_until > now()"""
)


async def renew(tx: WriteTx, lane: Lane, lease_for: timedelta) -> bool:
    """Hold the lane longer. False, if it is lost: another worker may have it."""
    return (
        await tx.run(_RENEW, partner_id=lane.partner_id, party=lane.party, lease=lane.lease, lease_for=lease_for) == 1
    )


_POSTPONE = Statement(
    """UPDATE outbox_lanes SET failures = failures + 1, next_attempt_at = :until, last_failure_at = now(),
              last_error = :error, leased_until = NULL, lease = NULL
        WHERE partner_id = :partner_id AND party = :party AND lease = :lease"""
)


async def postpone(tx: WriteTx, lane: Lane, until: datetime, error: str) -> None:
    """The partner cannot be told now: the breaker of this lane opens until then."""
    await tx.run(
        _POSTPONE,
        partner_id=lane.partner_id,
        party=lane.party,
        lease=lane.lease,
        until=until,
        error=error[:1000],
    )


_RELEASE = Statement(
    """UPDATE outbox_lanes SET leased_until = NULL, lease = NULL
        WHERE partner_id = :partner_id AND party = :party AND lease = :lease"""
)


async def release(tx: WriteTx, lane: Lane) -> None:
    await tx.run(_RELEASE, partner_id=lane.partner_id, party=lane.party, lease=lane.lease)


# It does not look released: what was sent last is in doubt.
_LET_GO = Statement(
    "UPDATE outbox_lanes SET leased_until = now() WHERE partner_id = :partner_id AND party = :party AND lease = :lease"
)


async def let_go(tx: WriteTx, left: Sequence[Lane]) -> None:
    """Whoever comes next may have these lanes, as if their leases had run out."""
    await tx.run_many(_LET_GO, [{"partner_id": one.partner_id, "party": one.party, "lease": one.lease} for one in left])


_WAKE = Statement(
    """UPDATE outbox_lanes SET next_attempt_at = now()
        WHERE partner_id = :id AND (CAST(:party AS text) IS NULL OR party = :party)"""
)


async def wake(tx: WriteTx, partner_id: int, party: str | None = None) -> None:
    """Try this partner's lanes, or that of one party of it, again at once."""
    await tx.run(_WAKE, id=partner_id, party=party)
