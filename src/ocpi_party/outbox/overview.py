"""What partners do not know, and how their lanes do: for people who look and for metrics."""

from ocpi_party.database import ReadTx, Row, Statement

_STATE = Statement(
    """
    SELECT m.module, count(*) FILTER (WHERE m.state = 'WAITING') AS pending, count(*) FILTER (WHERE m.state = 'REFUSED') AS refused,
           count(*) FILTER (WHERE m.state = 'PAUSED') AS paused,
           min(m.marked_at) FILTER (WHERE m.state = 'WAITING') AS oldest, max(m.error) AS error
      FROM outbox_marks m WHERE m.partner_id = :id GROUP BY m.module ORDER BY m.module
    """
)
_LANES = Statement(
    """SELECT party, failures, next_attempt_at, leased_until, delivered, last_success_at, last_failure_at, last_error
         FROM outbox_lanes WHERE partner_id = :id ORDER BY party"""
)


async def state(tx: ReadTx, partner_id: int) -> tuple[list[Row], list[Row]]:
    """What is pending, refused and paused per module, and the lanes: for people who look."""
    return await tx.rows(_STATE, id=partner_id), await tx.rows(_LANES, id=partner_id)


_EVERY_LANE = Statement(
    """
    SELECT l.partner_id, l.party, l.delivered, (l.next_attempt_at > now())::int AS broken,
           count(m.seq) FILTER (WHERE m.state = 'WAITING') AS pending, count(m.seq) FILTER (WHERE m.state = 'REFUSED') AS refused,
           count(m.seq) FILTER (WHERE m.state = 'PAUSED') AS paused,
           coalesce(extract(epoch FROM now() - min(m.marked_at) FILTER (WHERE m.state = 'WAITING')), 0)::float AS lag
      FROM outbox_lanes l LEFT JOIN outbox_marks m ON m.partner_id = l.partner_id AND m.party = l.party
     GROUP BY l.partner_id, l.party ORDER BY l.partner_id, l.party
    """
)


async def lanes(tx: ReadTx) -> list[Row]:
    """Every lane in numbers, for those who watch. lag  age of the oldest thing it was not told, in seconds"""
    return await tx.rows(_EVERY_LANE)
