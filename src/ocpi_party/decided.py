"""Up to which number it is decided which rows there are: a reader who goes on behind that one misses none.

Numbers are given out before transactions end, so that a lower one may become visible after a higher one. Whoever adds rows
holds a lock on the table before it takes their numbers, and until it ends: as soon as all have ended that held one when row n
was there, no number up to n is open any more. Transactions that do not write to this table do not matter, however long they last.

Only numbers of committed rows are told, for this process may outlive a crash of PostgreSQL. A sequence goes forward in a
crash as far as it was logged, and what a committed transaction took from it was logged before its commit; what was taken by
others may be lost with the log's last, unwritten page, and is then given to somebody else.
"""

import asyncio
from collections import deque
from typing import Final

from ocpi_party.database import Database, Statement

_LOOKS: Final = 4
_MARKS: Final = 1000
_BETWEEN_SECONDS: Final = 0.01


class Decided:
    """One per process and table: what could not be decided at one look is so at the next, even if somebody always writes.

    number  the column that a sequence numbers
    """

    def __init__(self, database: Database, table: str, number: str) -> None:
        self._database = database
        self._last = Statement(f"SELECT COALESCE(max({number}), 0) FROM {table}")
        self._writers = Statement(
            f"""SELECT virtualtransaction AS writer FROM pg_locks
                 WHERE locktype = 'relation' AND relation = '{table}'::regclass AND mode = 'RowExclusiveLock' AND granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
        )
        self._upto: int | None = None
        self._marks: deque[tuple[int, frozenset[str]]] = deque(maxlen=_MARKS)

    async def upto(self) -> int:
        """Rows with this number and lower ones can be read.

        Where somebody writes it waits for the end of that, but not for long: then it tells what was decided before.
        """
        wanted = await self.look()
        for _ in range(_LOOKS):
            if self._upto is not None and self._upto >= wanted:
                break
            await asyncio.sleep(_BETWEEN_SECONDS)
            await self.look()
        return self._upto or 0

    async def begin(self) -> int:
        """The same for who wants to begin at the end: it waits until something is decided."""
        while self._upto is None:
            await self.upto()
        return self._upto

    async def look(self) -> int:
        """Decide what can be decided now; tells the last number that will be, when all have ended who write at this moment."""
        # Others may look meanwhile: who writes now says nothing of what they mark after that was asked.
        marked = tuple(self._marks)
        # The order counts: the last row, then those who may hold numbers before it.
        async with self._database.read() as tx:
            last: int = await tx.value(self._last)
            writers = frozenset(row["writer"] for row in await tx.rows(self._writers))
        decided = [number for number, before in marked if not before & writers]
        if not writers:
            decided.append(last)
        else:
            self._marks.append((last, writers))
        if decided:
            upto = self._upto = max(self._upto or 0, *decided)
            self._marks = deque((mark for mark in self._marks if mark[0] > upto), maxlen=_MARKS)
        return last
