"""tail: messages as they are exchanged."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.cli.command import Commands
from tests.conftest import NewDatabase
from tests.partner import FakePartner
from tests.server import Server, start_server

from ocpi_party.cli.tail import following, line
from ocpi_party.database import Statement
from ocpi_party.messages import days, repository
from ocpi_party.messages.message import Message
from ocpi_party.ocpi.types import now


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Server]:
    async with start_server(database_url, message_log_days=30) as running:
        await running.add_party("NL", "OWA", "CPO")
        yield running


def _a_message(request_id: str) -> Message:
    return Message("inbound", now(), None, None, None, "GET", "https://ours.example/ocpi/versions", request_id, "C-1")


async def test_the_past_is_shown_oldest_first_and_then_each_new_message_once(server: Server) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))
    recorder = server.app.building.messages
    assert recorder is not None
    for number in range(3):
        await caller.get("/ocpi/versions", headers={"x-request-id": f"R{number}"})
    await recorder.flush()

    messages = following(server.app, 1, 2, follow=True)
    seen = [(await anext(messages))["request_id"] for _ in range(2)]
    await caller.get("/ocpi/versions", headers={"x-request-id": "R3"})
    await recorder.flush()
    seen.append((await anext(messages))["request_id"])
    await messages.aclose()

    assert seen == ["R1", "R2", "R3"]


async def test_a_message_that_is_written_later_than_a_newer_one_is_not_missed(server: Server) -> None:
    database = server.app.building.database
    async with database.write() as tx:
        await days.provide(tx, {now().date()})
    async with database.write() as tx:
        await repository.add(tx, [_a_message("before")])
    messages = following(server.app, None, 1, follow=True)
    await anext(messages)

    first = asyncio.ensure_future(anext(messages))
    async with database.write() as slow:
        await repository.add(slow, [_a_message("slow")])
        async with database.write() as quick:
            await repository.add(quick, [_a_message("quick")])
        await asyncio.wait([first], timeout=1)
        assert not first.done()

    assert [(await first)["request_id"], (await anext(messages))["request_id"]] == ["slow", "quick"]
    await messages.aclose()


async def test_an_open_transaction_elsewhere_holds_no_message_back(server: Server, new_database: NewDatabase) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))
    recorder = server.app.building.messages
    assert recorder is not None
    messages = following(server.app, 1, 1, follow=True)
    elsewhere = await asyncpg.connect(new_database())
    async with elsewhere.transaction(), server.app.building.database.write() as beside:
        await elsewhere.execute("SELECT pg_current_xact_id()")
        await beside.run(Statement("INSERT INTO webhooks (url, secret) VALUES ('', '')"))
        await recorder.flush()
        await anext(messages)

        await caller.get("/ocpi/versions", headers={"x-request-id": "R1"})
        await recorder.flush()

        assert (await anext(messages))["request_id"] == "R1"
    await messages.aclose()
    await elsewhere.close()


async def test_a_line_tells_who_asked_what_and_what_came_of_it(server: Server) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))
    recorder = server.app.building.messages
    assert recorder is not None
    await caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo").get(
        "/locations/[x]", headers={"x-correlation-id": "C-1"}
    )
    await recorder.flush()

    (message,) = [one async for one in following(server.app, None, 1, follow=False)]

    assert line({**message, "at": "T", "seconds": 0.0123}) == (
        "[dim]T[/dim] ← 1 GET locations \\[x] [red]404 2003[/red] [dim]12 ms C-1[/dim]"
    )


def test_without_any_message_nothing_is_printed(commands: Commands) -> None:
    done = commands.run("tail", "--no-follow", "--json")

    assert (done.code, done.out) == (0, "")
