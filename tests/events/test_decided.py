"""Up to which event may be read, so that none is missed: also where transactions are undone, and PostgreSQL crashes."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from ocpi_party.database import Database, DatabaseUnavailable, Statement
from ocpi_party.embedded import EmbeddedPostgres
from ocpi_party.events import repository
from ocpi_party.events.decided import Decided
from ocpi_party.events.repository import EventType
from ocpi_party.schema import migrate

pytestmark = pytest.mark.anyio

_LOGGED_AHEAD = Statement("SELECT log_cnt FROM events_seq_seq")
_GIVEN_OUT = Statement("SELECT last_value FROM events_seq_seq")
_LOG_WRITER = Statement("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")


class _Undone(Exception):
    pass


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with _opened(database_url) as opened:
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


async def _happens(database: Database, what: str) -> None:
    async with database.write() as tx:
        await repository.tell(tx, EventType.OBJECT_CHANGED, what, {})


async def _read(database: Database, decided: Decided, after: int) -> list[str]:
    upto = await decided.upto()
    async with database.read() as tx:
        return [row["subject"] for row in await repository.after(tx, after, upto=upto, most=100)]


async def test_a_number_that_no_event_was_committed_with_is_not_decided(database: Database) -> None:
    await _happens(database, "first")
    with suppress(_Undone):
        async with database.write() as undone:
            await repository.tell(undone, EventType.OBJECT_CHANGED, "never", {})
            raise _Undone

    assert await Decided(database).upto() == 1


async def test_an_event_that_gets_its_number_again_after_a_crash_of_postgresql_is_not_missed(crashing: str) -> None:
    async with _opened(crashing) as database:
        decided = Decided(database)
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
