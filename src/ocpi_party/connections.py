"""The connections to one PostgreSQL: opened when they are wanted, lent to one at a time, and taken back clean."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import asyncpg

from ocpi_party.away import NOT_CONNECTED, DatabaseUnavailable, not_connected, said
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.watch import Watch

# One plan a statement, whatever the arguments: PostgreSQL guesses a LIMIT that is a parameter far too high, and would
# therefore plan a page anew each time, which costs more than fetching it. Compiling plans never pays for statements as short.
_PLANS: Final = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
CLEAN_SECONDS: Final = 1.0
"""A connection that takes longer to be cleaned up is not worth it: a new one is made."""
_AGAIN_SECONDS: Final = 1.0
"""So long nobody tries to open a connection again that PostgreSQL has not left for us."""


async def _leave_clean(connection: asyncpg.Connection) -> None:
    # asyncpg's own reset is one more round trip per request; we set nothing on a connection that would need it. A statement
    # that was cancelled may still be on its way out: an idle one waits for that.
    await connection.execute("ROLLBACK" if connection.is_in_transaction() else "SELECT", timeout=CLEAN_SECONDS)


_OF_DATABASE: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


def _is_lost(connection: asyncpg.Connection) -> bool:
    """Whether its other end has gone. The pool then takes it back by itself, and not even this may be asked of it any more."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


class Connections:
    """A pool of them.

    url       as asyncpg reads it
    patience  seconds after which whoever waits looks whether the database answers anybody
    name      under which PostgreSQL lists them; it keeps 63 bytes
    """

    def __init__(self, url: str, size: int, patience: float, name: str) -> None:
        self._url = url
        self._size = size
        self._patience = patience
        self._name = name
        self._watch = Watch(url, patience)
        self._pool: asyncpg.Pool | None = None
        self._turns = asyncio.Semaphore(size)
        """Whoever uses a connection has one; there are as many as PostgreSQL leaves us connections."""
        self._idle: list[asyncpg.Connection] = []
        """Connections taken from the pool, and ready for the next whose turn it is."""
        self._closing = False

    async def open(self) -> None:
        """Connect. Raises DatabaseUnavailable in words that name neither user nor password."""
        self._turns, self._closing = asyncio.Semaphore(self._size), False
        try:
            self._pool = await asyncpg.create_pool(
                self._url,
                min_size=0,  # It opens them and counts them; those that are open lie in _idle.
                max_size=self._size,
                timeout=self._patience,
                reset=_leave_clean,
                statement_cache_size=500,
                server_settings={"application_name": self._name, "timezone": "UTC", **_PLANS},
            )
            self._idle.append(await self._pool.acquire())
        except NOT_CONNECTED as fault:
            self._pool = None
            raise DatabaseUnavailable(not_connected(fault)) from fault
        self._watch.start()

    async def close(self) -> None:
        if self._pool is not None:
            self._closing = True  # What is still lent goes back to the pool, which waits for it.
            idle, self._idle = self._idle, []
            await asyncio.gather(*map(self._release, idle))
            self._watch.begin(self._pool)
            try:
                await self._pool.close()
            finally:
                self._watch.stop()
            self._pool = None

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[asyncpg.Connection]:
        """One for whoever asks, for as long as it takes; what goes wrong meanwhile is raised on.

        Raises  DatabaseUnavailable, if that is what went wrong, or there is none in time; InvalidObject for text that PostgreSQL
                cannot keep
        """
        connection = await self._lend()
        self._watch.begin(connection)
        try:
            yield connection
        except BaseException as fault:
            away = said(fault)
            if away is None and isinstance(fault, _OF_DATABASE) and _is_lost(connection):
                away = "the database hung up"
            if isinstance(fault, asyncpg.ReadOnlySQLTransactionError):
                # After a failover this is the second database now: a new connection goes to the first.
                with suppress(asyncpg.InterfaceError):  # Its end has come by itself.
                    connection.terminate()
            await self._release(connection)
            if away is not None:
                raise DatabaseUnavailable(away) from fault
            if isinstance(fault, asyncpg.CharacterNotInRepertoireError):
                raise InvalidObject("", "text must not hold the character U+0000") from fault
            raise
        else:
            # The pool's own release costs a task each time: it is left to what went wrong.
            if self._closing or _is_lost(connection) or connection.is_in_transaction():
                await self._release(connection)
            else:
                self._idle.append(connection)
        finally:
            self._watch.end(connection)
            self._turns.release()

    async def _lend(self) -> asyncpg.Connection:
        """A connection, and the turn to use it: whoever has done with the one gives back the other."""
        if self._idle and not self._turns.locked() and not _is_lost(self._idle[-1]):
            await self._turns.acquire()  # At once: who has nothing to wait for need not pay for a clock.
            return self._idle.pop()
        try:
            async with asyncio.timeout(3 * self._patience):
                while (connection := await self._in_turn()) is None:
                    pass
                return connection
        except TimeoutError as fault:
            raise DatabaseUnavailable("the database did not give a connection in time") from fault

    async def _in_turn(self) -> asyncpg.Connection | None:
        """None, if all that PostgreSQL leaves us are in use: this turn is over then, and for a while it is nobody's."""
        await self._turns.acquire()
        try:
            return await self._take()
        except asyncpg.TooManyConnectionsError as fault:
            _, is_open = self.in_use
            if is_open:
                again = 0 if self._idle else _AGAIN_SECONDS
                asyncio.get_running_loop().call_later(again, self._turns.release)
                return None
            self._turns.release()
            raise DatabaseUnavailable(not_connected(fault)) from fault
        except BaseException as fault:
            self._turns.release()
            if isinstance(fault, NOT_CONNECTED) and not isinstance(fault, TimeoutError):
                raise DatabaseUnavailable(not_connected(fault)) from fault
            raise

    async def _take(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not _is_lost(connection):
                return connection
            await self._release(connection)
        if self._pool is None or self._closing:
            raise DatabaseUnavailable("the database is not open")
        return await self._pool.acquire()

    async def _release(self, connection: asyncpg.Connection) -> None:
        # What cannot be cleaned up any more, the pool closes and replaces: its end is nobody's fault who has done with it.
        with suppress(*_OF_DATABASE):
            try:
                await _leave_clean(connection)
            except BaseException:
                connection.terminate()
                raise
            finally:
                if not self._closing and not _is_lost(connection):
                    self._idle.append(connection)
                elif self._pool is not None:
                    await self._pool.release(connection, timeout=CLEAN_SECONDS)

    @property
    def in_use(self) -> tuple[int, int]:
        """Connections handed out, and connections open."""
        if self._pool is None:
            return 0, 0
        return self._pool.get_size() - self._pool.get_idle_size() - len(self._idle), self._pool.get_size()
