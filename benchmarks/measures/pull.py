"""Fetching a large platform's lists from another of our servers, against a loop that only fetches and parses the same pages."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

import asyncpg
import httpx
from tests.partner import basic

from benchmarks import data
from benchmarks.measures.roaming import add_tokens
from benchmarks.results import Result
from benchmarks.server import API_KEY
from benchmarks.stage import Child, Stage
from ocpi_party.modules.locations.pull import PULLED as LOCATIONS
from ocpi_party.modules.tokens.pull import PULLED as TOKENS
from ocpi_party.ocpi.modules import Role
from ocpi_party.partners import parties
from ocpi_party.partners.partner import Party

_LISTS = {"locations": ("cpo", LOCATIONS.page_size, 100_000), "tokens": ("emsp", TOKENS.page_size, 1_000_000)}


async def measure(stage: Stage) -> AsyncIterator[Result]:
    source_url, ours_url = await stage.new_database("bench_pull_source"), await stage.new_database("bench_pull")
    async with stage.database(source_url) as database:
        await data.add_parties(database)
        await data.add_partners(database, [1], push=False)
    async with stage.database(ours_url) as database, database.write() as tx:
        for role in (Role.CPO, Role.EMSP):
            await parties.add_party(tx, Party("NL", "P02", role, {"name": "P02"}))
    async with stage.server(source_url) as source, stage.server(ours_url, "all") as ours, _operator(ours) as operator:
        partner = await _connect(operator, source)
        connection = await asyncpg.connect(source_url)
        await data.add_locations(connection, stage.sized(_LISTS["locations"][2]))
        await add_tokens(connection, stage.sized(_LISTS["tokens"][2]))
        await data.settle(connection)
        await connection.close()
        for module, (role_path, page_size, count) in _LISTS.items():
            bare = await _walked(source, f"/ocpi/{role_path}/2.2.1/{module}?limit={page_size}")
            seconds = await _pulled(operator, partner, module, stage.sized(count))
            rows = stage.sized(count) / seconds
            yield Result(f"pull-{module}", rows, "1/s", bare, rows / bare)


def _operator(server: Child) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{server.port}/api", headers={"authorization": f"Bearer {API_KEY}"}, timeout=60
    )


async def _connect(ours: httpx.AsyncClient, source: Child) -> int:
    """Register with the source while its lists are empty: what is fetched on that occasion is over in a moment."""
    async with _operator(source) as theirs:
        invited = (await theirs.post("/partners", json={"name": "pulls"})).raise_for_status().json()
    known = {name: invited[name] for name in ("versions_url", "credentials_token")}
    partner: int = (await ours.post("/partners", json={"name": "source", **known})).raise_for_status().json()["id"]
    for module in _LISTS:
        await _finished(ours, partner, module, None)
    return partner


async def _walked(source: Child, path: str) -> float:
    headers = json.dumps({"authorization": basic(data.token_of(1))})
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.walk", f"http://127.0.0.1:{source.port}{path}", headers,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate()
    walked = json.loads(told)
    return float(walked["objects"] / walked["seconds"])


async def _pulled(operator: httpx.AsyncClient, partner: int, module: str, count: int) -> float:
    """Seconds from asking for it to the end."""
    before = (await _state(operator, partner, module))["finished_at"]
    started = perf_counter()
    await operator.post(f"/partners/{partner}/pull", json={"module": module, "full": True})
    done = await _finished(operator, partner, module, before)
    seconds = perf_counter() - started
    if done["objects"] != count or done["refused"]:
        raise RuntimeError(
            f"{done['objects']} of {count} {module} came, {done['refused']} were refused: nothing was measured"
        )
    return seconds


async def _finished(operator: httpx.AsyncClient, partner: int, module: str, before: str | None) -> dict[str, Any]:
    while True:
        found = await _state(operator, partner, module)
        if found["error"]:
            raise RuntimeError(f"the pull of {module} failed: {found['error']}")
        if found["finished_at"] not in (None, before):
            return found
        await asyncio.sleep(0.05)


async def _state(operator: httpx.AsyncClient, partner: int, module: str) -> dict[str, Any]:
    lists = (await operator.get(f"/partners/{partner}/sync")).raise_for_status().json()["pull"]
    return next(one for one in lists if one["module"] == module)
