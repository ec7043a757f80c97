"""Rings where something is to be done or read, in every process: nobody waits for the next look.

The other processes hear it through PostgreSQL, in a transaction of its own, because those that notify commit one after the
other; and in steps, where much is changed, not for each change. Who does not hear it finds what there is at the next look,
half a second later.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from ocpi_party.database import Database, DatabaseUnavailable
from ocpi_party.listening import Listening

_APART_SECONDS: Final = 0.05


class Bell:
    """One per process and channel.

    wakes     whom it wakes in this process
    in_steps  them too, since there are many, and looking costs each of them
    """

    def __init__(
        self,
        database: Database,
        listening: Listening,
        channel: str,
        wakes: Sequence[Callable[[], None]],
        *,
        in_steps: bool = False,
    ) -> None:
        self._database = database
        self._channel = channel
        self._wakes = wakes
        self._in_steps = in_steps
        self._pulled = asyncio.Event()
        self._ours = secrets.token_hex(8)
        listening.on(channel, self._heard)

    def ring(self) -> None:
        """What there is to be done or read is committed."""
        if not self._in_steps:
            self._wake()
        self._pulled.set()

    async def run(self) -> None:
        """Tell the other processes, until cancelled."""
        while True:
            await self._pulled.wait()
            self._pulled.clear()
            if self._in_steps:
                self._wake()
            with suppress(DatabaseUnavailable):
                await self._database.notify(self._channel, self._ours)
            await asyncio.sleep(_APART_SECONDS)

    def _heard(self, by: str) -> None:
        if by != self._ours:
            self._wake()

    def _wake(self) -> None:
        for wake in self._wakes:
            wake()
