"""What waits for a database that answers nobody is ended; what is only slow is not."""

import asyncio
import errno
import socket
from contextlib import suppress
from typing import Any, Protocol

import asyncpg


class Ends(Protocol):
    """A connection, or a pool of them."""

    def terminate(self) -> Any:
        """Let go of the other end at once, whether it answers or not: whoever waits for it is told that it is gone."""


class Watch:
    """A statement may take as long as it takes, and PostgreSQL says nothing meanwhile: that it hangs, or that the network
    swallows what it says, only a new connection tells.

    patience  seconds after which it is looked, and as many that a new connection may take
    """

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience
        self._since: dict[Ends, float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._look())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._since.clear()

    def begin(self, used: Ends) -> None:
        self._since[used] = asyncio.get_running_loop().time()

    def end(self, used: Ends) -> None:
        self._since.pop(used, None)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._patience)
            before = asyncio.get_running_loop().time() - self._patience
            long = {used: since for used, since in self._since.items() if since <= before}
            if long and not await self._answers():
                for used, since in long.items():
                    # Only if it is still the same use: a connection may have come back meanwhile, and gone to somebody else.
                    if self._since.get(used) == since:
                        with suppress(asyncpg.InterfaceError):  # Its end has come by itself.
                            used.terminate()

    async def _answers(self) -> bool:
        """Whatever it says, and be it that it has too many connections, it answers; a fault on our side tells nothing of it."""
        try:
            connection = await asyncpg.connect(
                self._url, timeout=self._patience, server_settings={"application_name": "ocpi-party watch"}
            )
        except OSError as fault:  # TimeoutError is one.
            return isinstance(fault, socket.gaierror) or fault.errno in (errno.EMFILE, errno.ENFILE)
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            return True
        connection.terminate()
        return True
