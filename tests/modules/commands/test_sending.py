"""We command a partner's charge points as an eMSP: guards, what is sent, the response, the result."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.behind import ABC, EVC, a_hub, tell
from tests.objects import a_connector, a_location, a_session, a_token, an_evse
from tests.partner import Answer, Caller, FakePartner, basic, envelope
from tests.server import Server

from ocpi_party.backoffice.authorization import create_key
from ocpi_party.database import Statement
from ocpi_party.ocpi.command import CommandResultType
from ocpi_party.ocpi.types import PartyId

OWM = PartyId("NL", "OWM")
CPO = {"country_code": "NL", "party_id": "TNM"}
CAPABLE = ["REMOTE_START_STOP_CAPABLE", "RESERVABLE", "UNLOCK_CAPABLE"]
ACCEPTED = {"result": "ACCEPTED", "timeout": 20}


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The CPO NL/TNM, which told our eMSP of its location LOC1, and accepts every command."""
    caller = await server.connect(server.internet.add(FakePartner()))
    caller = caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    two = [a_connector(), a_connector(id="2")]
    evses = [
        an_evse(capabilities=CAPABLE),
        an_evse(uid="POOR", capabilities=["RFID_READER"]),
        an_evse(uid="ONE", capabilities=[*CAPABLE, "START_SESSION_CONNECTOR_REQUIRED"]),
        an_evse(uid="TWO", capabilities=[*CAPABLE, "START_SESSION_CONNECTOR_REQUIRED"], connectors=two),
    ]
    answer = await caller.put("/locations/NL/TNM/LOC1", a_location(evses=evses))
    assert answer.status_code == 1000, answer
    caller.partner.on("POST", "/receiver/commands", envelope(ACCEPTED))
    return caller


def _start(**changes: Any) -> dict[str, Any]:
    return CPO | {"token": a_token(OWM), "location_id": "LOC1", "evse_uid": "3256"} | changes


BODIES: dict[str, dict[str, Any]] = {
    "CANCEL_RESERVATION": CPO | {"reservation_id": "1"},
    "RESERVE_NOW": _start(reservation_id="1", expiry_date="2099-01-01T00:00:00Z"),
    "START_SESSION": _start(),
    "STOP_SESSION": CPO | {"session_id": "101"},
    "UNLOCK_CONNECTOR": CPO | {"location_id": "LOC1", "evse_uid": "3256", "connector_id": "1"},
}


async def _send(server: Server, command: str = "START_SESSION", body: Any = None) -> httpx.Response:
    return await server.operator.post(f"/api/commands/{command}", json=body or BODIES[command])


def _sent(tnm: Caller) -> Any:
    return json.loads(tnm.partner.requests("POST", "/receiver/commands")[-1].content)


async def _command(server: Server, command_id: int) -> Any:
    answer = await server.operator.get(f"/api/commands/{command_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _result(tnm: Caller, url: str, body: Any) -> Answer:
    return await tnm.post(url, body)


@pytest.mark.requirement("CMD-R-01", "CMD-S-01")
@pytest.mark.parametrize("command", BODIES)
async def test_each_command_is_sent_with_a_url_of_its_own_for_the_result(
    server: Server, tnm: Caller, command: str
) -> None:
    answers = [await _send(server, command) for _ in range(2)]

    assert [a.status_code for a in answers] == [202, 202], answers[0].text
    assert answers[0].json()["response"] == ACCEPTED
    requests = tnm.partner.requests("POST", f"/receiver/commands/{command}")
    urls = {json.loads(r.content)["response_url"] for r in requests}
    assert len(urls) == 2
    assert all(url.startswith("https://ours.example/ocpi/emsp/2.2.1/commands/results/") for url in urls)
    assert (requests[0].headers["ocpi-from-party-id"], requests[0].headers["ocpi-to-party-id"]) == ("OWM", "TNM")
    wanted = {k: v for k, v in BODIES[command].items() if k not in CPO}
    sent = {k: v for k, v in _sent(tnm).items() if k not in ("response_url", "authorization_reference")}
    assert sent == wanted


async def test_a_response_may_come_as_a_list_with_nothing_else(server: Server, tnm: Caller) -> None:
    answers = []
    for listed in ([ACCEPTED], [{"result": "REJECTED", "timeout": 0}], []):
        tnm.partner.on("POST", "/receiver/commands", envelope(listed))
        answers.append((await _send(server)).json())

    assert [one["response"] for one in answers] == [ACCEPTED, {"result": "REJECTED", "timeout": 0}, None]
    states = [(await _command(server, one["id"]))["state"] for one in answers]
    assert states == ["WAITING", "REFUSED", "WAITING"]
    assert "without a CommandResponse" in answers[2]["error"]


@pytest.mark.requirement("CMD-S-02", "CMD-S-12")
@pytest.mark.parametrize("result", list(CommandResultType))
async def test_each_result_is_found_under_the_id_of_the_command(server: Server, tnm: Caller, result: str) -> None:
    command_id = (await _send(server)).json()["id"]

    answer = await _result(tnm, _sent(tnm)["response_url"], {"result": result})

    assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 1000, False)
    shown = await _command(server, command_id)
    assert (shown["state"], shown["result"]) == ("RESULTED", {"result": result})


@pytest.mark.requirement("CMD-S-12", "CMD-S-13")
async def test_a_result_that_this_version_does_not_know_is_a_failure(server: Server, tnm: Caller) -> None:
    command_id = (await _send(server)).json()["id"]

    answer = await _result(tnm, _sent(tnm)["response_url"], {"result": "UNKNOWN_SESSION"})

    assert answer.status_code == 1000
    assert (await _command(server, command_id))["result"] == {"result": "FAILED", "told": "UNKNOWN_SESSION"}


@pytest.mark.requirement("CMD-S-02", "CMD-S-03", "CMD-S-08")
async def test_who_may_tell_a_result_and_where(server: Server, tnm: Caller) -> None:
    command_id = (await _send(server)).json()["id"]
    url = _sent(tnm)["response_url"]
    xyz = FakePartner(name="xyz", host="xyz.example", token="token-b.xyz", roles=(("CPO", "DE", "XYZ"),))
    other = (await server.connect(server.internet.add(xyz))).speaking(("DE", "XYZ"), ("NL", "OWM"), "emsp")
    nobody = Caller(server.app, "wrong.token", tnm.partner)
    body = {"result": "ACCEPTED"}

    answers = [
        await nobody.post(url, body),
        await other.post(url, body),
        await tnm.get(url),
        await tnm.post(url[:-1], body),
        await tnm.post(url, {"message": []}),
    ]

    assert [(a.http_status, a.status_code) for a in answers] == [
        (401, 2000),
        (404, 2001),
        (405, 2000),
        (404, 2001),
        (200, 2001),
    ]
    assert (await _command(server, command_id))["state"] == "WAITING"


@pytest.mark.requirement("CMD-S-03", "HUB-25")
async def test_another_party_of_the_platform_may_tell_a_result_and_that_is_noted(server: Server, tnm: Caller) -> None:
    command_id = (await _send(server)).json()["id"]
    emsp = tnm.speaking(("DE", "TNM"), ("NL", "OWM"), "emsp")

    answer = await emsp.post(_sent(tnm)["response_url"], {"result": "ACCEPTED"})

    assert answer.status_code == 1000
    assert (await _command(server, command_id))["result"] == {"result": "ACCEPTED"}
    (found,) = (await server.operator.get("/api/findings")).json()
    assert found["rule"] == "OCPI-from is DE*TNM, but the request was made of NL*TNM"


@pytest.mark.requirement("CMD-S-04", "HUB-28")
@pytest.mark.parametrize(
    ("code", "status", "state"), [(4001, 502, "FAILED"), (4003, 502, "FAILED"), (4002, 202, "WAITING")]
)
async def test_a_command_that_the_hub_did_not_pass_on_has_failed_at_once(
    server: Server, code: int, status: int, state: str
) -> None:
    hub = await a_hub(server)
    await tell(hub, EVC, "CPO")
    hub.partner.on("POST", "/receiver/commands", envelope(code=code))

    sent = await _send(server, body=_start(country_code="SE", party_id="EVC"))

    assert sent.status_code == status, sent.text
    (kept,) = (await server.operator.get("/api/commands", params={"direction": "outbound"})).json()
    assert (kept["state"], kept["error"]) == (state, f"HTTP 200, OCPI {code}")


@pytest.mark.requirement("CMD-S-03", "HUB-25")
@pytest.mark.parametrize(
    ("sender", "status"), [(("SE", "EVC"), 200), (("NL", "HUB"), 200), (("DE", "ABC"), 404), (None, 200)], ids=str
)
async def test_behind_a_hub_nobody_else_tells_the_result(
    server: Server, sender: tuple[str, str] | None, status: int
) -> None:
    hub = await a_hub(server)
    await tell(hub, EVC, "CPO")
    await tell(hub, ABC, "CPO")
    hub.partner.on("POST", "/receiver/commands", envelope(ACCEPTED))
    sent = await _send(server, body=_start(country_code="SE", party_id="EVC"))
    url = json.loads(hub.partner.requests("POST", "/receiver/commands")[-1].content)["response_url"]
    caller = replace(hub, sender=sender, receiver=("NL", "OWM"), side="emsp")

    answer = await caller.post(url, {"result": "ACCEPTED"})

    assert (answer.http_status, answer.status_code) == (status, 1000 if status == 200 else 2001), answer
    result = (await _command(server, sent.json()["id"]))["result"]
    assert result == ({"result": "ACCEPTED"} if status == 200 else None)
    assert (await server.operator.get("/api/findings")).json() == []


@pytest.mark.requirement("CMD-S-08", "CMD-R-18")
async def test_a_repeated_result_changes_nothing_and_a_further_one_is_kept_behind_it(
    server: Server, tnm: Caller
) -> None:
    command_id = (await _send(server, "RESERVE_NOW")).json()["id"]
    url = _sent(tnm)["response_url"]

    answers = [await _result(tnm, url, {"result": one}) for one in ("ACCEPTED", "ACCEPTED", "CANCELED_RESERVATION")]

    assert [a.status_code for a in answers] == [1000] * 3
    shown = await _command(server, command_id)
    assert [one["result"]["result"] for one in shown["results"]] == ["ACCEPTED", "CANCELED_RESERVATION"]
    assert shown["result"] == {"result": "CANCELED_RESERVATION"}


@pytest.mark.requirement("CMD-R-04", "CMD-R-18", "CMD-S-05")
@pytest.mark.parametrize(
    ("command", "results", "rules"),
    [
        ("START_SESSION", ("ACCEPTED", "REJECTED", "ACCEPTED"), ["must be told once; it was ACCEPTED before"]),
        ("START_SESSION", ("TIMEOUT", "ACCEPTED"), []),
        ("RESERVE_NOW", ("ACCEPTED", "ACCEPTED", "CANCELED_RESERVATION"), []),
    ],
)
async def test_a_result_that_contradicts_the_one_before_is_a_finding(
    server: Server, tnm: Caller, command: str, results: tuple[str, ...], rules: list[str]
) -> None:
    await _send(server, command)
    for one in results:
        await _result(tnm, _sent(tnm)["response_url"], {"result": one})

    findings = (await server.operator.get("/api/findings")).json()

    assert [one["rule"] for one in findings] == rules


@pytest.mark.parametrize(
    ("command", "rules"),
    [
        ("CANCEL_RESERVATION", []),
        (
            "START_SESSION",
            ["UNKNOWN_RESERVATION is no result of START_SESSION: it asks for no reservation that there is"],
        ),
    ],
)
async def test_a_result_of_another_command_is_taken_and_is_a_finding(
    server: Server, tnm: Caller, command: str, rules: list[str]
) -> None:
    command_id = (await _send(server, command)).json()["id"]

    answer = await _result(tnm, _sent(tnm)["response_url"], {"result": "UNKNOWN_RESERVATION"})

    assert answer.status_code == 1000
    assert (await _command(server, command_id))["result"] == {"result": "UNKNOWN_RESERVATION"}
    assert [one["rule"] for one in (await server.operator.get("/api/findings")).json()] == rules


@pytest.mark.requirement("CMD-S-07")
async def test_a_result_during_the_open_request_is_kept(server: Server, tnm: Caller) -> None:
    async def overtaken(request: httpx.Request) -> httpx.Response:
        early = await _result(tnm, json.loads(request.content)["response_url"], {"result": "ACCEPTED"})
        assert early.status_code == 1000
        return envelope(ACCEPTED)

    tnm.partner.on("POST", "/receiver/commands", overtaken)

    command_id = (await _send(server)).json()["id"]

    shown = await _command(server, command_id)
    assert (shown["state"], shown["response"], shown["result"]) == ("RESULTED", ACCEPTED, {"result": "ACCEPTED"})


@pytest.mark.requirement("CMD-S-04", "CMD-S-05")
async def test_without_a_result_in_time_the_command_is_timed_out_and_a_late_one_is_kept(
    server: Server, tnm: Caller
) -> None:
    command_id = (await _send(server)).json()["id"]
    (waits,) = await server.rows("SELECT extract(epoch FROM deadline - now()) AS seconds FROM outbound_requests")
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE outbound_requests SET deadline = now()"))

    await server.app.results.time_out()
    timed_out = (await _command(server, command_id))["state"]
    late = await _result(tnm, _sent(tnm)["response_url"], {"result": "ACCEPTED"})

    assert 20 < waits["seconds"] <= 25
    assert (timed_out, late.status_code) == ("TIMED_OUT", 1000)
    assert (await _command(server, command_id))["result"] == {"result": "ACCEPTED"}
    events = await server.rows("SELECT type FROM events WHERE type LIKE 'command.%' ORDER BY seq")
    assert [event["type"] for event in events] == ["command.timed_out", "command.resulted"]


@pytest.mark.requirement("CMD-S-06")
async def test_only_the_session_tells_that_charging_has_begun(server: Server, tnm: Caller) -> None:
    command_id = (await _send(server)).json()["id"]
    sent = _sent(tnm)
    await _result(tnm, sent["response_url"], {"result": "ACCEPTED"})
    accepted = await _command(server, command_id)
    reference = sent["authorization_reference"]

    session = a_session(authorization_reference=reference.swapcase(), cdr_token=_cdr_token())
    answer = await tnm.put("/sessions/NL/TNM/101", session)

    assert answer.status_code == 1000, answer
    begun = await _command(server, command_id)
    assert (accepted["session"], accepted["started"]) == (None, None)
    assert (begun["session"]["id"], begun["started"]) == ("101", True)


@pytest.mark.requirement("SES-R-23", "CMD-S-06")
@pytest.mark.parametrize("result", ["ACCEPTED", "FAILED", "TIMEOUT", None], ids=str)
@pytest.mark.parametrize("first", ["session", "result"])
async def test_a_session_belongs_to_its_command_in_every_order(
    server: Server, tnm: Caller, result: str | None, first: str
) -> None:
    """None: no result came in time."""
    command_id = (await _send(server)).json()["id"]
    sent = _sent(tnm)
    session = a_session(authorization_reference=sent["authorization_reference"], cdr_token=_cdr_token())

    async def tell_session() -> None:
        assert (await tnm.put("/sessions/NL/TNM/101", session)).http_status == 201

    async def tell_result() -> None:
        if result is not None:
            assert (await _result(tnm, sent["response_url"], {"result": result})).status_code == 1000
            return
        async with server.app.building.database.write() as tx:
            await tx.run(Statement("UPDATE outbound_requests SET deadline = now()"))
        await server.app.results.time_out()

    steps = [tell_session, tell_result]
    for step in steps if first == "session" else reversed(steps):
        await step()

    shown = await _command(server, command_id)
    assert (shown["session"], shown["started"]) == (session, True)
    assert shown["state"] == ("TIMED_OUT" if result is None else "RESULTED")
    assert shown["result"] == (None if result is None else {"result": result})


@pytest.mark.requirement("CMD-S-06")
async def test_accepted_without_a_session_is_not_started_after_a_while(server: Server, tnm: Caller) -> None:
    command_id = (await _send(server)).json()["id"]
    await _result(tnm, _sent(tnm)["response_url"], {"result": "ACCEPTED"})
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE outbound_requests SET deadline = now() - interval '16 minutes'"))

    assert (await _command(server, command_id))["started"] is False


async def _sent_at(server: Server, command_id: int, at: str) -> None:
    async with server.app.building.database.write() as tx:
        await tx.run(Statement(f"UPDATE outbound_requests SET sent_at = '{at}' WHERE id = {command_id}"))


async def _charge(tnm: Caller, key: str, start: str, end: str | None) -> None:
    over: dict[str, Any] = {"status": "COMPLETED", "end_date_time": end} if end else {"status": "ACTIVE"}
    session = a_session(id=key, start_date_time=start, authorization_reference="AR", cdr_token=_cdr_token(), **over)
    assert (await tnm.put(f"/sessions/NL/TNM/{key}", session)).status_code == 1000


@pytest.mark.requirement("CMD-S-06")
@pytest.mark.parametrize("first_ends", ["2026-03-01T12:30:00Z", None], ids=["after the first charge", "during it"])
async def test_a_reference_that_is_used_again_leads_each_command_to_its_own_session(
    server: Server, tnm: Caller, first_ends: str | None
) -> None:
    first, again = [
        (await _send(server, body=_start(authorization_reference=one))).json()["id"] for one in ("ar", "AR")
    ]
    await _sent_at(server, first, "2026-03-01T11:59:00Z")
    await _sent_at(server, again, "2026-03-01T14:00:00Z")
    await _charge(tnm, "101", "2026-03-01T12:00:00Z", first_ends)
    before = [(await _command(server, one))["session"] for one in (first, again)]

    # The clock of the CPO is behind ours.
    await _charge(tnm, "102", "2026-03-01T13:59:30Z", None)

    after = [(await _command(server, one))["session"] for one in (first, again)]
    assert [one and one["id"] for one in before] == ["101", None]
    assert [one and one["id"] for one in after] == ["101", "102"]
    assert (await _command(server, again))["started"] is True


@pytest.mark.requirement("CMD-S-06")
async def test_a_session_is_not_that_of_a_command_that_was_refused_meanwhile(server: Server, tnm: Caller) -> None:
    taken = (await _send(server, body=_start(authorization_reference="AR"))).json()["id"]
    refused = (await _send(server, body=_start(authorization_reference="AR"))).json()["id"]
    await _result(tnm, _sent(tnm)["response_url"], {"result": "EVSE_OCCUPIED"})
    await _charge(tnm, "101", "2099-03-01T12:00:00Z", None)

    sessions = [(await _command(server, one))["session"] for one in (taken, refused)]

    assert [one and one["id"] for one in sessions] == ["101", None]


def _cdr_token() -> dict[str, Any]:
    token = a_token(OWM)
    return {name: token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}


@pytest.mark.requirement("CMD-S-09", "LOC-G-10")
@pytest.mark.parametrize(
    ("token", "status"),
    [(a_token(PartyId("DE", "XYZ")), 403), (a_token(OWM, valid=False), 409), (a_token(OWM, uid=""), 422)],
)
@pytest.mark.parametrize("command", ["START_SESSION", "RESERVE_NOW"])
async def test_only_valid_tokens_of_our_own_are_sent(
    server: Server, tnm: Caller, command: str, token: dict[str, Any], status: int
) -> None:
    answer = await _send(server, command, BODIES[command] | {"token": token})

    assert answer.status_code == status, answer.text
    assert tnm.partner.requests("POST", "/receiver/commands") == []


@pytest.mark.requirement("CMD-S-09")
async def test_a_token_that_we_blocked_is_not_sent(server: Server, tnm: Caller) -> None:
    token = a_token(OWM)
    await server.operator.put(f"/api/tokens/NL/OWM/{token['uid']}", json=token | {"valid": False})

    answer = await _send(server)

    assert answer.status_code == 409, answer.text


@pytest.mark.requirement("CMD-S-11")
async def test_what_the_evse_cannot_do_is_not_asked_of_it(server: Server, tnm: Caller) -> None:
    answers = [
        await _send(server, command, BODIES[command] | {"evse_uid": "POOR"})
        for command in ("START_SESSION", "RESERVE_NOW", "UNLOCK_CONNECTOR")
    ]

    assert [a.status_code for a in answers] == [409] * 3
    assert tnm.partner.requests("POST", "/receiver/commands") == []


@pytest.mark.requirement("CMD-R-10")
async def test_the_only_connector_is_added_where_the_evse_wants_one(server: Server, tnm: Caller) -> None:
    one = await _send(server, body=_start(evse_uid="ONE"))
    two = await _send(server, body=_start(evse_uid="TWO"))

    assert (one.status_code, _sent(tnm)["connector_id"]) == (202, "1")
    assert (two.status_code, two.json()["pointer"]) == (422, "/connector_id")


@pytest.mark.requirement("CMD-S-10")
@pytest.mark.parametrize(("scope", "status"), [("write", 403), ("helpdesk", 202)])
async def test_unlocking_a_connector_is_for_the_help_desk(server: Server, tnm: Caller, scope: str, status: int) -> None:
    async with server.app.building.database.write() as tx:
        _, key = await create_key(tx, server.app.building.vault, scope, scope)
    headers = {"authorization": f"Bearer {key}"}
    body = BODIES["UNLOCK_CONNECTOR"]

    answer = await server.operator.post("/api/commands/UNLOCK_CONNECTOR", json=body, headers=headers)
    in_disguise = await server.operator.post("/api/commands/unlock_connector", json=body, headers=headers)

    assert (answer.status_code, in_disguise.status_code) == (status, 404)


@pytest.mark.requirement("CMD-R-05", "CMD-R-06")
@pytest.mark.parametrize(
    ("answer", "response"),
    [
        (envelope({"result": "REJECTED", "timeout": 0}), {"result": "REJECTED", "timeout": 0}),
        (envelope({"result": "REJECTED", "timeout": 30}, code=2003), {"result": "REJECTED", "timeout": 30}),
        (envelope({"result": "NEWS", "timeout": 30}), {"result": "NEWS", "timeout": 30}),
        (envelope(code=2001), None),
        (httpx.Response(404), None),
    ],
)
async def test_a_command_that_is_refused_waits_for_no_result(
    server: Server, tnm: Caller, answer: httpx.Response, response: Any
) -> None:
    tnm.partner.on("POST", "/receiver/commands", answer)

    sent = await _send(server)

    assert (sent.status_code, sent.json()["response"]) == (202, response)
    assert (await _command(server, sent.json()["id"]))["state"] == "REFUSED"


@pytest.mark.requirement("CMD-R-03")
@pytest.mark.parametrize(
    "answer",
    [
        envelope(),
        envelope("nonsense"),
        envelope({"result": "ACCEPTED"}),
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
    ],
)
async def test_where_nobody_knows_whether_the_command_is_carried_out_its_result_is_waited_for(
    server: Server, tnm: Caller, answer: httpx.Response
) -> None:
    tnm.partner.on("POST", "/receiver/commands", answer)

    sent = await _send(server)

    assert sent.status_code == 202, sent.text
    assert (await _command(server, sent.json()["id"]))["state"] == "WAITING"


async def test_a_cpo_that_cannot_be_reached_is_told_and_the_command_has_failed(server: Server, tnm: Caller) -> None:
    del server.internet.partners[tnm.partner.host]

    answer = await _send(server)

    assert answer.status_code == 502
    (shown,) = (await server.operator.get("/api/commands")).json()
    assert (shown["state"], shown["started"]) == ("FAILED", False)


async def test_a_party_of_ours_that_the_partner_does_not_deal_with_sends_it_no_command(
    server: Server, tnm: Caller
) -> None:
    await server.operator.patch("/api/partners/1", json={"parties": ["NL*OWA"]})

    answer = await _send(server)

    assert (answer.status_code, tnm.partner.requests("POST", "/receiver/commands")) == (409, []), answer.text
    assert answer.json()["detail"] == "NL*OWM is not among the parties of ours that tnm deals with"


@pytest.mark.parametrize("command", ["STOP_SESSION", "CANCEL_RESERVATION"])
@pytest.mark.parametrize("off", [{"modules": []}, {"parties": []}], ids=str)
async def test_what_was_begun_can_be_ended_whatever_was_switched_off_meanwhile(
    server: Server, tnm: Caller, off: dict[str, Any], command: str
) -> None:
    await server.operator.patch("/api/partners/1", json=off)

    answer = await _send(server, command)

    assert (answer.status_code, answer.json()["response"]) == (202, ACCEPTED), answer.text


async def test_a_cpo_that_we_are_not_connected_to_is_not_found(server: Server, tnm: Caller) -> None:
    answer = await _send(server, body=_start(party_id="XXX"))

    assert answer.status_code == 404


async def test_the_secret_of_a_call_back_url_is_kept_nowhere(server: Server, tnm: Caller) -> None:
    await _send(server)
    secret = urlsplit(_sent(tnm)["response_url"]).path.rpartition("/")[2]

    rows = await server.rows("SELECT * FROM outbound_requests")
    events = await server.rows("SELECT * FROM events")

    assert secret not in str(rows) + str(events)
    assert basic(secret) not in str(rows)
