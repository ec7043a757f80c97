"""Up to which row may be read, so that none is missed: whoever writes meanwhile, also where PostgreSQL crashes."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ocpi_party.database import Database, DatabaseUnavailable, Query, ReadTx, Row, Statement
from ocpi_party.decided import Decided
from ocpi_party.embedded import EmbeddedPostgres
from ocpi_party.events import repository
from ocpi_party.events.repository import EventType
from ocpi_party.schema import migrate

pytestmark = pytest.mark.anyio

_LOGGED_AHEAD = Statement("SELECT log_cnt FROM events_seq_seq")
_GIVEN_OUT = Statement("SELECT last_value FROM events_seq_seq")
_LOG_WRITER = Statement("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")


class _Undone(Exception):
    pass


@asynccontextmanager
async def _opened(database: Database) -> AsyncIterator[Database]:
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with _opened(Database(database_url)) as opened:
        yield opened


@pytest.fixture
def crashing() -> Iterator[str]:
    """A PostgreSQL of its own, which a crash takes from nobody else; it writes its log as it does for operators."""
    with tempfile.TemporaryDirectory(prefix="ocpi-") as place:
        Path(place).chmod(0o755)
        with EmbeddedPostgres(Path(place) / "data") as postgres:
            url = postgres.url("ocpi")
            asyncio.run(migrate(url))
            yield url


def _events(database: Database) -> Decided:
    return Decided(database, "events", "seq")


async def _happens(database: Database, what: str) -> None:
    async with database.write() as tx:
        await repository.tell(tx, EventType.OBJECT_CHANGED, what, {})


async def _read(database: Database, decided: Decided, after: int) -> list[str]:
    upto = await decided.upto()
    async with database.read() as tx:
        return [row["subject"] for row in await repository.after(tx, after, upto=upto, most=100)]


class _SlowTx(ReadTx):
    """Its answers are under way for as long as somebody wants."""

    def __init__(self, tx: ReadTx, asked: asyncio.Event, arrives: asyncio.Event) -> None:
        super().__init__(tx._connection)
        self._asked, self._arrives = asked, arrives

    async def rows(self, query: Query, **given: Any) -> list[Row]:
        rows = await super().rows(query, **given)
        self._asked.set()
        await self._arrives.wait()
        return rows


class _FirstSlow(Database):
    """Who reads first gets slow answers."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked, self.arrives, self._first = asyncio.Event(), asyncio.Event(), True

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadTx]:
        first, self._first = self._first, False
        async with super().read() as tx:
            yield _SlowTx(tx, self.asked, self.arrives) if first else tx


async def test_what_one_look_has_seen_does_not_decide_what_another_has_marked_since(database_url: str) -> None:
    async with _opened(_FirstSlow(database_url)) as database:
        assert isinstance(database, _FirstSlow)
        decided = _events(database)
        before = asyncio.create_task(decided.look())
        await database.asked.wait()
        async with database.write() as slow:
            await repository.tell(slow, EventType.OBJECT_CHANGED, "first", {})
            await _happens(database, "second")
            await decided.look()
            database.arrives.set()
            await before
            meanwhile = await _read(database, decided, 0)

        assert meanwhile == []
        assert await _read(database, decided, 0) == ["first", "second"]


async def test_a_transaction_that_writes_elsewhere_holds_nothing_back(database: Database) -> None:
    async with database.write() as long:
        await long.run(Statement("INSERT INTO webhooks (url, secret) VALUES ('', '')"))
        await _happens(database, "first")

        assert await _read(database, _events(database), 0) == ["first"]


async def test_who_begins_at_the_end_waits_until_the_end_is_known(database: Database) -> None:
    decided = _events(database)
    async with database.write() as slow:
        await repository.tell(slow, EventType.OBJECT_CHANGED, "first", {})
        await _happens(database, "second")
        assert await decided.upto() == 0
        beginning = asyncio.create_task(decided.begin())

    assert await beginning == 2


async def test_a_number_that_no_event_was_committed_with_is_not_decided(database: Database) -> None:
    await _happens(database, "first")
    with suppress(_Undone):
        async with database.write() as undone:
            await repository.tell(undone, EventType.OBJECT_CHANGED, "never", {})
            raise _Undone

    assert await _events(database).upto() == 1


async def test_an_event_that_gets_its_number_again_after_a_crash_of_postgresql_is_not_missed(crashing: str) -> None:
    async with _opened(Database(crashing)) as database:
        decided = _events(database)
        async with database.read() as tx:
            writer: int = await tx.value(_LOG_WRITER)
        os.kill(writer, signal.SIGSTOP)  # From now on only a commit has the log written.
        ahead = None
        while ahead != 0:
            await _happens(database, "before")
            async with database.read() as tx:
                ahead, last = await tx.value(_LOGGED_AHEAD), await repository.last(tx)
        with suppress(DatabaseUnavailable):
            async with database.write() as lost:
                for _ in range(3):
                    await repository.tell(lost, EventType.OBJECT_CHANGED, "lost", {})
                await decided.look()
                os.kill(writer, signal.SIGKILL)
                while True:
                    await lost.value(_GIVEN_OUT)
        async with asyncio.timeout(60):
            while True:
                with suppress(DatabaseUnavailable):
                    async with database.read() as tx:
                        assert await tx.value(_GIVEN_OUT) == last
                    break
                await asyncio.sleep(0.02)
        await decided.look()

        async with database.write() as slow:
            await repository.tell(slow, EventType.OBJECT_CHANGED, "first", {})
            await _happens(database, "second")
            meanwhile = await _read(database, decided, last)

        assert meanwhile == []
        assert await _read(database, decided, last) == ["first", "second"]
