"""A server that keeps messages."""

from collections.abc import AsyncIterator

import pytest
from tests.server import Server, start_server


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Server]:
    async with start_server(database_url, message_log_days=30) as running:
        await running.add_party("NL", "OWA", "CPO")
        await running.add_party("NL", "OWM", "EMSP")
        yield running
