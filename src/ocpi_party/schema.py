"""The database's schema: brought up to date under a lock, and compared with what this code expects."""

from functools import cache

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ocpi_party.database import Database, DatabaseUnavailable, ReadTx, Statement
from ocpi_party.shipped import shipped

_LOCK = 0x6F637069
"""Number of the advisory lock: of several processes that start at once, one migrates and the others wait."""


_HAS_VERSION = Statement("SELECT to_regclass('alembic_version') IS NOT NULL")
_VERSION = Statement("SELECT version_num FROM alembic_version")


class SchemaAhead(Exception):
    """The database was migrated by a newer version of this program."""


class SchemaBehind(Exception):
    """The database lacks migrations that this version needs."""


def _config(connection: Connection | None = None) -> Config:
    config = Config(shipped("alembic.ini"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
    try:
        _refuse_unknown(MigrationContext.configure(connection).get_current_revision())
        command.upgrade(_config(connection), "head")
        connection.commit()
    finally:
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})


def _refuse_unknown(current: str | None) -> None:
    if current is not None and current not in _revisions():
        raise SchemaAhead(
            f"the database is at migration {current}, which this version does not know: start the newer version, "
            "or restore the backup made before the upgrade"
        )


@cache
def _revisions() -> tuple[str, ...]:
    """All migrations of this code, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def head() -> str:
    """The migration that this code expects."""
    return _revisions()[0]


async def check(tx: ReadTx) -> None:
    """Compare the schema with what this code expects. Raises SchemaBehind, SchemaAhead"""
    current = await tx.value(_VERSION) if await tx.value(_HAS_VERSION) else None
    _refuse_unknown(current)
    if current != head():
        at = f"at migration {current}" if current else "empty"
        raise SchemaBehind(f"the database is {at} and this version needs {head()}: run ocpi-party migrate")


async def check_database(url: str) -> None:
    """As check(), for a database that nobody has opened yet. Raises DatabaseUnavailable too"""
    database = Database(url, pool_size=1)
    await database.open()
    try:
        async with database.read() as tx:
            await check(tx)
    finally:
        await database.close()


async def connect(url: str) -> asyncpg.Connection:
    """For SQLAlchemy, which would not understand all that a URL may say (sslmode, options): asyncpg reads it, as everywhere."""
    return await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://", 1))


async def migrate(url: str) -> None:
    """Bring the schema up to date. Raises DatabaseUnavailable, SchemaAhead"""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: connect(url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError) as fault:
        raise DatabaseUnavailable(f"the database cannot be migrated: {type(fault).__name__}: {fault}") from fault
    finally:
        await engine.dispose()
