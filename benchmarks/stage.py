"""What a benchmark stands on: a PostgreSQL as durable as in an installation, databases, and processes that are ended again."""

import asyncio
import json
import os
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from benchmarks.load import Measured, Request, Slice, run_plan
from ocpi_party.database import Database
from ocpi_party.embedded import EmbeddedPostgres
from ocpi_party.schema import migrate


@dataclass(frozen=True, slots=True)
class Child:
    """A process of ours. told  what it said when it was ready"""

    process: asyncio.subprocess.Process
    told: dict[str, Any]

    @property
    def port(self) -> int:
        port: int = self.told["port"]
        return port

    @property
    def resident_mib(self) -> float:
        """Memory that the process holds now, in MiB; 0 where the system does not say."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0.0
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def ask(self, path: str, headers: dict[str, str] | None = None) -> tuple[dict[str, str], bytes]:
        """Headers, in lower case, and body of one GET."""
        return ask(f"http://127.0.0.1:{self.port}{path}", headers)

    async def load(self, kinds: dict[str, list[Request]], slices: list[Slice]) -> list[Measured]:
        return await run_plan(self.port, kinds, slices)


def ask(url: str, headers: dict[str, str] | None = None) -> tuple[dict[str, str], bytes]:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=60) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}, answer.read()


@dataclass(slots=True)
class Stage:
    """scale  1 for the sizes of the issue; smaller for a quick look"""

    postgres: str
    scale: float
    rounds: int
    seconds: float
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def sized(self, count: int) -> int:
        return max(int(count * self.scale), 1)

    async def new_database(self, name: str) -> str:
        """An empty one, migrated."""
        connection = await asyncpg.connect(self.postgres)
        try:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        url = urlunsplit(urlsplit(self.postgres)._replace(path=f"/{name}"))
        await migrate(url)
        return url

    @asynccontextmanager
    async def database(self, url: str) -> AsyncIterator[Database]:
        database = Database(url)
        await database.open()
        try:
            yield database
        finally:
            await database.close()

    @asynccontextmanager
    async def server(
        self, database_url: str, kind: str = "api", *, counting: bool = False, **settings: object
    ) -> AsyncIterator[Child]:
        """kind  api, all (API and workers), or push (workers alone)"""
        given = {"database_url": database_url, "kind": kind, "counting": counting, "settings": settings}
        async with child("benchmarks.server", json.dumps(given)) as running:
            yield running


@asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[Child]:
    """A Python process that says in a line of JSON when it is ready; it is ended when the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"{module} ended before it was ready; its words are above")
        yield Child(process, json.loads(line))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def stage(*, scale: float, rounds: int, seconds: float) -> AsyncIterator[Stage]:
    place = Path(os.environ.get("OCPI_BENCH_DIR") or Path(tempfile.gettempdir()) / f"ocpi-party-bench-{os.getuid()}")
    with EmbeddedPostgres(place, fsync=True) as postgres:
        yield Stage(postgres.url("postgres"), scale, rounds, seconds)
