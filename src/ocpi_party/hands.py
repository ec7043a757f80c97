"""The hands of a worker: it takes on as much as it can do at the same time, and sleeps until it is woken or it is time to look."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ocpi_party.database import DatabaseUnavailable

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.5


@dataclass(slots=True)
class Hands:
    """What a worker holds and does.

    work       in a word, for the log
    most       tasks at the same time
    busy       each task that runs, and the partner or webhook it is about
    turned_at  when it began to look for work the last time, on the clock of the event loop; None before the first
    """

    work: str
    most: int
    busy: dict[asyncio.Task[None], int] = field(default_factory=dict)
    turned_at: float | None = None
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def free(self) -> int:
        return self.most - len(self.busy)

    def wake(self) -> None:
        """There is something to do: do not wait for the next poll."""
        self._woken.set()

    def take(self, work: Coroutine[Any, Any, None], about: int) -> None:
        task = asyncio.create_task(work)
        self.busy[task] = about
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.busy.pop(task, None)
        self._woken.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: a task broke off", self.work, exc_info=task.exception())

    async def run(
        self, start: Callable[[], Awaitable[int]], leave: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Work until cancelled; what is under way is then left, and taken up by whoever comes next.

        start  claims what is due and takes it on; tells how much that was
        leave  gives back what was under way, so that whoever comes next need not wait
        """
        try:
            while True:
                self.turned_at = asyncio.get_running_loop().time()
                self._woken.clear()
                try:
                    found = await start()
                except (DatabaseUnavailable, OSError) as fault:
                    log.warning("%s pauses: %s", self.work, fault)
                    found = 0
                if not found or self.free <= 0:
                    await self._pause()
        finally:
            for task in self.busy:
                task.cancel()
            await asyncio.gather(*self.busy, return_exceptions=True)
            if leave is not None:
                try:
                    await leave()
                except (DatabaseUnavailable, OSError) as fault:
                    log.warning("%s ends, and what was under way waits for the end of its lease: %s", self.work, fault)

    async def _pause(self) -> None:
        # Not wait_for: in Python 3.11 it swallows a cancellation that comes just when it is woken, and the server would never stop.
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL_SECONDS):
                await self._woken.wait()
