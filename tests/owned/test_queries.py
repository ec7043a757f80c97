"""A request asks the database a fixed number of times, however many objects it is about."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
import pytest
from benchmarks.data import add_locations
from tests.partner import Caller, FakePartner
from tests.server import Server, start_server

pytestmark = pytest.mark.anyio

Queries = list[str]


@asynccontextmanager
async def _listening(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Server, Queries]]:
    """A server, and every query that it sends to the database from now on."""
    queries: Queries = []

    class Logged(asyncpg.Connection):  # type: ignore[misc]  # asyncpg is untyped
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.add_query_logger(lambda record: queries.append(record.query))

    monkeypatch.setattr(asyncpg, "create_pool", partial(asyncpg.create_pool, connection_class=Logged))
    async with start_server(database_url) as server:
        await server.add_party("NL", "OWA", "CPO")
        yield server, queries


async def _page(reader: Caller, queries: Queries, limit: int, **params: str) -> tuple[int, int]:
    """How many objects a page had, and how many queries they took; who asks is looked up once in a while beside it."""
    queries.clear()
    answer = await reader.get("/locations", params={"limit": str(limit), **params})
    return len(answer.data), sum("locations" in query for query in queries)


@pytest.mark.requirement("PAG-04", "PAG-05")
async def test_page_of_hundred_takes_as_many_queries_as_page_of_ten(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _listening(database_url, monkeypatch) as (server, queries):
        connection = await asyncpg.connect(database_url)
        await add_locations(connection, 300)
        await connection.close()
        reader = await server.connect(server.internet.add(FakePartner(roles=(("EMSP", "DE", "TNM"),))))
        reader = reader.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
        await _page(reader, queries, 1)

        ten, hundred = await _page(reader, queries, 10), await _page(reader, queries, 100, offset="100")
        window = await _page(reader, queries, 100, offset="100", date_from="2025-01-01T00:00:00Z")
        again = await _page(reader, queries, 100, offset="100")

        assert ten == (10, 2)  # which objects, and those of them that are not at hand
        assert hundred == (100, 2)
        assert window == (100, 3)  # its total, all, which objects; these are at hand
        assert again == (100, 1)
