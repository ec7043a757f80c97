"""A server of ours that is killed again and again while it tells a partner of its Locations; the partner keeps count.

Longer, by hand: python -m tests.scenarios.kill DATABASE_URL --kills 200 --seed 7
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.objects import a_location, an_evse
from tests.own import OWA, url
from tests.partner import FakePartner, basic
from tests.server import listening

KEYS = {"OCPI_SECRET_KEY": "kill-secret", "OCPI_API_KEY": "kill-key"}
PATIENCE = 120
"""In seconds, for what takes one or two: on a machine that is busy with other things it takes longer."""
LOCATIONS = 8
EVSES = 3
STATUSES = ("AVAILABLE", "CHARGING", "BLOCKED", "INOPERATIVE", "RESERVED", "OUTOFORDER")


@dataclass
class Recorder:
    """A partner that keeps what it is told, and notes each object that goes back in time.

    fatal  called after so many pushes; the request of the last one may never get its answer
    """

    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    backwards: list[str] = field(default_factory=list)
    pushes: int = 0
    at_push: int = -1
    fatal: asyncio.Event = field(default_factory=asyncio.Event)
    base: str = ""

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "PUT", "PATCH"])])

    async def answer(self, request: Request) -> Response:
        path = request.path_params["path"].split("/")
        if path[0] == "versions":
            return _envelope([{"version": "2.2.1", "url": f"{self.base}/details"}])
        if path[0] == "details":
            listed = [
                {"identifier": "credentials", "role": "SENDER", "url": f"{self.base}/credentials"},
                {"identifier": "locations", "role": "RECEIVER", "url": f"{self.base}/locations"},
            ]
            return _envelope({"version": "2.2.1", "endpoints": listed})
        if request.method == "GET":
            return _envelope(code=2003, status=404)
        self.pushes += 1
        if self.pushes == self.at_push:
            self.fatal.set()
        told = json.loads(await request.body())
        if len(path) > 4:
            return self._take_evse(request.method, path[3], path[4], told)
        return self._take(path[3], told) if request.method == "PUT" else self._take_head(path[3], told)

    def _take_head(self, location_id: str, told: dict[str, Any]) -> Response:
        location = self.known.get(location_id)
        if location is None:
            return _envelope(code=2003, status=404)
        self._compare(location_id, location["last_updated"], told["last_updated"])
        location |= told
        return _envelope()

    def _take(self, location_id: str, told: dict[str, Any]) -> Response:
        evses = {evse["uid"]: evse for evse in told["evses"]}
        before = self.known.get(location_id, {"last_updated": "", "evses": {}})
        self._compare(location_id, before["last_updated"], told["last_updated"])
        for uid, evse in evses.items():
            self._compare(uid, before["evses"].get(uid, {"last_updated": ""})["last_updated"], evse["last_updated"])
        self.known[location_id] = told | {"evses": evses}
        return _envelope()

    def _take_evse(self, method: str, location_id: str, uid: str, told: dict[str, Any]) -> Response:
        location = self.known.get(location_id)
        if location is None or uid not in location["evses"]:
            return _envelope(code=2003, status=404)
        before = location["evses"][uid]
        self._compare(uid, before["last_updated"], told["last_updated"])
        location["evses"][uid] = before | told if method == "PATCH" else told
        location["last_updated"] = max(location["last_updated"], told["last_updated"], key=_comparable)
        return _envelope()

    def _compare(self, name: str, before: str, after: str) -> None:
        if _comparable(after) < _comparable(before):
            self.backwards.append(f"{name}: {before} → {after}")


def _comparable(moment: str) -> str:
    return moment if "." in moment or not moment else moment.replace("Z", ".000Z")


def _envelope(data: Any = None, code: int = 1000, status: int = 200) -> Response:
    body = {"status_code": code, "timestamp": "2026-03-01T00:00:00Z"}
    return JSONResponse(body if data is None else body | {"data": data}, status)


@dataclass
class Victim:
    """Our server as a process of its own: API and workers.

    timeout  of its requests, in seconds
    lease    how long after its death its work is nobody else's, in seconds
    """

    database_url: str
    port: int
    timeout: float = 0.5
    lease: float = 1
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {
            "DATABASE_URL": self.database_url, "HOST": "127.0.0.1", "PORT": str(self.port),
            "OCPI_ALLOW_PRIVATE_URLS": "true", "OCPI_REQUEST_TIMEOUT_SECONDS": str(self.timeout),
            "OCPI_PUSH_LEASE_SECONDS": str(self.lease),
            "OCPI_RETRY_BASE_SECONDS": "0.05", "OCPI_RETRY_MAX_SECONDS": "0.2", "OCPI_LOG_LEVEL": "error",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }  # fmt: skip
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ocpi_party",
            "serve",
            env={**os.environ, **KEYS, **settings},
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(transport=AiohttpTransport(), trust_env=False) as http:
            while not await self._answers(http):
                await asyncio.sleep(0.05)

    async def _answers(self, http: httpx.AsyncClient) -> bool:
        with suppress(httpx.TransportError):
            await http.get(f"http://127.0.0.1:{self.port}/health/live")
            return True
        return False

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@asynccontextmanager
async def operator_at(port: int) -> AsyncIterator[httpx.AsyncClient]:
    bearer = {"authorization": f"Bearer {KEYS['OCPI_API_KEY']}"}
    # httpx's own transport lets an AttributeError out, if the server dies just when a connection to it is made.
    async with httpx.AsyncClient(
        transport=AiohttpTransport(), base_url=f"http://127.0.0.1:{port}", headers=bearer, trust_env=False
    ) as operator:
        yield operator


async def _set_up(operator: httpx.AsyncClient, recorder: Recorder) -> None:
    party = {"country_code": "NL", "party_id": "OWA", "role": "CPO", "business_details": {"name": "Ours"}}
    (await operator.post("/api/parties", json=party)).raise_for_status()
    invited = (await operator.post("/api/partners", json={"name": "recorder"})).raise_for_status().json()
    credentials = FakePartner(roles=(("EMSP", "DE", "TNM"),)).credentials(url=f"{recorder.base}/versions")
    token = {"authorization": basic(invited["credentials_token"])}
    answer = await operator.post("/ocpi/2.2.1/credentials", json=credentials, headers=token)
    assert answer.json()["status_code"] == 1000, answer.text
    for number in range(LOCATIONS):
        evses = [an_evse(uid=f"L{number}E{evse}") for evse in range(EVSES)]
        body = a_location(OWA, id=f"L{number}", evses=evses)
        (await operator.put(url(f"L{number}"), json=body)).raise_for_status()


async def _change_until(killed: asyncio.Event, operator: httpx.AsyncClient, dice: random.Random) -> None:
    """Report changes until the server dies under our hands."""
    while not killed.is_set():
        number, evse = dice.randrange(LOCATIONS), dice.randrange(EVSES)
        with suppress(httpx.TransportError):
            await operator.patch(url(f"L{number}", f"L{number}E{evse}"), json={"status": dice.choice(STATUSES)})
        if dice.random() < 0.1:
            with suppress(httpx.TransportError):
                await operator.patch(url(f"L{number}"), json={"name": f"name {dice.random()}"})


async def _all_told(operator: httpx.AsyncClient) -> None:
    (partner,) = (await operator.get("/api/partners")).json()
    async with asyncio.timeout(PATIENCE):
        while await _pending(operator, partner["id"]):
            await asyncio.sleep(0.05)


async def _pending(operator: httpx.AsyncClient, partner_id: int) -> int:
    """How much is still to be told."""
    sync = (await operator.get(f"/api/partners/{partner_id}/sync")).json()
    return sum(int(module["pending"]) for module in sync["push"]["modules"])


async def run(database_url: str, *, kills: int, seed: int) -> Recorder:
    """Set up, kill at random moments during pushes, let it finish; raises AssertionError if the two sides differ."""
    dice, recorder = random.Random(seed), Recorder()
    victim = Victim(database_url, free_port())
    async with listening(recorder.app()) as recorder.base, operator_at(victim.port) as operator:
        try:
            await victim.start()
            await _set_up(operator, recorder)
            for _ in range(kills):
                recorder.fatal.clear()
                recorder.at_push = recorder.pushes + dice.randint(1, 40)
                killed = asyncio.Event()
                changing = asyncio.create_task(_change_until(killed, operator, dice))
                async with asyncio.timeout(PATIENCE):
                    await recorder.fatal.wait()
                await victim.kill()
                killed.set()
                await changing
                await victim.start()
            await _all_told(operator)
            assert recorder.backwards == []
            for number in range(LOCATIONS):
                ours = (await operator.get(url(f"L{number}"))).json()
                theirs = recorder.known[f"L{number}"]
                assert {evse["uid"]: evse for evse in ours["evses"]} == theirs["evses"]
                assert {**ours, "evses": None} == {**theirs, "evses": None}
        finally:
            await victim.kill()
    return recorder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database_url", help="an empty, migrated database")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    seen = asyncio.run(run(given.database_url, kills=given.kills, seed=given.seed))
    print(f"{given.kills} kills, {seen.pushes} pushes, both sides equal, nothing went backwards")  # noqa: T201 - a program tells people
