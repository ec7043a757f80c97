"""What happens in one process is known at once in the others, and nobody looks twice for what it did itself."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from ocpi_party import hands
from ocpi_party.bell import Bell
from ocpi_party.database import Database
from ocpi_party.listening import Listening
from tests.objects import a_location
from tests.own import OWA
from tests.partner import FakePartner, envelope
from tests.server import Server, start_server


class Process:
    """With one bell, and what it heard of it."""

    def __init__(self, url: str, *, in_steps: bool) -> None:
        self.database = Database(url)
        self.listening = Listening(self.database)
        self.heard: asyncio.Queue[None] = asyncio.Queue()
        self.bell = Bell(
            self.database, self.listening, "test", [lambda: self.heard.put_nowait(None)], in_steps=in_steps
        )

    async def hears(self) -> None:
        async with asyncio.timeout(30):
            await self.heard.get()


@pytest.fixture(params=[False, True], ids=["at once", "in steps"])
async def processes(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Process, Process]]:
    both = Process(database_url, in_steps=request.param), Process(database_url, in_steps=request.param)
    for one in both:
        await one.database.open()
        await one.listening.open()
    ringing = [asyncio.create_task(one.bell.run()) for one in both]
    yield both
    for task in ringing:
        task.cancel()
    for one in both:
        await one.listening.close()
        await one.database.close()


async def test_a_bell_is_heard_in_every_process_and_once_where_it_is_rung(processes: tuple[Process, Process]) -> None:
    one, other = processes

    one.bell.ring()
    await one.hears()
    await other.hears()
    other.bell.ring()
    await other.hears()
    await one.hears()

    assert (one.heard.qsize(), other.heard.qsize()) == (0, 0)


async def test_who_may_have_missed_it_looks(processes: tuple[Process, Process], database_url: str) -> None:
    one, other = processes
    outside = await asyncpg.connect(database_url)
    await outside.execute(
        """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE application_name = 'ocpi-party listen' AND datname = current_database()"""
    )
    await outside.close()

    await one.hears()  # That it is deaf.
    await other.hears()
    await one.listening.again()
    await other.listening.again()
    await one.hears()  # That it was.
    await other.hears()
    one.bell.ring()
    await one.hears()
    await other.hears()

    assert (one.listening.alive, other.listening.alive) == (True, True)
    assert (one.heard.qsize(), other.heard.qsize()) == (0, 0)


@pytest.fixture
async def worker(server: Server, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A process beside, which looks by itself once an hour."""
    monkeypatch.setattr(hands, "_POLL_SECONDS", 3600)
    async with start_server(database_url) as other:
        other.internet.partners = server.internet.partners
        yield other


async def test_a_worker_tells_at_once_what_another_process_took(server: Server, worker: Server) -> None:
    told: asyncio.Queue[httpx.Request] = asyncio.Queue()

    def take(request: httpx.Request) -> httpx.Response:
        told.put_nowait(request)
        return httpx.Response(204)

    hook = server.internet.add(FakePartner(host="hooks.example"))
    hook.on("POST", "/hook", take)
    partner = (await server.connect(server.internet.add(FakePartner()))).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await server.operator.post("/api/webhooks", json={"url": "https://hooks.example/hook", "types": ["object.*"]})
    working = asyncio.create_task(worker.app.webhooks.run())
    while not worker.app.webhooks.hands._woken._waiters:
        await asyncio.sleep(0)

    await partner.put("/locations/NL/TNM/LOC1", a_location())

    async with asyncio.timeout(30):
        request = await told.get()
    working.cancel()
    assert b"locations/NL*TNM/LOC1" in request.content


async def test_a_worker_pushes_at_once_what_another_process_took(server: Server, worker: Server) -> None:
    told: asyncio.Queue[httpx.Request] = asyncio.Queue()

    def take(request: httpx.Request) -> httpx.Response:
        told.put_nowait(request)
        return envelope()

    partner = server.internet.add(FakePartner())
    partner.on("PUT", "/locations/", take)
    await server.connect(partner)
    await server.push()
    working = asyncio.create_task(worker.app.pushing.run())
    while not worker.app.pushing.hands._woken._waiters:
        await asyncio.sleep(0)

    answer = await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location(OWA))

    async with asyncio.timeout(30):
        request = await told.get()
    working.cancel()
    assert answer.status_code == 201, answer.text
    assert request.url.path.endswith("/NL/OWA/LOC1")
