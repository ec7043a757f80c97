"""The connection on which a process hears what others notify."""

from collections.abc import Awaitable, Callable

from ocpi_party.database import Database, DatabaseUnavailable


class Listening:
    """One for all channels of a process. Whoever may have missed something hears of it as if it had been notified.

    alive  whether it hears; nobody knows what happens while it does not
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._heard: dict[str, Callable[[str], None]] = {}
        self._stop: Callable[[], Awaitable[None]] | None = None
        self.alive = False

    def on(self, channel: str, heard: Callable[[str], None]) -> None:
        """Call `heard` with the payload of each notification, from the next `open` on."""
        self._heard[channel] = heard

    async def open(self) -> None:
        """Raises DatabaseUnavailable"""
        self._stop = await self._database.listen(self._heard, self._lost)
        self.alive = True

    async def close(self) -> None:
        self.alive = False
        if self._stop is not None:
            await self._stop()

    async def again(self) -> None:
        """Listen anew, if the connection was lost."""
        if self._stop is None or self.alive:
            return
        try:
            await self.open()
        except DatabaseUnavailable:
            return
        self._missed()

    def _lost(self) -> None:
        self.alive = False
        self._missed()

    def _missed(self) -> None:
        for heard in self._heard.values():
            heard("")
