"""Writes messages off the path of requests: in batches, from a bounded queue that never makes anybody wait."""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Final

from ocpi_party.database import Database, DatabaseUnavailable
from ocpi_party.messages import days, repository
from ocpi_party.messages.masking import masked
from ocpi_party.messages.message import Message, Observed
from ocpi_party.messages.subject import in_body

log = logging.getLogger(__name__)

_BATCH: Final = 500
_BETWEEN_SECONDS: Final = 0.2
_AFTER_FAILURE_SECONDS: Final = 2.0


class Recorder:
    """One per process.

    body_bytes  of a longer body only the beginning is kept
    most        messages that may wait; of more, and of more than most_bytes, the oldest are dropped and counted
    """

    def __init__(
        self, database: Database, *, body_bytes: int, most: int = 10_000, most_bytes: int = 64 * 2**20
    ) -> None:
        self.body_bytes = body_bytes
        self.dropped = 0
        self._database = database
        self._most, self._most_bytes = most, most_bytes
        self._queue: deque[Observed] = deque()
        self._bytes = 0
        self._full = asyncio.Event()
        self._days: set[date] = set()
        self._writing = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """Messages that are not written yet."""
        return len(self._queue)

    def keep(self, observed: Observed) -> None:
        """Have a message written soon. Costs nobody more than a place in the queue."""
        self._queue.append(observed)
        self._bytes += observed.size
        while len(self._queue) > self._most or (self._bytes > self._most_bytes and len(self._queue) > 1):
            self._take()
            self.dropped += 1
        if len(self._queue) >= _BATCH:
            self._full.set()

    def _take(self) -> Observed:
        observed = self._queue.popleft()
        self._bytes -= observed.size
        return observed

    async def run(self) -> None:
        """Write until cancelled: as soon as a batch is full, else a few times a second."""
        while True:
            self._full.clear()
            pause = _BETWEEN_SECONDS
            try:
                await self.flush()
            except DatabaseUnavailable as fault:
                log.warning("messages wait: %s", fault)
                pause = _AFTER_FAILURE_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):  # Not wait_for, which may swallow a cancellation.
                    await self._full.wait()

    async def flush(self) -> None:
        """Write what has come until now. Raises DatabaseUnavailable, and what is not written stays in the queue"""
        async with self._writing:
            left = len(self._queue)
            while left > 0 and self._queue:
                batch = [self._take() for _ in range(min(_BATCH, left, len(self._queue)))]
                left -= len(batch)
                await self._write(batch)

    async def _write(self, batch: list[Observed]) -> None:
        try:
            await self._insert([_readable(observed.message()) for observed in batch])
        except (DatabaseUnavailable, OSError, asyncio.CancelledError):
            for observed in reversed(batch):  # Masking twice changes nothing.
                self._queue.appendleft(observed)
                self._bytes += observed.size
            raise
        except Exception:
            # A batch that cannot be written must not keep all later ones from being written.
            self.dropped += len(batch)
            log.exception("%d messages could not be written", len(batch))

    async def _insert(self, batch: list[Message]) -> None:
        moments = [message.at for message in batch]
        wanted = {_day(min(moments)), _day(max(moments))}
        if len(wanted) > 1:
            wanted = set(map(_day, moments))
        if wanted - self._days:
            async with self._database.write() as tx:
                await days.provide(tx, wanted)
            self._days |= wanted
        async with self._database.write() as tx:
            await repository.add(tx, batch)

    async def close(self) -> None:
        """Write what waits; without a database it is lost, and said."""
        try:
            await self.flush()
        except (DatabaseUnavailable, OSError) as fault:
            log.warning("%d messages are lost: %s", len(self._queue), fault)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _readable(message: Message) -> Message:
    if message.ref is None and message.method == "POST":
        message.ref = in_body(message.module, message.body)
    if message.ref is not None:
        message.ref = message.ref.replace("\0", "\ufffd")  # PostgreSQL keeps no U+0000, and a URL may hold it.
    return masked(message)
