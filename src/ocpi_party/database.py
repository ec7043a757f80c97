"""The two ways to PostgreSQL: Database.read() and Database.write().

Tables and statements are SQLAlchemy's; they are compiled once and run on asyncpg's own connections, because SQLAlchemy's
asynchronous engine costs several times the query on the hot paths.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, cast

import asyncpg
from sqlalchemy import Executable, MetaData, TextClause, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as AsyncpgDialect  # noqa: N812 - it is a class
from sqlalchemy.types import UserDefinedType

from ocpi_party.away import NOT_CONNECTED, not_connected
from ocpi_party.away import DatabaseUnavailable as DatabaseUnavailable
from ocpi_party.connections import CLEAN_SECONDS, Connections
from ocpi_party.together import Together

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

_PATIENCE_SECONDS: Final = 5.0
"""A PostgreSQL that accepts connections and says nothing is as good as none."""


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's xid8: the transaction that wrote the row."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


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

    def __init__(self, connection: asyncpg.Connection) -> None:
        super().__init__(connection)
        self.announced: set[str] = set()

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

    def announce(self, channel: str) -> None:
        """Tell who hears it in this process, when this transaction is committed. Unlike `notify` it costs nothing."""
        self.announced.add(channel)


class Database:
    """One PostgreSQL database.

    url       postgresql:// or postgresql+asyncpg://, a socket directory may stand in ?host=
    patience  seconds after which whoever waits looks whether the database answers anybody
    name      under which PostgreSQL lists its connections
    """

    def __init__(
        self, url: str, *, pool_size: int = 10, patience: float = _PATIENCE_SECONDS, name: str = "ocpi-party"
    ) -> None:
        self.url = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._patience = patience
        self._connections = Connections(self.url, pool_size, patience, name)
        self._together: dict[Statement, Together[Any, Any]] = {}
        self._hearing: dict[str, Callable[[], None]] = {}

    async def open(self) -> None:
        """Connect. Raises DatabaseUnavailable in words that name neither user nor password."""
        await self._connections.open()

    async def close(self) -> None:
        await self._connections.close()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadTx]:
        async with self._connections.lent() as connection:
            yield ReadTx(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTx]:
        async with self._connections.lent() as connection:
            await connection.execute("BEGIN")
            tx = WriteTx(connection)
            yield tx
            await connection.execute("COMMIT")  # What went wrong instead is rolled back when it is given back.
        for channel in tx.announced:
            self.announce(channel)

    def hear(self, channel: str, heard: Callable[[], None]) -> None:
        """Call `heard` whenever this process has committed something that it announced on this channel."""
        self._hearing[channel] = heard

    def announce(self, channel: str) -> None:
        """The same for what was committed without a transaction of one's own."""
        if heard := self._hearing.get(channel):
            heard()

    async def check_writable(self) -> None:
        """Raises DatabaseUnavailable, if nothing can be changed, as on a standby or after a failover"""
        async with self._connections.lent() as connection:
            if await connection.fetchval("SHOW transaction_read_only") == "on":
                raise asyncpg.ReadOnlySQLTransactionError

    async def write_together(self, statement: Statement, **given: Any) -> None:
        """One statement that changes something, alone. It shares its transaction, one round trip, with what is written by the
        same statement at the same moment; it returns when that is committed."""

        async def write(many: Sequence[dict[str, Any]]) -> Sequence[None]:
            async with self._connections.lent() as connection:
                await WriteTx(connection).run_many(statement, many)  # In one transaction, as asyncpg does it.
            return [None] * len(many)

        await self._group(statement, write).ask(given)

    async def find_together(self, statement: Statement, key: str) -> list[Row]:
        """The rows of one key. What is looked for by the same statement at the same moment shares the round trip.

        statement  takes an array of :keys; each row of its result tells its `key`
        """

        async def find(keys: Sequence[str]) -> Sequence[list[Row]]:
            found: dict[str, list[Row]] = {key: [] for key in keys}
            async with self._connections.lent() as connection:
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

    async def notify(self, channel: str, payload: str) -> None:
        """Tell every process that listens, this one too."""
        async with self._connections.lent() as connection:
            await connection.execute("SELECT pg_notify($1, $2)", channel, payload)

    async def listen(
        self, heard: Mapping[str, Callable[[str], None]], lost: Callable[[], None]
    ) -> Callable[[], Awaitable[None]]:
        """Call what hears a channel with the payload of each notification, on a connection of its own.

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
            for channel in heard:
                await connection.add_listener(channel, lambda _connection, _pid, on, payload: heard[on](payload))
        except NOT_CONNECTED as fault:
            raise DatabaseUnavailable(not_connected(fault)) from fault
        connection.add_termination_listener(lambda _connection: lost())

        async def stop() -> None:
            if not connection.is_closed():
                with suppress(TimeoutError):
                    await connection.close(timeout=CLEAN_SECONDS)

        return stop

    @property
    def in_use(self) -> tuple[int, int]:
        """Connections handed out, and connections open."""
        return self._connections.in_use
