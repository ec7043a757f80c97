"""A database that is there and does nothing for us is told as one that is away; what it can do for us is still done."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import pytest

from ocpi_party.database import Database, DatabaseUnavailable, Statement
from tests.conftest import NewDatabase
from tests.objects import a_location
from tests.partner import FakePartner
from tests.server import start_server

Administer = Callable[[str], Awaitable[None]]


@pytest.fixture
async def administer(database_url: str) -> AsyncIterator[Administer]:
    connection = await asyncpg.connect(database_url)

    async def execute(statement: str) -> None:
        await connection.execute(statement)

    yield execute
    await connection.close()


@pytest.fixture
async def role(administer: Administer) -> AsyncIterator[str]:
    """A role of this test's own, that may log in; its password is its name."""
    name = f"ocpi_test_{uuid.uuid4().hex[:16]}"
    await administer(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    yield name
    await administer(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{name}'")
    await administer(f"DROP OWNED BY {name}")
    await administer(f"DROP ROLE {name}")


@pytest.fixture
async def limited(database_url: str, role: str) -> AsyncIterator[Database]:
    """Opened as that role, by somebody with little patience."""
    there = urlsplit(database_url)
    host = there.netloc.rpartition("@")[2]
    url = urlunsplit(there._replace(netloc=f"{quote(role)}:{quote(role)}@{host}"))
    found = Database(url, pool_size=10, patience=1)
    await found.open()
    yield found
    await found.close()


async def _read(database: Database, statement: str = "SELECT 1 FROM pg_sleep(0.001)") -> int:
    async with database.read() as tx:
        return int(await tx.value(Statement(statement)))


async def _write(database: Database, statement: str) -> None:
    async with database.write() as tx:
        await tx.run(Statement(statement))


async def test_whoever_gets_no_new_connection_waits_for_one_that_there_is(
    limited: Database, role: str, administer: Administer
) -> None:
    await administer(f"ALTER ROLE {role} CONNECTION LIMIT 3")

    assert await asyncio.gather(*(_read(limited) for _ in range(200))) == [1] * 200

    assert limited.in_use == (0, 3)
    await administer(f"ALTER ROLE {role} CONNECTION LIMIT -1")
    goes_on = asyncio.Event()

    async def hold() -> None:
        async with limited.read():
            await goes_on.wait()

    holding = [asyncio.create_task(hold()) for _ in range(10)]
    async with asyncio.timeout(30):
        while limited.in_use[0] < 10:  # All that we may have, as soon as there are more again.
            await asyncio.sleep(0.01)
    goes_on.set()
    await asyncio.gather(*holding)


async def test_whoever_waits_for_a_connection_that_does_not_come_is_told_in_time(
    limited: Database, role: str, administer: Administer
) -> None:
    await administer(f"ALTER ROLE {role} CONNECTION LIMIT 1")

    async with limited.read(), asyncio.timeout(30):
        with pytest.raises(DatabaseUnavailable, match="did not give a connection in time"):
            await _read(limited)

    assert await _read(limited) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("CONNECTION LIMIT 0", "the database has no connection left for us"),
        ("NOLOGIN", "the database does not let us in"),
    ],
)
async def test_whoever_gets_no_connection_at_all_is_told_why_at_once(
    limited: Database, role: str, administer: Administer, change: str, told: str
) -> None:
    await administer(f"ALTER ROLE {role} {change}")
    await administer(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{role}'")

    for _ in range(15):  # More than there are turns.
        with pytest.raises(DatabaseUnavailable) as fault:
            await _read(limited)
    with pytest.raises(DatabaseUnavailable) as at_start:
        await Database(limited.url).open()

    assert (str(fault.value), str(at_start.value)) == (told, told)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("disk_full", "the disk of the database is full"),
        ("out_of_memory", "the database has no memory left"),
        ("io_error", "the database cannot use its disk"),
    ],
)
async def test_a_database_that_cannot_go_on_with_a_statement_is_told_as_away(
    limited: Database, code: str, told: str
) -> None:
    """Nobody can fill its disk here: a block says what PostgreSQL says then."""
    with pytest.raises(DatabaseUnavailable, match=told):
        await _write(limited, f"DO $$ BEGIN RAISE EXCEPTION 'No space left' USING ERRCODE = '{code}'; END $$")

    assert await _read(limited) == 1
    assert limited.in_use == (0, 1)


async def test_a_mistake_in_a_statement_stays_a_mistake(limited: Database) -> None:
    for statement in ("SELECT", "SELECT FROM nowhere", "SELECT 1 / 0"):
        with pytest.raises(asyncpg.PostgresError):
            await _write(limited, f"CREATE TEMPORARY TABLE one AS {statement} AS n")


async def test_a_connection_on_which_nothing_can_be_changed_is_left_for_one_where_it_can(
    limited: Database, role: str, administer: Administer
) -> None:
    """As after a failover: connections stay with the database that is the second one now."""
    uses: tuple[Callable[[], Awaitable[None]], ...] = (
        lambda: _write(limited, "CREATE TABLE never ()"),
        limited.check_writable,
    )
    for use in uses:
        async with limited.read() as tx:
            await tx.value(Statement("SET default_transaction_read_only = on"))

        with pytest.raises(DatabaseUnavailable, match="the database takes no changes, it is read-only"):
            await use()

        await limited.check_writable()


async def test_a_server_whose_database_is_read_only_says_so_and_is_not_ready(
    new_database: NewDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    url = new_database()
    name = urlsplit(url).path.lstrip("/")
    async with start_server(url) as server:
        await server.add_party("NL", "OWM", "EMSP")
        caller = (await server.connect(server.internet.add(FakePartner()))).speaking(
            ("NL", "TNM"), ("NL", "OWM"), "emsp"
        )
        elsewhere = await asyncpg.connect(url)
        await elsewhere.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await elsewhere.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await elsewhere.close()
        caplog.clear()

        ready = await server.operator.get("/health/ready")
        put = await caller.put("/locations/NL/TNM/LOC1", a_location())
        invited = await server.operator.post("/api/partners", json={"name": "another"})
        read = await server.operator.get("/api/partners")

    told = "the database takes no changes, it is read-only"
    assert (ready.status_code, ready.headers["retry-after"], ready.json()["detail"]) == (503, "5", told)
    assert (put.http_status, put.headers["retry-after"], put.status_code) == (503, "5", 3000)
    assert (invited.status_code, invited.headers["retry-after"], invited.json()["detail"]) == (503, "5", told)
    assert read.status_code == 200
    assert [(one.levelname, one.exc_info) for one in caplog.records if told in one.getMessage()] == [
        ("WARNING", None)
    ] * 2
    assert "Traceback" not in caplog.text
