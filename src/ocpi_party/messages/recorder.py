"""Writes messages off the path of requests: in batches, from a bounded queue that never makes anybody wait."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar

from ocpi_party.database import Database, DatabaseUnavailable
from ocpi_party.messages import days, repository
from ocpi_party.messages.masking import masked
from ocpi_party.messages.message import Message
from ocpi_party.messages.subject import in_body

Seen = TypeVar("Seen")

log = logging.getLogger(__name__)

_TOGETHER: Final = 32
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
        self._seen: list[tuple[Callable[[Any], Message], Any]] = []
        self._queue: deque[Message] = deque()
        self._bytes = 0
        self._full = asyncio.Event()
        self._days: set[date] = set()
        self._writing = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """Messages that are not written yet."""
        return len(self._seen) + len(self._queue)

    def keep(self, message: Message) -> None:
        """Have a message written soon. Costs nobody more than a place in the list."""
        self.keep_seen(_as_it_is, message)

    def keep_seen(self, message_of: Callable[[Seen], Message], seen: Seen) -> None:
        """The same for what a message can be made of later, some of them in a row.

        Right behind each request it would take twice as long: a long answer leaves nothing of us in the processor's caches.
        """
        self._seen.append((message_of, seen))
        if len(self._seen) >= _TOGETHER:
            self._make()

    def _make(self) -> None:
        seen, self._seen = self._seen, []
        for message_of, one in seen:
            try:
                self._add(message_of(one))
            except Exception:  # Whoever was answered meanwhile must not suffer from it.
                self.dropped += 1
                log.exception("a message could not be made")

    def _add(self, message: Message) -> None:
        message = _readable(message)
        self._queue.append(message)
        self._bytes += message.size
        while len(self._queue) > self._most or (self._bytes > self._most_bytes and len(self._queue) > 1):
            self._take()
            self.dropped += 1
        if len(self._queue) >= _BATCH:
            self._full.set()

    def _take(self) -> Message:
        message = self._queue.popleft()
        self._bytes -= message.size
        return message

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
        self._make()
        async with self._writing:
            left = len(self._queue)
            while left > 0 and self._queue:
                batch = [self._take() for _ in range(min(_BATCH, left, len(self._queue)))]
                left -= len(batch)
                await self._write(batch)

    async def _write(self, batch: list[Message]) -> None:
        try:
            await self._insert(batch)
        except (DatabaseUnavailable, OSError, asyncio.CancelledError):
            for message in reversed(batch):
                self._queue.appendleft(message)
                self._bytes += message.size
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


def _as_it_is(message: Message) -> Message:
    return message


def _readable(message: Message) -> Message:
    if message.ref is None and message.method == "POST":
        message = message._replace(ref=in_body(message.module, message.body))
    return masked(message)
