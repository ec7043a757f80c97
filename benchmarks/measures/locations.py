"""Reading Locations: pages at any depth, and one EVSE."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
from tests.partner import basic

from benchmarks import data
from benchmarks.load import Request, Slice
from benchmarks.results import Result, cost, rate
from benchmarks.server import reference_path
from benchmarks.stage import Child, Stage

LOCATIONS = "/ocpi/cpo/2.2.1/locations"
HEADERS = {"authorization": basic(data.token_of(1)), "x-request-id": "bench", "x-correlation-id": "bench"}
_NEXT = re.compile(r"<([^>]*)>")


def get(path: str) -> Request:
    return Request("GET", path, HEADERS)


def like(server: Child, path: str, shape: str) -> Request:
    """Constant bytes of the size of what is answered at this path."""
    _, body = server.ask(path, HEADERS)
    return get(reference_path(len(body), shape))


def in_turn(stage: Stage, *kinds: str) -> list[Slice]:
    """Each kind for a moment, then the next one, round by round; the first round is for warming up."""
    return [Slice(kind, stage.seconds) for _ in range(stage.rounds) for kind in kinds]


async def measure(stage: Stage) -> AsyncIterator[Result]:
    url = await stage.new_database("bench_locations")
    count = stage.sized(100_000)
    connection = await asyncpg.connect(url)
    await data.add_locations(connection, count)
    await data.settle(connection)
    await connection.close()
    async with stage.database(url) as database:
        await data.add_parties(database)
        await data.add_partners(database, [1])
    async with stage.server(url) as server:
        async for result in _pages(stage, server, count):
            yield result
        yield await _one_evse(stage, server, count)
    async with stage.server(url) as server:
        before = server.resident_mib
        _walk(server, count)
        yield Result("locations-memory-after-all-pages", server.resident_mib, "MiB")
        yield Result("locations-memory-at-start", before, "MiB")


async def _pages(stage: Stage, server: Child, count: int) -> AsyncIterator[Result]:
    first, depth = f"{LOCATIONS}?limit={data.PAGE}", count * 9 // 10
    by_link, by_offset = _walk(server, depth), f"{LOCATIONS}?limit={data.PAGE}&offset={depth}"
    kinds = {
        "reference": [like(server, first, "page")],
        "first": [get(first)],
        "by link": [get(by_link)],
        "by offset": [get(by_offset)],
        "anywhere": [get(f"{first}&offset={offset}") for offset in range(0, count - data.PAGE, 37 * data.PAGE)],
    }
    measured = await server.load(kinds, in_turn(stage, *kinds))
    yield rate("locations-page-100", measured, "first", "reference", at_least=0.5)
    yield rate("locations-page-100-at-any-offset", measured, "anywhere", "reference")
    yield cost("locations-page-deep-by-link", measured, "by link", "first", at_most=1.2)
    yield cost("locations-page-deep-by-offset", measured, "by offset", "first", at_most=3)


def _walk(server: Child, depth: int) -> str:
    """Follow Link from the first page: the path of the page at this depth, or of the last one."""
    path = f"{LOCATIONS}?limit={data.PAGE}"
    for _ in range(depth // data.PAGE):
        headers, _ = server.ask(path, HEADERS)
        if "link" not in headers:
            break
        path = _path(headers["link"])
    return path


def _path(link: str) -> str:
    found = _NEXT.match(link)
    assert found is not None
    parts = urlsplit(found[1])
    return f"{parts.path}?{parts.query}"


async def _one_evse(stage: Stage, server: Child, count: int) -> Result:
    paths = [f"{LOCATIONS}/LOC{number}/LOC{number}-1" for number in range(1, count, max(count // 5000, 1))]
    kinds = {"reference": [like(server, paths[0], "object")], "evse": [get(path) for path in paths]}
    return rate("evse-get", await server.load(kinds, in_turn(stage, *kinds)), "evse", "reference", at_least=0.4)
