"""What is forgotten when its time is over: authorizations, and requests with a later result that are settled."""

from datetime import datetime
from typing import Final

from ocpi_party.database import Statement, WriteTx

_MOST: Final = 10_000

_FORGET: Final = tuple(
    Statement(sql)
    for sql in (
        "DELETE FROM authorizations WHERE id IN (SELECT id FROM authorizations WHERE at < :at ORDER BY at LIMIT :most)",
        # A reservation points at the command that made it; it goes before, when it is over as well.
        """DELETE FROM reservations WHERE id IN
             (SELECT id FROM reservations WHERE expires_at < :at ORDER BY expires_at LIMIT :most)""",
        """DELETE FROM inbound_requests WHERE id IN
             (SELECT id FROM inbound_requests r
               WHERE deadline < :at AND state <> 'PENDING'
                 AND NOT EXISTS (SELECT FROM results_due d WHERE d.request_id = r.id AND d.state = 'DUE')
                 AND NOT EXISTS (SELECT FROM reservations v WHERE v.request_id = r.id)
               ORDER BY deadline LIMIT :most)""",
        """DELETE FROM outbound_requests WHERE id IN
             (SELECT id FROM outbound_requests WHERE expires_at < :at AND state <> 'WAITING'
               ORDER BY expires_at LIMIT :most)""",
    )
)


async def forget_before(tx: WriteTx, at: datetime, *, most: int = _MOST) -> None:
    """Forget what was over before this moment, some at a time."""
    for statement in _FORGET:
        await tx.run(statement, at=at, most=most)
