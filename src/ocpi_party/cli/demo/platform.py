"""One of the two platforms: a server process with its own port, data and keys, and its operator's API."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from ocpi_party.cli.demo.program import Program
from ocpi_party.cli.failure import Failed
from ocpi_party.settings import Settings, variable

START_SECONDS = 60
STOP_SECONDS = 20

_SETTINGS = {
    "HOST": "127.0.0.1",
    "OCPI_RETRY_MAX_SECONDS": "1",  # Nobody wants to watch five minutes of backing off.
    "OCPI_PAGE_SIZE_MAX": "50",  # So that a list has more than one page.
    "OCPI_LOG_LEVEL": "warning",
}


class Side(NamedTuple):
    name: str
    role: str
    country_code: str
    party_id: str
    operator: str


class Refused(Exception):
    """The operator's API answered with an error. status  of HTTP"""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass
class Platform:
    """
    commands  of ocpi-party, a process each; the first of them answers requests
    settings  variables, in place of those that all platforms have
    """

    side: Side
    directory: Path
    port: int = field(default_factory=lambda: free_port())
    commands: Sequence[Sequence[str]] = (("serve",),)
    settings: Mapping[str, str] = field(default_factory=dict)
    programs: list[Program] = field(default_factory=list)
    _api: httpx.AsyncClient | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key_file(self) -> Path:
        return self.directory / "data" / "api-key"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def pid(self) -> int:
        return self.programs[0].pid

    async def start(self) -> None:
        """Start the processes that do not run, and wait until the server is ready. Raises Failed"""
        self._spawn()
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._is_ready():
                    if not all(program.runs() for program in self.programs):
                        raise Failed(f"the {self.side.name} did not start: {self._end_of_log()}")
                    await asyncio.sleep(0.02)
        except TimeoutError as late:
            raise Failed(f"the {self.side.name} was not ready within {START_SECONDS} seconds") from late
        key = self.key_file.read_text().strip()
        await self.forget_connections()
        self._api = httpx.AsyncClient(
            base_url=self.url, headers={"authorization": f"Bearer {key}"}, timeout=30, trust_env=False
        )

    def _spawn(self) -> None:
        self.directory.mkdir(mode=0o711, exist_ok=True)
        if not self.programs:
            command = [sys.executable, "-m", "ocpi_party"]
            # No .env of somebody else is read in its directory.
            self.programs = [
                Program([*command, *words], self.environment(), self.log, self.directory) for words in self.commands
            ]
        for program in self.programs:
            if not program.runs():
                program.start()

    def environment(self) -> dict[str, str]:
        ours = {variable(name) for name in Settings.model_fields}
        environment = {name: value for name, value in os.environ.items() if name not in ours}
        own = {"PORT": str(self.port), "OCPI_DATA_DIR": str(self.directory / "data")}
        return environment | _SETTINGS | own | dict(self.settings)

    async def _is_ready(self) -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False) as http:
                return (await http.get(f"{self.url}/health/ready")).status_code == 200
        except httpx.TransportError:
            return False

    def _end_of_log(self) -> str:
        return " ".join(self.log.read_text(errors="replace").splitlines()[-3:]) or "it did not say why"

    async def forget_connections(self) -> None:
        if self._api is not None:
            await self._api.aclose()
            self._api = None

    def kill(self) -> None:
        """kill -9: no goodbye, nothing is put in order."""
        for program in self.programs:
            program.kill()

    async def stop(self) -> int | None:
        """Ask the server to stop; its exit code, None if it does not run."""
        await self.forget_connections()
        stopping = [asyncio.to_thread(program.stop, STOP_SECONDS) for program in self.programs]
        return next(iter(await asyncio.gather(*stopping)), None)

    async def call(self, method: str, path: str, body: Any = None, **params: Any) -> httpx.Response:
        """Ask its operator's API. Raises Refused"""
        assert self._api is not None
        answer = await self._api.request(method, f"/api{path}", json=body, params=params)
        if answer.status_code >= 400:
            raise Refused(answer.status_code, f"{self.side.name}: {method} {path}: {answer.status_code} {answer.text}")
        return answer

    async def get(self, path: str, **params: Any) -> Any:
        return (await self.call("GET", path, **params)).json()

    async def everything(self, path: str, **params: Any) -> AsyncIterator[Any]:
        """All objects of a list, page by page."""
        offset, total = 0, 1
        while offset < total:
            answer = await self.call("GET", path, offset=offset, limit=500, **params)
            total = int(answer.headers["x-total-count"])
            page = answer.json()
            for one in page:
                yield one
            offset += len(page)
            if not page:
                return

    async def count(self, **labels: str) -> int:
        """How many requests with these labels the process has answered since it started, as its metrics tell."""
        assert self._api is not None
        text = (await self._api.get("/metrics")).text
        return sum(
            int(float(line.rpartition(" ")[2]))
            for line in text.splitlines()
            if line.startswith("ocpi_party_requests_total{") and _has(line, labels)
        )

    async def status_without_key(self, path: str, token: str) -> int:
        """What a partner with this credentials token is answered."""
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(self.url + path, headers={"authorization": f"Token {token}"})).status_code


def _has(line: str, labels: Mapping[str, str]) -> bool:
    return all(f'{name}="{value}"' in line for name, value in labels.items())


def free_port() -> int:
    """A port that stays the platform's own over its restarts."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
