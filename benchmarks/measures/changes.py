"""Changing EVSEs: a partner its own, we ours, and how soon a partner hears of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from time import perf_counter

import asyncpg
import httpx

from benchmarks import data
from benchmarks.load import Request, Slice, quantile
from benchmarks.measures.locations import HEADERS, in_turn
from benchmarks.measures.push import Arrival, arrived_at
from benchmarks.results import Result, rate
from benchmarks.server import API_KEY, reference_path
from benchmarks.stage import Child, Stage, child
from ocpi_party.ocpi.types import now, wire_time

PARTNERS = 10
OPERATOR = {"authorization": f"Bearer {API_KEY}"}
ROUTED = HEADERS | {
    "ocpi-from-country-code": "NL",
    "ocpi-from-party-id": "P01",
    "ocpi-to-country-code": "NL",
    "ocpi-to-party-id": data.OUR_EMSP,
}
# The same for all: what is older than the state that we have would be refused.
_AT = wire_time(now())
_STATUSES = ("CHARGING", "BLOCKED", "RESERVED")


async def measure(stage: Stage) -> AsyncIterator[Result]:
    url = await stage.new_database("bench_changes")
    count = stage.sized(10_000)
    async with child("benchmarks.partner", str(PARTNERS)) as partners:
        async with stage.database(url) as database:
            await data.add_parties(database)
            [first, *_] = await data.add_partners(database, partners.told["ports"])
        connection = await asyncpg.connect(url)
        await data.add_locations(connection, count)
        await data.add_locations(connection, count, partner_id=first)
        await data.settle(connection)
        await connection.close()
        kinds = {
            "reference": [Request("PATCH", reference_path(200, "object"), HEADERS, _body("CHARGING"))],
            "theirs": list(_theirs(count)),
            "ours": list(_ours(count)),
        }
        async with stage.server(url) as server:
            measured = await server.load(kinds, in_turn(stage, *kinds))
            yield rate("evse-patch-by-partner", measured, "theirs", "reference")
            yield rate("evse-status-with-10-partners", measured, "ours", "reference")
        async with stage.server(url, counting=True) as server:
            for kind, name in (("theirs", "evse-patch-by-partner"), ("ours", "evse-status-with-10-partners")):
                async for result in _asked_of_database(server, name, kinds[kind]):
                    yield result
        connection = await asyncpg.connect(url)
        await connection.execute("DELETE FROM outbox_marks")
        await connection.close()
        arrived_at(partners)
        async with stage.server(url, "all") as server:
            async for result in _latency(server, partners):
                yield result


def _body(status: str) -> str:
    return json.dumps({"status": status, "last_updated": _AT})


def _theirs(count: int) -> Iterator[Request]:
    for status in _STATUSES:
        for number in range(1, count, max(count // 1000, 1)):
            path = f"/ocpi/emsp/2.2.1/locations/NL/P01/LOC{number}/LOC{number}-1"
            yield Request("PATCH", path, ROUTED, _body(status))


def _ours(count: int) -> Iterator[Request]:
    for status in _STATUSES:
        for number in range(1, count, max(count // 1000, 1)):
            path = f"/api/locations/NL/{data.OUR_CPO}/LOC{number}/LOC{number}-1"
            yield Request("PATCH", path, OPERATOR, json.dumps({"status": status}))


async def _asked_of_database(server: Child, name: str, requests: list[Request]) -> AsyncIterator[Result]:
    many = [Slice("it", 30, connections=1, most=200)]
    await server.load({"it": requests[:1000]}, many)
    before = json.loads(server.ask("/facts")[1])
    [measured] = await server.load({"it": requests[1000:2000]}, many)
    after = json.loads(server.ask("/facts")[1])
    for what in ("queries", "commits"):
        yield Result(f"{name}-{what}", (after[what] - before[what]) / measured.count, f"{what} a request")


async def _latency(server: Child, partners: Child) -> AsyncIterator[Result]:
    """From the operator's request to the arrival at each partner, one change after the other."""
    asked: dict[str, float] = {}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=OPERATOR, trust_env=False) as http:
        for number in range(1, 201):
            path = f"/NL/{data.OUR_CPO}/LOC{number}/LOC{number}-0"
            asked[path] = perf_counter()
            answer = await http.patch(f"/api/locations{path}", json={"status": "INOPERATIVE"})
            answer.raise_for_status()
            await asyncio.sleep(0.02)  # Fifty changes a second.
        await asyncio.sleep(1)
    waits = sorted(_waits(asked, arrived_at(partners)))
    if len(waits) < len(asked) * PARTNERS:
        raise RuntimeError(f"{len(asked) * PARTNERS - len(waits)} changes did not arrive")
    yield Result("evse-status-arrival-median", quantile(waits, 0.5) * 1000, "ms")
    yield Result("evse-status-arrival-p99", quantile(waits, 0.99) * 1000, "ms")


def _waits(asked: dict[str, float], arrived: list[Arrival]) -> Iterator[float]:
    for at, _, url, _, _ in arrived:
        path = url.partition("/receiver/locations")[2]
        if path in asked:
            yield at - asked[path]
