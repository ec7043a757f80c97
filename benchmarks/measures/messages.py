"""What the message log costs those who are answered: pages from a server that keeps it, and from one that does not."""

from collections.abc import AsyncIterator

import asyncpg

from benchmarks import data
from benchmarks.load import Measured, Slice
from benchmarks.measures.locations import LOCATIONS, get
from benchmarks.results import Result, rate
from benchmarks.stage import Stage


async def measure(stage: Stage) -> AsyncIterator[Result]:
    url = await stage.new_database("bench_messages")
    connection = await asyncpg.connect(url)
    await data.add_locations(connection, stage.sized(10_000))
    await data.settle(connection)
    await connection.close()
    async with stage.database(url) as database:
        await data.add_parties(database)
        await data.add_partners(database, [1])
    page = get(f"{LOCATIONS}?limit={data.PAGE}")
    measured: list[Measured] = []
    for _ in range(stage.rounds):
        # Two processes of the same code differ by some per cent, for as long as they live: so each pair is a new one.
        async with stage.server(url) as kept, stage.server(url, message_log_days=0) as silent:
            pair = [("kept", kept), ("silent", silent)]
            for kind, server in [*pair, *reversed(pair)] * 2:
                measured += await server.load({kind: [page]}, [Slice(kind, stage.seconds)])
    yield rate("locations-page-with-message-log", measured, "kept", "silent", at_least=0.95)
