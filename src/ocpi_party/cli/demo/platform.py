"""One of the two platforms: a server process with its own port, data and keys, and its operator's API."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx

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
    side: Side
    directory: Path
    port: int = field(default_factory=lambda: _free_port())
    _process: subprocess.Popen[bytes] | None = None
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
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start the server and wait until it is ready. Raises Failed"""
        process = self._process = self._spawn()
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._is_ready():
                    if process.poll() is not None:
                        raise Failed(f"the {self.side.name} did not start: {self._end_of_log()}")
                    await asyncio.sleep(0.02)
        except TimeoutError as late:
            raise Failed(f"the {self.side.name} was not ready within {START_SECONDS} seconds") from late
        key = self.key_file.read_text().strip()
        await self.forget_connections()
        self._api = httpx.AsyncClient(
            base_url=self.url, headers={"authorization": f"Bearer {key}"}, timeout=30, trust_env=False
        )

    def _spawn(self) -> subprocess.Popen[bytes]:
        self.directory.mkdir(mode=0o711, exist_ok=True)
        ours = {variable(name) for name in Settings.model_fields}
        environment = {name: value for name, value in os.environ.items() if name not in ours}
        environment |= _SETTINGS | {"PORT": str(self.port), "OCPI_DATA_DIR": str(self.directory / "data")}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "ocpi_party", "serve"],
                cwd=self.directory,  # No .env of somebody else is read there.
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops its platforms itself.
            )

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
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def stop(self) -> int | None:
        """Ask the server to stop; its exit code, None if it does not run."""
        await self.forget_connections()
        if self._process is None or self._process.poll() is not None:
            return None
        self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

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


def _free_port() -> int:
    """A port that stays the platform's own over its restarts."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
