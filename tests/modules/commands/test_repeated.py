"""The same command again, while the operator's system is still being asked whether it takes the first one."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.commanding import an_emsp, deliver, inbound, reserve_now, start_session, told
from tests.partner import Caller, FakePartner
from tests.server import Server, start_server

from ocpi_party.database import Statement


class Operator:
    """The operator's system: asked, it thinks until it is told what to answer."""

    def __init__(self) -> None:
        self.questions: asyncio.Queue[tuple[Any, asyncio.Future[Any]]] = asyncio.Queue()
        self.system = FakePartner(host="operator.example")
        self.system.on("POST", "/ask", self._think)

    async def _think(self, request: httpx.Request) -> httpx.Response:
        decided: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.questions.put_nowait((json.loads(request.content)["data"], decided))
        return httpx.Response(200, json=await decided)

    async def asked(self) -> tuple[Any, asyncio.Future[Any]]:
        """The next question, and where its answer goes."""
        return await self.questions.get()


@pytest.fixture
async def operator(server: Server) -> Operator:
    system = Operator()
    server.internet.add(system.system)
    webhook = {"url": "https://operator.example/ask", "answers": "command", "timeout_ms": 30_000}
    made = await server.operator.post("/api/webhooks", json=webhook)
    assert made.status_code == 201, made.text
    return system


@pytest.fixture
async def emsp(server: Server) -> Caller:
    return await an_emsp(server)


@pytest.fixture
async def beside(server: Server, database_url: str, operator: Operator) -> AsyncIterator[Server]:
    """Another process of the same installation."""
    async with start_server(database_url) as other:
        other.internet.partners |= server.internet.partners
        yield other


async def waits(server: Server, request: asyncio.Task[Any]) -> None:
    """Until the request waits for something to happen; at once, if it is answered."""
    while not server.app.building.happenings._waiting and not request.done():
        await asyncio.sleep(0)


def sends(caller: Caller, command: str = "START_SESSION") -> asyncio.Task[Any]:
    body = {"START_SESSION": start_session, "RESERVE_NOW": reserve_now}[command]()
    return asyncio.create_task(caller.post(f"/commands/{command}", body))


@pytest.mark.requirement("CMD-R-25")
@pytest.mark.parametrize("result", ["ACCEPTED", "REJECTED"])
async def test_a_command_sent_twice_waits_for_the_answer_to_the_first(
    server: Server, operator: Operator, emsp: Caller, result: str
) -> None:
    first = sends(emsp)
    _, decided = await operator.asked()
    second = sends(emsp)
    await waits(server, second)

    assert not second.done(), second.result().data
    decided.set_result({"result": result, "timeout": 12})

    assert (await second).data == (await first).data == {"result": result, "timeout": 12}
    assert operator.questions.empty()
    assert len(await inbound(server)) == 1


@pytest.mark.requirement("CMD-R-25")
@pytest.mark.parametrize("result", ["ACCEPTED", "REJECTED"])
async def test_a_command_sent_to_two_processes_is_asked_about_once(
    server: Server, beside: Server, operator: Operator, emsp: Caller, result: str
) -> None:
    there = Caller(beside.app, emsp.token, emsp.partner).speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
    first = sends(emsp)
    _, decided = await operator.asked()
    second = sends(there)
    await waits(beside, second)

    assert not second.done(), second.result().data
    decided.set_result({"result": result})

    assert (await second).data == (await first).data
    assert (await second).data["result"] == result
    assert operator.questions.empty()


@pytest.mark.requirement("CMD-R-25")
async def test_a_process_that_vanished_while_it_asked_leaves_the_question_to_the_next(
    server: Server, beside: Server, operator: Operator, emsp: Caller
) -> None:
    there = Caller(beside.app, emsp.token, emsp.partner).speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
    first = sends(emsp, "RESERVE_NOW")
    asked, _ = await operator.asked()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE inbound_requests SET asked_until = now()"))

    second = sends(there, "RESERVE_NOW")
    again, decided = await operator.asked()
    third = sends(there, "RESERVE_NOW")
    await waits(beside, third)
    decided.set_result({"result": "REJECTED"})

    assert (again["id"], again["request"]) == (asked["id"], asked["request"])
    assert [(await one).data["result"] for one in (second, third)] == ["REJECTED", "REJECTED"]
    assert await server.rows("SELECT 1 FROM command_tokens") == []
    assert await server.rows("SELECT state FROM reservations") == [{"state": "FAILED"}]


@pytest.mark.requirement("CMD-R-25")
async def test_a_result_before_the_answer_means_that_it_was_taken(
    server: Server, operator: Operator, emsp: Caller
) -> None:
    first = sends(emsp)
    asked, decided = await operator.asked()
    second = sends(emsp)
    await waits(server, second)

    await server.operator.post(f"/api/commands/{asked['id']}/result", json={"result": "FAILED"})
    answer = await second
    decided.set_result({"result": "REJECTED"})

    assert answer.data["result"] == (await first).data["result"] == "ACCEPTED"
    await deliver(server)
    assert [one["result"] for one in told(emsp.partner)] == ["FAILED"]


async def test_a_command_does_not_time_out_while_its_taker_is_asked(
    server: Server, operator: Operator, emsp: Caller
) -> None:
    first = sends(emsp)
    _, decided = await operator.asked()
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE inbound_requests SET deadline = now()"))

    overdue = await server.app.results.time_out()
    decided.set_result({"result": "REJECTED"})

    assert overdue == 0
    assert (await first).data["result"] == "REJECTED"


async def test_a_server_that_stops_lets_nobody_wait(server: Server, operator: Operator, emsp: Caller) -> None:
    first = sends(emsp)
    _, decided = await operator.asked()
    second = sends(emsp)
    await waits(server, second)

    server.app.building.happenings.close()
    answer = await second
    decided.set_result({"result": "ACCEPTED"})

    assert (answer.http_status, answer.status_code, "data" in answer.body) == (503, 3000, False)
    assert (await first).data["result"] == "ACCEPTED"
