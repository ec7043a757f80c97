"""Runs the migrations on the connection that the program hands over, and knows all tables for autogenerate."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from ocpi_party.console import table as console_table
from ocpi_party.database import metadata
from ocpi_party.events import table as events_table
from ocpi_party.messages import table as messages_table
from ocpi_party.modules import registry
from ocpi_party.outbox import table as outbox_table
from ocpi_party.partners import table as partners_table
from ocpi_party.pull import table as pull_table
from ocpi_party.schema import connect

TABLES_COME_FROM = (registry, console_table, events_table, messages_table, partners_table, outbox_table, pull_table)


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=False)
    with context.begin_transaction():
        context.run_migrations()


async def _alone() -> None:
    """For `alembic revision --autogenerate`, with DATABASE_URL in the environment."""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: connect(os.environ["DATABASE_URL"]))
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    asyncio.run(_alone())
