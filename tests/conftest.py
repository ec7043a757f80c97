"""What every test may ask for: a database of its own on a real PostgreSQL, and a server on it."""

import asyncio
import hashlib
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from ocpi_party.embedded import EmbeddedPostgres
from ocpi_party.schema import migrate
from ocpi_party.settings import Settings
from tests.server import Server, start_server

pytest_plugins = ["tests.conformance.plugin"]

MIGRATIONS = Path(__file__).parent.parent / "migrations" / "versions"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting is made, and no .env lies here."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"OCPI_{name.upper()}", raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL where databases may be made: TEST_DATABASE_URL, else one of our own, shared by all workers."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given.replace("postgresql+asyncpg://", "postgresql://")
        return
    place = (
        Path(tempfile.gettempdir())
        / f"ocpi-party-tests-{os.getuid()}-{hashlib.sha256(str(MIGRATIONS).encode()).hexdigest()[:8]}"
    )
    with EmbeddedPostgres(place, fsync=False) as server:
        yield server.url("postgres")


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _administer(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _template(url: str) -> str:
    """The name of a migrated database to copy; the first worker makes it, the others wait."""
    text = b"".join(path.read_bytes() for path in sorted(MIGRATIONS.glob("*.py")))
    name = f"ocpi_template_{hashlib.sha256(text).hexdigest()[:12]}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock(7305)")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"DROP DATABASE IF EXISTS {name}_new WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {name}_new")
            await migrate(_named(url, f"{name}_new"))
            await connection.execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
    finally:
        await connection.close()
    return name


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    return asyncio.run(_template(postgres))


@pytest.fixture(scope="session")
def own_database(postgres: str, template: str) -> Iterator[str]:
    """The database of this worker, used by one test after the other: a copy for each test would cost more than the test."""
    name = f"ocpi_test_{uuid.uuid4().hex[:16]}"
    asyncio.run(_administer(postgres, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    yield _named(postgres, name)
    asyncio.run(_administer(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


_EMPTY = """
    DO $$
    DECLARE one record;
    BEGIN
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
        SET LOCAL session_replication_role = replica;  -- neither triggers nor foreign keys
        FOR one IN SELECT format('%I', c.relname) AS name FROM pg_class c
                    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                      AND c.relname <> 'alembic_version' LOOP
            EXECUTE 'DELETE FROM ' || one.name;
        END LOOP;
        PERFORM setval(s.oid::regclass, 1, false) FROM pg_class s
          WHERE s.relnamespace = 'public'::regnamespace AND s.relkind = 'S';
    END $$
"""


@pytest.fixture
def database_url(own_database: str) -> str:
    """A database with all tables, and nothing in them."""
    asyncio.run(_administer(own_database, _EMPTY))
    return own_database


def pytest_addoption(parser: pytest.Parser) -> None:
    where = parser.getgroup("server")
    where.addoption("--on-a-port", action="store_true", help="call our server over TCP in every test, not in process")
    where.addoption(
        "--in-process", action="store_false", dest="on_a_port", help="call our server through ASGI (the default)"
    )
    parser.addoption("--screenshots", action="store_true", help="keep pictures of the console in docs/screenshots")


BOTH = pytest.mark.parametrize("server", ["in process", "on a port"], indirect=True)
"""For tests that are run twice: through ASGI, and against a server that listens on a TCP port."""


@pytest.fixture
async def server(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """Our server, with parties NL/OWA (CPO) and NL/OWM (EMSP); pushing and pulling are done by hand."""
    default = "on a port" if request.config.getoption("on_a_port") else "in process"
    async with start_server(database_url, on_a_port=getattr(request, "param", default) == "on a port") as running:
        await running.add_party("NL", "OWA", "CPO")
        await running.add_party("NL", "OWM", "EMSP")
        yield running


NewDatabase = Callable[[], str]


@pytest.fixture
def new_database(postgres: str, template: str) -> Iterator[NewDatabase]:
    """Further databases for tests with several servers."""
    made: list[str] = []

    def make() -> str:
        made.append(f"ocpi_test_{uuid.uuid4().hex[:16]}")
        statement = f"CREATE DATABASE {made[-1]} TEMPLATE {template} STRATEGY FILE_COPY"
        with ThreadPoolExecutor(1) as beside:  # The test's own loop may be running.
            beside.submit(asyncio.run, _administer(postgres, statement)).result()
        return _named(postgres, made[-1])

    yield make
    for name in made:
        asyncio.run(_administer(postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as entered:
        yield entered
