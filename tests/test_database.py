"""Connections are lent and taken back: nobody waits for ever, and what went wrong is not handed on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import asyncpg
import pytest

from ocpi_party.database import Database, DatabaseUnavailable, Statement
from tests.stalling import Line, stalling

_ONE = Statement("SELECT 1")
_PID = Statement("SELECT pg_backend_pid()")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    found = Database(database_url, pool_size=2)
    await found.open()
    yield found
    await found.close()


@pytest.fixture
async def line(database_url: str) -> AsyncIterator[Line]:
    async with stalling(database_url) as found:
        yield found


@pytest.fixture
async def far(line: Line) -> AsyncIterator[Database]:
    """The database at the other end of the line, and somebody with little patience."""
    found = Database(line.url, pool_size=2, patience=1)
    await found.open()
    yield found
    await found.close()


async def test_more_readers_than_connections_are_all_served(database: Database) -> None:
    async def read() -> int:
        async with database.read() as tx:
            return int(await tx.value(_ONE))

    assert await asyncio.gather(*(read() for _ in range(50))) == [1] * 50
    assert database.in_use == (0, 2)


async def test_a_connection_is_used_again_and_not_opened_anew(database: Database) -> None:
    pids = set()
    for _ in range(5):
        async with database.read() as tx:
            pids.add(await tx.value(_PID))

    assert len(pids) == 1


async def test_a_block_that_breaks_off_leaves_nothing_behind(database: Database) -> None:
    async def write() -> None:
        async with database.write() as tx:
            await tx.run(Statement("CREATE TABLE left_behind ()"))
            await tx.value(Statement("SELECT 1 / 0"))

    with pytest.raises(asyncpg.DivisionByZeroError):
        await write()

    async with database.read() as tx:
        assert await tx.value(Statement("SELECT to_regclass('left_behind')")) is None


async def test_a_query_that_is_cancelled_does_not_spoil_the_connection_for_the_next(database: Database) -> None:
    async def wait() -> None:
        async with database.read() as tx:
            await tx.value(Statement("SELECT pg_sleep(60)"))

    waiting = [asyncio.create_task(wait()) for _ in range(2)]
    while database.in_use[0] < 2:
        await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    async with database.read() as tx:
        assert await tx.value(_ONE) == 1


async def test_a_connection_that_the_database_closed_is_replaced(database: Database) -> None:
    async def end_own_connection() -> None:
        async with database.read() as tx:
            await tx.value(Statement("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(DatabaseUnavailable):
        await end_own_connection()

    async with database.read() as tx:
        assert await tx.value(_ONE) == 1


async def _terminate(database_url: str, *pids: int) -> None:
    """As when PostgreSQL dies: whoever was connected hears of it when the event loop turns."""
    other = await asyncpg.connect(database_url)
    for pid in pids:
        await other.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    await other.close()


async def test_a_connection_that_died_while_nobody_used_it_is_replaced(database: Database, database_url: str) -> None:
    async def pid() -> int:
        async with database.read() as tx:
            return int(await tx.value(_PID))

    for _ in range(20):
        before = await pid()
        await _terminate(database_url, before)
        with suppress(DatabaseUnavailable):  # Whoever asks in the very moment may be told so.
            await pid()

        assert await pid() != before


async def test_a_transaction_whose_connection_dies_is_told_that_the_database_is_away(
    database: Database, database_url: str
) -> None:
    async def write() -> None:
        async with database.write() as tx:
            await _terminate(database_url, await tx.value(_PID))
            await tx.run_many(Statement("SELECT :n"), [{"n": "1"}, {"n": "2"}])

    for _ in range(5):
        with pytest.raises(DatabaseUnavailable):
            await write()

    async with database.read() as tx:
        assert await tx.value(_ONE) == 1
    assert database.in_use[0] == 0


async def test_a_block_that_does_not_notice_ends_well_if_nothing_was_to_be_written(
    database: Database, database_url: str
) -> None:
    async with database.read() as tx:
        await _terminate(database_url, await tx.value(_PID))

    async with database.read() as tx:
        assert await tx.value(_ONE) == 1


async def test_closing_waits_for_what_is_still_lent(database: Database) -> None:
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def read() -> int:
        async with database.read() as tx:
            begun.set()
            await goes_on.wait()
            return int(await tx.value(_ONE))

    reading = asyncio.create_task(read())
    await begun.wait()
    closing = asyncio.create_task(database.close())
    goes_on.set()
    await closing

    assert await reading == 1


async def _read(database: Database) -> None:
    async with database.read() as tx:
        await tx.value(_ONE)


async def _write(database: Database) -> None:
    async with database.write() as tx:
        await tx.value(_ONE)


@pytest.mark.parametrize("use", [_read, _write])
async def test_whoever_gives_up_on_a_database_that_hangs_is_not_held(
    line: Line, use: Callable[[Database], Awaitable[None]]
) -> None:
    database = Database(line.url, pool_size=2)
    await database.open()
    await asyncio.gather(use(database), use(database))
    line.stall()

    async with asyncio.timeout(30):
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await use(database)

    line.flow()
    await use(database)
    async with asyncio.timeout(30):
        await database.close()


@pytest.mark.parametrize("use", [_read, _write])
async def test_nobody_waits_for_ever_for_a_database_that_hangs(
    line: Line, far: Database, use: Callable[[Database], Awaitable[None]]
) -> None:
    await asyncio.gather(use(far), use(far))
    line.stall()

    async with asyncio.timeout(30):
        told = await asyncio.gather(*(use(far) for _ in range(5)), return_exceptions=True)

    assert [type(one) for one in told] == [DatabaseUnavailable] * 5
    line.flow()
    await use(far)


async def test_what_is_written_together_does_not_wait_for_ever_for_a_database_that_hangs(
    line: Line, far: Database
) -> None:
    await _read(far)
    line.stall()

    async with asyncio.timeout(30):
        with pytest.raises(DatabaseUnavailable):
            await far.find_together(Statement("SELECT key FROM unnest(CAST(:keys AS text[])) AS one(key)"), "a")


async def test_a_slow_statement_is_waited_for_as_long_as_the_database_answers_others(database_url: str) -> None:
    database = Database(database_url, patience=1)
    await database.open()

    async with database.write() as tx:
        assert await tx.value(Statement("SELECT true FROM pg_sleep(3)"))

    await database.close()


async def test_a_database_that_hangs_is_left_all_the_same(line: Line) -> None:
    database = Database(line.url, pool_size=2, patience=1)
    await database.open()
    await _read(database)
    stop = await database.listen({"anything": lambda _payload: None}, lambda: None)
    line.stall()

    async with asyncio.timeout(30):
        await stop()
        await database.close()
    assert database.in_use == (0, 0)
