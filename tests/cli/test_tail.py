"""tail: messages as they are exchanged."""

from collections.abc import AsyncIterator

import pytest
from tests.cli.command import Commands
from tests.partner import FakePartner
from tests.server import Server, start_server

from ocpi_party.cli.tail import following, line


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Server]:
    async with start_server(database_url, message_log_days=30) as running:
        await running.add_party("NL", "OWA", "CPO")
        yield running


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
