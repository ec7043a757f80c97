"""The two ways to PostgreSQL: Database.read() and Database.write().

Tables and statements are SQLAlchemy's; they are compiled once and run on asyncpg's own connections, because SQLAlchemy's
asynchronous engine costs several times the query on the hot paths.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, cast

import asyncpg
from sqlalchemy import Executable, MetaData, TextClause, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as AsyncpgDialect  # noqa: N812 - it is a class
from sqlalchemy.types import UserDefinedType

from ocpi_party.away import NOT_CONNECTED, not_connected, said
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.together import Together
from ocpi_party.watch import Watch

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

Row = Mapping[str, Any]
"""A row by column name."""

_DIALECT: Final = AsyncpgDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped

# One plan a statement, whatever the arguments: PostgreSQL guesses a LIMIT that is a parameter far too high, and would
# therefore plan a page anew each time, which costs more than fetching it. Compiling plans never pays for statements as short.
_PLANS: Final = {"plan_cache_mode": "force_generic_plan", "jit": "off"}


_PATIENCE_SECONDS: Final = 5.0
"""A PostgreSQL that accepts connections and says nothing is as good as none."""
_CLEAN_SECONDS: Final = 1.0
"""A connection that takes longer to be cleaned up is not worth it: a new one is made."""
_AGAIN_SECONDS: Final = 1.0
"""So long nobody tries to open a connection again that PostgreSQL has not left for us."""


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's xid8: the transaction that wrote the row."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


class DatabaseUnavailable(Exception):
    """PostgreSQL cannot be reached, hangs up, or can do nothing; the work was not done and may be tried again later."""


LockTimeout = asyncpg.LockNotAvailableError
"""Somebody else held a lock for longer than we wanted to wait."""


class Statement:
    """A statement compiled once, for the paths where compiling costs more than running it.

    source  SQL text with :named parameters, or a SQLAlchemy Core statement with bindparam()
    """

    def __init__(self, source: str | Executable) -> None:
        clause = text(source) if isinstance(source, str) else source
        compiled = clause.compile(dialect=_DIALECT)  # type: ignore[attr-defined]  # every Executable we write is a ClauseElement
        self.sql: Final = str(compiled)
        self._names: Final[tuple[str, ...]] = tuple(compiled.positiontup or ())
        self._defaults: Final[dict[str, Any]] = {k: v for k, v in compiled.params.items() if v is not None}

    def arguments(self, given: dict[str, Any]) -> list[Any]:
        """The values of the placeholders, in order. Raises KeyError for a name that was not given."""
        return [given[name] if name in given else self._defaults[name] for name in self._names]


Query = Statement | Executable | TextClause


def _prepare(query: Query, given: dict[str, Any]) -> tuple[str, list[Any]]:
    statement = query if isinstance(query, Statement) else Statement(query)
    if isinstance(query, Statement):
        return statement.sql, statement.arguments(given)
    return statement.sql, [given.get(n, statement._defaults.get(n)) for n in statement._names]


class ReadTx:
    """A connection on which one may ask; each statement sees what was committed when it began."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def rows(self, query: Query, **given: Any) -> list[Row]:
        sql, arguments = _prepare(query, given)
        rows: list[Row] = await self._connection.fetch(sql, *arguments)
        return rows

    async def row(self, query: Query, **given: Any) -> Row | None:
        sql, arguments = _prepare(query, given)
        row: Row | None = await self._connection.fetchrow(sql, *arguments)
        return row

    async def value(self, query: Query, **given: Any) -> Any:
        """The first column of the first row, or None if there is none."""
        sql, arguments = _prepare(query, given)
        return await self._connection.fetchval(sql, *arguments)


class WriteTx(ReadTx):
    """A transaction in which one may change: all of it is kept, or nothing."""

    async def run(self, query: Query, **given: Any) -> int:
        """Run a statement and tell how many rows it touched."""
        sql, arguments = _prepare(query, given)
        tag: str = await self._connection.execute(sql, *arguments)
        count = tag.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def run_many(self, query: Query, many: Iterable[dict[str, Any]]) -> None:
        statement = query if isinstance(query, Statement) else Statement(query)
        await self._connection.executemany(statement.sql, [statement.arguments(given) for given in many])

    async def copy(self, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]) -> None:
        """Add many rows by COPY, the cheapest way for both sides. records  one value for each of the columns"""
        await self._connection.copy_records_to_table(table, columns=columns, records=records)

    async def notify(self, channel: str) -> None:
        """Tell every process that listens, when this transaction is committed."""
        await self._connection.execute("SELECT pg_notify($1, '')", channel)


async def _leave_clean(connection: asyncpg.Connection) -> None:
    # asyncpg's own reset is one more round trip per request; we set nothing on a connection that would need it. A statement
    # that was cancelled may still be on its way out: an idle one waits for that.
    await connection.execute("ROLLBACK" if connection.is_in_transaction() else "SELECT", timeout=_CLEAN_SECONDS)


_OF_DATABASE: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


def _is_lost(connection: asyncpg.Connection) -> bool:
    """Whether its other end has gone. The pool then takes it back by itself, and not even this may be asked of it any more."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


class Database:
    """A pool of connections to one PostgreSQL database.

    url       postgresql:// or postgresql+asyncpg://, a socket directory may stand in ?host=
    patience  seconds after which whoever waits looks whether the database answers anybody
    """

    def __init__(self, url: str, *, pool_size: int = 10, patience: float = _PATIENCE_SECONDS) -> None:
        self.url = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._pool_size = pool_size
        self._patience = patience
        self._watch = Watch(self.url, patience)
        self._pool: asyncpg.Pool | None = None
        self._turns = asyncio.Semaphore(pool_size)
        """Whoever uses a connection has one; there are as many as PostgreSQL leaves us connections."""
        self._idle: list[asyncpg.Connection] = []
        """Connections taken from the pool, and ready for the next whose turn it is."""
        self._closing = False
        self._together: dict[Statement, Together[Any, Any]] = {}

    async def open(self) -> None:
        """Connect. Raises DatabaseUnavailable in words that name neither user nor password."""
        self._turns, self._closing = asyncio.Semaphore(self._pool_size), False
        try:
            self._pool = await asyncpg.create_pool(
                self.url,
                min_size=0,  # It opens them and counts them; those that are open lie in _idle.
                max_size=self._pool_size,
                timeout=self._patience,
                reset=_leave_clean,
                statement_cache_size=500,
                server_settings={"application_name": "ocpi-party", "timezone": "UTC", **_PLANS},
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
    async def read(self) -> AsyncIterator[ReadTx]:
        async with self._connection() as connection:
            yield ReadTx(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTx]:
        async with self._connection() as connection:
            await connection.execute("BEGIN")
            yield WriteTx(connection)
            await connection.execute("COMMIT")  # What went wrong instead is rolled back when it is given back.

    async def check_writable(self) -> None:
        """Raises DatabaseUnavailable, if nothing can be changed, as on a standby or after a failover"""
        async with self._connection() as connection:
            if await connection.fetchval("SHOW transaction_read_only") == "on":
                raise asyncpg.ReadOnlySQLTransactionError

    async def write_together(self, statement: Statement, **given: Any) -> None:
        """One statement that changes something, alone. It shares its transaction, one round trip, with what is written by the
        same statement at the same moment; it returns when that is committed."""

        async def write(many: Sequence[dict[str, Any]]) -> Sequence[None]:
            async with self._connection() as connection:
                await WriteTx(connection).run_many(statement, many)  # In one transaction, as asyncpg does it.
            return [None] * len(many)

        await self._group(statement, write).ask(given)

    async def find_together(self, statement: Statement, key: str) -> list[Row]:
        """The rows of one key. What is looked for by the same statement at the same moment shares the round trip.

        statement  takes an array of :keys; each row of its result tells its `key`
        """

        async def find(keys: Sequence[str]) -> Sequence[list[Row]]:
            found: dict[str, list[Row]] = {key: [] for key in keys}
            async with self._connection() as connection:
                for row in await ReadTx(connection).rows(statement, keys=list(found)):
                    found[row["key"]].append(row)
            return [found[key] for key in keys]

        return cast("list[Row]", await self._group(statement, find).ask(key))

    def _group(
        self, statement: Statement, run: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
    ) -> Together[Any, Any]:
        group = self._together.get(statement)
        if group is None:
            group = self._together[statement] = Together(run, lost=DatabaseUnavailable)
        return group

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
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
                    await self._pool.release(connection, timeout=_CLEAN_SECONDS)

    async def listen(
        self, channel: str, heard: Callable[[str], None], lost: Callable[[], None]
    ) -> Callable[[], Awaitable[None]]:
        """Call `heard` with the payload of each notification, on a connection of its own.

        lost     is called when that connection ends: nothing is heard from then on
        Returns  a function that stops listening
        """
        try:
            connection = await asyncpg.connect(
                self.url,
                timeout=self._patience,
                command_timeout=self._patience,
                server_settings={"application_name": "ocpi-party listen"},
            )
            await connection.add_listener(channel, lambda _connection, _pid, _channel, payload: heard(payload))
        except NOT_CONNECTED as fault:
            raise DatabaseUnavailable(not_connected(fault)) from fault
        connection.add_termination_listener(lambda _connection: lost())

        async def stop() -> None:
            if not connection.is_closed():
                with suppress(TimeoutError):
                    await connection.close(timeout=_CLEAN_SECONDS)

        return stop

    @property
    def in_use(self) -> tuple[int, int]:
        """Connections handed out, and connections open."""
        if self._pool is None:
            return 0, 0
        return self._pool.get_size() - self._pool.get_idle_size() - len(self._idle), self._pool.get_size()
