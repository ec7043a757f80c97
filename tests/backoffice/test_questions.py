"""The operator's own system is asked while a partner waits, and what is done when it is silent."""

import json
from typing import Any

import httpx
import pytest
from tests.commanding import an_emsp, inbound, reserve_now, start_session
from tests.objects import a_token
from tests.partner import Answer, Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWM = PartyId("NL", "OWM")
HERE = {"location_id": "LOC1", "evse_uids": ["3256"]}
TWO = {"location_id": "LOC1", "evse_uids": ["3256", "3257"]}


class Operator:
    """The operator's system: what it was asked, and what it answers."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.asked: list[Any] = []
        self.answer: httpx.Response | None = None
        system = server.internet.add(FakePartner(host="operator.example"))
        system.on("POST", "/ask", self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        if self.answer is None:
            raise httpx.ReadTimeout("silence", request=request)
        return self.answer

    async def answers(self, question: str, answer: Any = None) -> None:
        self.answer = None if answer is None else httpx.Response(200, json=answer)
        webhook = {"url": "https://operator.example/ask", "answers": question, "timeout_ms": 30_000}
        made = await self.server.operator.post("/api/webhooks", json=webhook)
        assert made.status_code == 201, made.text


@pytest.fixture
def operator(server: Server) -> Operator:
    return Operator(server)


@pytest.fixture
async def cpo(server: Server) -> Caller:
    """The CPO NL/TNM, calling our eMSP, which has one token."""
    caller = await server.connect(server.internet.add(FakePartner()))
    await server.operator.put("/api/tokens/NL/OWM/012345678", json=a_token(OWM))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


async def _authorize(cpo: Caller) -> Answer:
    return await cpo.post("/tokens/012345678/authorize", HERE)


async def _kept(server: Server) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await server.rows("SELECT allowed, why, reference FROM authorizations")]


@pytest.mark.requirement("TOK-A-01")
async def test_the_operators_system_decides_on_a_token(server: Server, operator: Operator, cpo: Caller) -> None:
    info = {"language": "en", "text": "Pay your bills"}
    await operator.answers("authorization", {"allowed": "NO_CREDIT", "info": info})

    answer = await _authorize(cpo)

    assert (answer.data["allowed"], answer.data["info"]) == ("NO_CREDIT", info)
    assert "location" not in answer.data
    (question,) = operator.asked
    assert question["type"] == "question.authorization"
    assert (question["data"]["token"]["uid"], question["data"]["location"]) == ("012345678", HERE)
    assert await _kept(server) == [("NO_CREDIT", "the operator's system answers NO_CREDIT", None)]


@pytest.mark.requirement("TOK-A-05")
@pytest.mark.parametrize(
    ("allowed_at", "allowed", "location"),
    [
        ({"location_id": "loc1"}, "ALLOWED", TWO),
        ({"location_id": "LOC1", "evse_uids": ["3256", "9999"]}, "ALLOWED", HERE),
        ({"location_id": "LOC1", "evse_uids": ["9999"]}, "NOT_ALLOWED", None),
        ({"location_id": "LOC2"}, "NOT_ALLOWED", None),
    ],
)
async def test_the_operators_system_allows_no_place_that_was_not_asked_about(
    server: Server, operator: Operator, cpo: Caller, allowed_at: Any, allowed: str, location: Any
) -> None:
    await operator.answers("authorization", {"allowed": "ALLOWED", "location": allowed_at})

    info = (await cpo.post("/tokens/012345678/authorize", TWO)).data

    assert (info["allowed"], info.get("location")) == (allowed, location)
    assert ("authorization_reference" in info) is (allowed == "ALLOWED")


@pytest.mark.requirement("TOK-A-04", "TOK-A-05")
async def test_where_the_operators_system_allows_some_places_the_cpo_has_to_say_which_it_is(
    server: Server, operator: Operator, cpo: Caller
) -> None:
    await operator.answers("authorization", {"allowed": "ALLOWED", "location": HERE})

    answer = await cpo.post("/tokens/012345678/authorize")

    assert (answer.http_status, answer.status_code) == (200, 2002)
    assert "data" not in answer.body


async def test_the_operators_reference_is_told_and_kept(server: Server, operator: Operator, cpo: Caller) -> None:
    await operator.answers("authorization", {"allowed": "ALLOWED", "authorization_reference": "OURS-1"})

    answer = await _authorize(cpo)

    assert (answer.data["authorization_reference"], answer.data["location"]) == ("OURS-1", HERE)
    (told,) = await server.rows("SELECT subject, data FROM events WHERE type = 'authorization.asked'")
    data = json.loads(told["data"])
    assert told["subject"] == "tokens/NL*OWM/012345678 RFID"
    assert (data["allowed"], data["authorization_reference"], data["location"]) == ("ALLOWED", "OURS-1", HERE)


@pytest.mark.parametrize("answer", [None, {"allowed": "PERHAPS"}, {}])
async def test_without_a_good_answer_our_own_rules_decide_and_that_is_recorded(
    server: Server, operator: Operator, cpo: Caller, answer: Any
) -> None:
    await operator.answers("authorization", answer)

    info = (await _authorize(cpo)).data

    assert info["allowed"] == "ALLOWED"
    ((_, why, reference),) = await _kept(server)
    assert why.endswith("; the token is valid")
    assert reference == info["authorization_reference"]


@pytest.mark.requirement("CMD-R-01")
async def test_the_operators_system_takes_a_command_on(server: Server, operator: Operator) -> None:
    emsp = await an_emsp(server)
    await operator.answers("command", {"result": "ACCEPTED", "timeout": 12})

    answer = await emsp.post("/commands/START_SESSION", start_session())

    assert answer.data == {"result": "ACCEPTED", "timeout": 12}
    (question,) = operator.asked
    (pending,) = await inbound(server, "PENDING")
    assert (question["data"]["id"], question["data"]["command"]) == (pending["id"], "START_SESSION")
    assert question["data"]["request"]["location_id"] == "LOC1"
    assert "response_url" not in json.dumps(question)


@pytest.mark.requirement("CMD-R-03", "CMD-R-04")
@pytest.mark.parametrize("seconds", [0, None])
async def test_a_command_that_was_taken_has_time_for_its_result(
    server: Server, operator: Operator, seconds: int | None
) -> None:
    emsp = await an_emsp(server)
    await operator.answers("command", {"result": "ACCEPTED", "timeout": seconds})

    answer = await emsp.post("/commands/START_SESSION", start_session())
    await server.app.results.time_out()

    assert answer.data == {"result": "ACCEPTED", "timeout": 30}
    assert [one["state"] for one in await inbound(server)] == ["PENDING"]


async def test_a_command_that_the_operators_system_refuses_leaves_nothing_behind(
    server: Server, operator: Operator
) -> None:
    emsp = await an_emsp(server)
    message = {"language": "en", "text": "Out of order"}
    await operator.answers("command", {"result": "REJECTED", "message": message})

    answer = await emsp.post("/commands/RESERVE_NOW", reserve_now())
    again = await emsp.post("/commands/RESERVE_NOW", reserve_now())

    assert (answer.data["result"], answer.data["message"]) == ("REJECTED", [message])
    assert again.data == answer.data
    assert len(operator.asked) == 1
    assert [one["state"] for one in await inbound(server)] == ["REFUSED"]
    assert await server.rows("SELECT 1 FROM command_tokens") == []
    assert await server.rows("SELECT state FROM reservations") == [{"state": "FAILED"}]


FAULTS = [
    (None, "did not answer: ReadTimeout"),
    (httpx.Response(500), "HTTP 500"),
    (httpx.Response(200, text="<html>"), "no JSON"),
    (httpx.Response(200, json=["ACCEPTED"]), "no JSON object"),
    (httpx.Response(200, json={"result": "MAYBE", "allowed": "MAYBE"}), "no valid answer"),
    (httpx.Response(200, json={"result": "ACCEPTED", "timeout": -1}), "no valid answer"),
]


@pytest.mark.parametrize(("answer", "why"), FAULTS)
async def test_a_command_that_nobody_took_is_rejected_and_the_operator_alone_is_told_why(
    server: Server, operator: Operator, answer: Any, why: str
) -> None:
    emsp = await an_emsp(server)
    await operator.answers("command")
    operator.answer = answer

    told = (await emsp.post("/commands/START_SESSION", start_session())).data

    assert told["result"] == "REJECTED"
    assert [one["text"] for one in told["message"]] == [
        "the system that passes commands on to the charge points does not answer"
    ]
    assert await inbound(server, "PENDING") == []
    (kept,) = await inbound(server)
    assert kept["response"] == told
    assert why in kept["error"]
    assert kept["error"].startswith("the operator's system")
    assert (await server.operator.get(f"/api/commands/{kept['id']}")).json()["error"] == kept["error"]


@pytest.mark.parametrize(("answer", "why"), FAULTS)
async def test_a_webhook_tells_how_often_it_did_not_answer_and_why(
    server: Server, operator: Operator, cpo: Caller, answer: Any, why: str
) -> None:
    await operator.answers("authorization")
    operator.answer = answer
    (before,) = (await server.operator.get("/api/webhooks")).json()

    await _authorize(cpo)
    await _authorize(cpo)
    (failing,) = (await server.operator.get("/api/webhooks")).json()
    operator.answer = httpx.Response(200, json={"allowed": "ALLOWED"})
    await _authorize(cpo)
    (mended,) = (await server.operator.get("/api/webhooks")).json()

    assert (before["failures"], before["last_error"], before["last_success_at"]) == (0, None, None)
    assert (failing["failures"], failing["last_success_at"]) == (2, None)
    assert why in failing["last_error"]
    assert ((await _kept(server))[0][1]).startswith(failing["last_error"])
    assert (mended["failures"], mended["last_error"]) == (0, None)
    assert mended["last_success_at"] is not None


async def test_a_command_that_was_taken_has_no_error(server: Server, operator: Operator) -> None:
    emsp = await an_emsp(server)
    await operator.answers("command", {"result": "ACCEPTED"})

    await emsp.post("/commands/START_SESSION", start_session())

    (kept,) = await inbound(server)
    assert (kept["state"], kept["error"]) == ("PENDING", None)
    (webhook,) = (await server.operator.get("/api/webhooks")).json()
    assert webhook["last_success_at"] is not None
