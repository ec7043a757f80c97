"""Telling many partners of many changes: the worker against bare requests."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from benchmarks import data
from benchmarks.results import Result
from benchmarks.stage import Child, Stage, ask, child
from ocpi_party.database import Database
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import now, wire_time
from ocpi_party.outbox import marking

PARTNERS = 20
Arrival = tuple[float, str, str, list[tuple[str, str]], str]
"""Moment, method, URL, headers and body, as benchmarks.partner remembers them."""


async def measure(stage: Stage) -> AsyncIterator[Result]:
    changes = stage.sized(20_000) // PARTNERS
    url = await stage.new_database("bench_push")
    connection = await asyncpg.connect(url)
    await data.add_locations(connection, changes)
    await data.settle(connection)
    await connection.close()
    pairs = []
    async with child("benchmarks.partner", str(PARTNERS)) as partners, stage.database(url) as database:
        await data.add_parties(database)
        await data.add_partners(database, partners.told["ports"])
        for _ in range(2):
            await _mark(database, changes)
            arrived = await _pushed(stage, url, partners, changes * PARTNERS)
            again = await _bare(partners, arrived)
            pairs.append((_rate(arrived), _rate(again)))
    ratio = median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (median(pair[side] for pair in pairs) for side in (0, 1))
    yield Result("push-fanout", ours, "1/s", theirs, ratio, at_least=0.5)


async def _mark(database: Database, changes: int) -> None:
    """A new status of one EVSE in each Location, that no partner knows."""
    at = wire_time(now())
    async with database.write() as tx:
        for number in range(1, changes + 1):
            patch = {"status": "CHARGING", "last_updated": at}
            ref = f"NL*{data.OUR_CPO}/LOC{number}/LOC{number}-1"
            await marking.mark(tx, ModuleId.LOCATIONS, ref, owner=f"NL*{data.OUR_CPO}", patch=patch)


async def _pushed(stage: Stage, url: str, partners: Child, count: int) -> list[Arrival]:
    async with stage.server(url, "push"):
        while json.loads(_control(partners, "count")) < count:
            await asyncio.sleep(0.5)
    return arrived_at(partners)


async def _bare(partners: Child, arrived: list[Arrival]) -> list[Arrival]:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "requests.json"
        file.write_text(json.dumps([(method, url, _given(headers), body) for _, method, url, headers, body in arrived]))
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.bare", str(file))
        if await process.wait():
            raise RuntimeError("the bare requests failed; the words are above")
    return arrived_at(partners)


def _given(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in ("host", "content-length", "connection")]


def _control(partners: Child, what: str) -> Any:
    return ask(f"http://127.0.0.1:{partners.told['ports'][0]}/-/{what}")[1]


def arrived_at(partners: Child) -> list[Arrival]:
    return [tuple(one) for one in json.loads(_control(partners, "log"))]


def _rate(arrived: list[Arrival]) -> float:
    return (len(arrived) - 1) / (arrived[-1][0] - arrived[0][0])
