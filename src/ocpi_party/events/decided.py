"""Up to which number it is decided which events there are: a reader who goes on behind that one misses none.

Numbers are given out before transactions end, so that a lower one may become visible after a higher one, whichever of the two
transactions began first. A transaction has its own number before its events get theirs (`repository.NUMBERED`): as soon as all
transactions have ended that had one when event n was committed, no number up to n is open any more.

Only numbers of committed events are told, for this process may outlive a crash of PostgreSQL. A sequence goes forward in a
crash as far as it was logged, and what a committed transaction took from it was logged before its commit; what was taken by
others may be lost with the log's last, unwritten page, and is then given to somebody else.
"""

import asyncio
from collections import deque
from typing import Final

from ocpi_party.database import Database, Statement
from ocpi_party.events import repository

# The next transaction number, of which age() tells the last 32 bits and a snapshot those before them.
_NEXT: Final = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS ended, age('3'::xid) + 3 AS next"
_NOW = Statement(f"SELECT {_NEXT}")
_OPEN = Statement(
    f"""SELECT {_NEXT}, (SELECT max(age(backend_xid)) FROM pg_stat_activity
                          WHERE datname = current_database() AND backend_xid IS NOT NULL) AS oldest"""
)
_LOOKS: Final = 5
_BETWEEN_SECONDS: Final = 0.01


class Decided:
    """One per process: what could not be decided at one look is so at the next, even if some transaction is always open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._upto = 0
        self._marks: deque[tuple[int, int]] = deque(maxlen=1000)

    async def upto(self) -> int:
        """Events with this number and lower ones can be read.

        Where transactions are open it waits for their end, but not for long: then it tells what was decided before.
        """
        for look in range(_LOOKS):
            if look:
                await asyncio.sleep(_BETWEEN_SECONDS)
            if await self.look():
                break
        return self._upto

    async def look(self) -> bool:
        """Whether all that was committed by now is decided."""
        # The order counts: the last event, then the transactions that may hold numbers before it, then which of these are open.
        # Each is a statement of its own, because age() counts from the first time that it is called in a transaction.
        async with self._database.read() as tx:
            committed = await repository.last(tx)
            now = await tx.row(_NOW)
            still = await tx.row(_OPEN)
        assert now is not None
        assert still is not None
        self._marks.append((committed, _whole(now["ended"], now["next"])))
        oldest = None if still["oldest"] is None else _whole(still["ended"], still["next"]) - still["oldest"]
        while self._marks and (oldest is None or self._marks[0][1] <= oldest):
            self._upto = max(self._upto, self._marks.popleft()[0])
        return not self._marks


def _whole(ended: int, last_bits: int) -> int:
    """A transaction number not before `ended`, of which only the last 32 bits are known."""
    return ended + (last_bits - ended) % 2**32
