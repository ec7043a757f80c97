"""This installation as a command finds it: settings, keys, database. Nobody below the command line reads settings."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import uvloop
from pydantic import ValidationError

from ocpi_party import schema
from ocpi_party.app import create_app
from ocpi_party.cli import logs
from ocpi_party.cli.failure import Failed, wrong_settings
from ocpi_party.database import Database, DatabaseUnavailable
from ocpi_party.embedded import EmbeddedPostgres
from ocpi_party.keys import Keys, keys
from ocpi_party.partners import secret_key
from ocpi_party.partners.secrets import Vault
from ocpi_party.server import App
from ocpi_party.settings import Settings, listening_on

T = TypeVar("T")


@dataclass(frozen=True)
class Installation:
    """Everything a process of this installation needs; it can be sent to a child process."""

    settings: Settings
    keys: Keys
    database_url: str

    def app(self, *, workers: bool) -> App:
        """workers  push and pull too"""
        return create_app(
            self.settings,
            database_url=self.database_url,
            secret_key=self.keys.secret_key.get_secret_value(),
            api_key=self.keys.api_key.get_secret_value(),
            workers=workers,
        )

    def listening_on(self, port: int) -> "Installation":
        """As it is when the operating system has chosen the port."""
        return replace(self, settings=listening_on(self.settings, port))


def read_settings() -> Settings:
    """Raises Failed, with every setting that cannot be used"""
    try:
        return Settings()
    except ValidationError as error:
        raise wrong_settings(error) from error
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Failed(f"the file .env in the working directory cannot be read ({why}).") from error


@contextmanager
def installation(settings: Settings | None = None) -> Iterator[Installation]:
    """The installation with its database running; what we started is stopped in the end.

    Raises  Failed, SettingsError, EmbeddedPostgresError
    """
    settings = settings or read_settings()
    found = keys(settings)
    if settings.database_url is not None:
        yield Installation(settings, found, settings.database_url)
        return
    with EmbeddedPostgres(settings.data_dir, bindir=settings.pg_bindir) as postgres:
        yield Installation(settings, found, postgres.start())


async def prepare(here: Installation, *, migrate: bool, any_key: bool = False) -> None:
    """The database is one to work on: it has the schema of this version, and belongs to our secret key.

    any_key  it may belong to another
    Raises  Failed, if it cannot be reached; SchemaBehind, SchemaAhead, WrongSecretKey
    """
    await (migrate_database if migrate else check_schema)(here)
    if not any_key:
        await check_secret_key(here)


async def check_schema(here: Installation) -> None:
    """Raises Failed, if it cannot be reached; SchemaBehind, SchemaAhead"""
    try:
        await schema.check_database(here.database_url)
    except DatabaseUnavailable as fault:
        raise Failed(unreachable(here.database_url, fault)) from fault
    except schema.SchemaBehind as fault:
        if not here.settings.embedded:
            raise
        # Whoever runs api and worker apart rarely means the embedded one.
        place = f"DATABASE_URL is not set: this is the embedded database in {here.settings.data_dir.resolve()}"
        raise schema.SchemaBehind(f"{fault}. {place}") from fault


async def migrate_database(here: Installation) -> None:
    """Raises Failed, if it cannot be reached; SchemaAhead"""
    with suppress(schema.SchemaBehind):
        await check_schema(here)
        return
    await schema.migrate(here.database_url)


async def check_secret_key(here: Installation) -> None:
    """The first key that a database meets is noted in it. Raises Failed, if it cannot be reached; WrongSecretKey"""
    database = Database(here.database_url, pool_size=1)
    try:
        await database.open()
        async with database.write() as tx:
            await secret_key.claim(tx, Vault(here.keys.secret_key.get_secret_value()))
    except DatabaseUnavailable as fault:
        raise Failed(unreachable(here.database_url, fault)) from fault
    except secret_key.WrongSecretKey as fault:
        settings = here.settings
        key = f"the key in {settings.data_dir.resolve() / 'secret-key'}"
        key, mend = ("OCPI_SECRET_KEY", "set") if settings.secret_key is not None else (key, "put back")
        raise secret_key.WrongSecretKey(
            f"{key} is not the one that this database belongs to, and does not open what is stored in it: {mend} the one that "
            "was used before. If that is lost for good, ocpi-party rekey goes on with this one"
        ) from fault
    finally:
        await database.close()


def unreachable(url: str, fault: DatabaseUnavailable) -> str:
    """Words that name the place and neither user nor password."""
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port or 5432}" if parts.hostname else "its unix socket"
    return f"{fault}, at {place}, database {parts.path.lstrip('/') or 'of the user’s name'}. Check DATABASE_URL."


@asynccontextmanager
async def opened(*, any_key: bool = False) -> AsyncIterator[App]:
    """The house for one command: its database and its client to partners, without any worker. any_key  as for prepare()"""
    with installation() as here:
        # What is ours alone is migrated; a database that others may use too is only compared.
        await prepare(here, migrate=here.settings.embedded, any_key=any_key)
        app = here.app(workers=False)
        async with app.running(workers=False):
            yield app


def run(work: Callable[[App], Awaitable[T]], *, any_key: bool = False) -> T:
    """Do the work of one command on the opened house. any_key  as for prepare()"""

    async def doing() -> T:
        async with opened(any_key=any_key) as app:
            return await work(app)

    logs.configure("error", plain=True)
    return unwound(doing())


def unwound(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end. SIGTERM ends it as Ctrl-C does: what it holds is given back, and what it started is stopped."""

    async def working() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return uvloop.run(working())
    except asyncio.CancelledError:
        raise SystemExit(128 + signal.SIGTERM) from None
