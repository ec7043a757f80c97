"""Wakes those in this process who wait for events, and sends them home when the server stops."""

import asyncio


class Happenings:
    """Whoever waits looks every half second all the same: nothing is missed if nobody wakes it.

    turn  a number that changes whenever something may have happened
    """

    LOOK_SECONDS = 0.5

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self.turn = 0
        self.closed = False

    def wake(self) -> None:
        """Something may have happened."""
        self.turn += 1
        for waiter in self._waiting:
            waiter.set()

    def close(self) -> None:
        """The server stops: an open stream would keep it from ending."""
        self.closed = True
        self.wake()

    async def wait(self, turn: int) -> bool:
        """Until something may have happened since this turn, which was read before the look. False, if the server stops."""
        if not self.closed and turn == self.turn:
            waiter = asyncio.Event()
            self._waiting.add(waiter)
            try:
                async with asyncio.timeout(self.LOOK_SECONDS):  # Not wait_for, which may swallow a cancellation.
                    await waiter.wait()
            except TimeoutError:
                pass
            finally:
                self._waiting.discard(waiter)
        return not self.closed
