"""The operator sees what happened to a charge, and what waits for somebody."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.behind import EVC, a_hub, tell
from tests.commanding import an_emsp, deliver, settle, start_session
from tests.objects import a_cdr, a_cdr_token, a_location, a_session, a_token
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server, start_server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import PartyId, now, parse_time, wire_time

OWA, OWM, DE_TNM = PartyId("NL", "OWA"), PartyId("NL", "OWM"), PartyId("DE", "TNM")
AT_ONCE = {"start_minutes": 0, "silence_minutes": 0, "cdr_minutes": 0, "push_minutes": 0}
JUST_NOW = wire_time(now() - timedelta(minutes=1))


@pytest.fixture
async def server(database_url: str) -> Any:
    async with start_server(database_url, message_log_days=30) as running:
        await running.add_party("NL", "OWA", "CPO")
        await running.add_party("NL", "OWM", "EMSP")
        yield running


async def _watched(server: Server, **limits: Any) -> list[tuple[str, str, Any]]:
    answer = await server.operator.get("/api/watch", params=AT_ONCE | limits)
    assert answer.status_code == 200, answer.text
    return [(one["kind"], one["who"], one.get("object", one.get("id"))) for one in answer.json()]


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The CPO NL/TNM, calling our eMSP."""
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


def _session(**changes: Any) -> dict[str, Any]:
    return a_session(authorization_reference="REF-1", last_updated=JUST_NOW) | changes


async def test_everything_of_a_charge_stands_on_one_line_in_its_order(server: Server, tnm: Caller) -> None:
    await server.operator.put("/api/tokens/NL/OWM/012345678", json=a_token(OWM))
    tnm.partner.on("POST", "/receiver/commands", envelope({"result": "ACCEPTED", "timeout": 20}))
    command = {"country_code": "NL", "party_id": "TNM", "token": a_token(OWM), "location_id": "LOC1"}
    sent = await server.operator.post(
        "/api/commands/START_SESSION", json=command | {"authorization_reference": "ref-1"}
    )
    await tnm.put("/sessions/NL/TNM/101", _session(id="101"))
    await tnm.post("/cdrs", a_cdr(cdr_token=a_cdr_token(OWM), session_id="101"))
    assert sent.status_code == 202, sent.text

    by_session, by_command, by_reference = [
        (await server.operator.get("/api/timeline", params=params)).json()
        for params in ({"session": "nl*tnm/101"}, {"command": sent.json()["id"]}, {"authorization_reference": "REF-1"})
    ]

    assert by_session == by_command == by_reference
    kinds = [entry["kind"] for entry in by_session]
    assert {"command", "session", "cdr", "event", "message"} == set(kinds)
    moments = [parse_time(entry["at"]) for entry in by_session]
    assert moments == sorted(moments)
    words = [entry["words"] for entry in by_session if entry["kind"] == "message"]
    assert [one.partition(" →")[0] for one in words] == [
        f"we asked: POST commands START_SESSION/{sent.json()['id']}",
        "they asked: PUT sessions NL*TNM/101",
        f"they asked: POST cdrs NL*TNM/{a_cdr()['id']}",
    ]


async def test_a_reference_that_is_used_again_is_another_charge(server: Server, tnm: Caller) -> None:
    await server.operator.put("/api/tokens/NL/OWM/012345678", json=a_token(OWM))
    tnm.partner.on("POST", "/receiver/commands", envelope({"result": "ACCEPTED", "timeout": 20}))
    command = {"country_code": "NL", "party_id": "TNM", "token": a_token(OWM), "location_id": "LOC1"}
    sent = [
        (await server.operator.post("/api/commands/START_SESSION", json=command | {"authorization_reference": "REF-1"}))
        for _ in range(3)
    ]
    failed, first, again = [one.json()["id"] for one in sent]
    async with server.app.building.database.write() as tx:
        for id_, result, at in (
            (failed, "FAILED", "2026-03-01T11:58:00Z"),
            (first, "ACCEPTED", "2026-03-01T11:59:00Z"),
        ):
            results = f'''[{{"at": "{at}", "result": {{"result": "{result}"}}}}]'''
            changes = f"state = 'RESULTED', sent_at = '{at}', results = '{results}'"
            await tx.run(Statement(f"UPDATE outbound_requests SET {changes} WHERE id = {id_}"))
    over = {"status": "COMPLETED", "end_date_time": "2026-03-01T13:00:00Z"}
    await tnm.put("/sessions/NL/TNM/101", _session(id="101", **over))
    await tnm.post("/cdrs", a_cdr(cdr_token=a_cdr_token(OWM), session_id="101"))

    async def told(**params: Any) -> set[tuple[str, Any]]:
        line = (await server.operator.get("/api/timeline", params=params)).json()
        kinds = ("command", "session", "cdr")
        return {(entry["kind"], entry.get("object", entry.get("id"))) for entry in line if entry["kind"] in kinds}

    done = {("command", failed), ("command", first), ("session", "NL*TNM/101"), ("cdr", f"NL*TNM/{a_cdr()['id']}")}
    assert await told(command=first) == await told(session="101") == done
    assert await told(command=again) == {("command", again)}
    assert await told(authorization_reference="REF-1") == done | {("command", again)}


async def test_a_command_is_watched_though_its_reference_led_to_a_session_before(server: Server, tnm: Caller) -> None:
    accepted = """UPDATE {} SET state = 'RESULTED', {} WHERE id = {}"""
    caller = await an_emsp(server, name="xyz", host="xyz.example", token="token-b.xyz", roles=(("EMSP", "DE", "XYZ"),))
    tnm.partner.on("POST", "/receiver/commands", envelope({"result": "ACCEPTED", "timeout": 20}))
    await server.operator.put("/api/tokens/NL/OWM/012345678", json=a_token(OWM))
    command = {"country_code": "NL", "party_id": "TNM", "token": a_token(OWM), "location_id": "LOC1"}
    again = command | {"authorization_reference": "REF-1"}
    ours = (await server.operator.post("/api/commands/START_SESSION", json=again)).json()["id"]
    token = a_token(PartyId("DE", "XYZ"))
    body = start_session(token=token, authorization_reference="REF-1", response_url="https://xyz.example/back")
    await caller.post("/commands/START_SESSION", body)
    theirs = (await server.operator.get("/api/commands", params={"direction": "inbound"})).json()[0]["id"]
    async with server.app.building.database.write() as tx:
        result = """results = '[{"at": "2026-03-01T11:59:00Z", "result": {"result": "ACCEPTED"}}]'"""
        await tx.run(Statement(accepted.format("outbound_requests", result, ours)))
        await tx.run(Statement(accepted.format("inbound_requests", """result = '{"result": "ACCEPTED"}'""", theirs)))
    over = {"status": "COMPLETED", "end_date_time": "2026-03-01T13:00:00Z"}
    await tnm.put("/sessions/NL/TNM/101", _session(id="101", **over))
    own = a_session(OWA, id="7", authorization_reference="REF-1", cdr_token=a_cdr_token(PartyId("DE", "XYZ")), **over)
    await server.operator.put("/api/sessions/NL/OWA/7", json=own)

    watched = await _watched(server, start_minutes=0)

    found = {(who, id_) for kind, who, id_ in watched if kind == "command_without_session"}
    assert found == {("the partner", ours), ("our own system", theirs)}


async def test_a_real_time_authorization_leads_to_the_message_that_asked(server: Server, tnm: Caller) -> None:
    await server.operator.put("/api/tokens/NL/OWM/012345678", json=a_token(OWM))
    answer = await tnm.post("/tokens/012345678/authorize")

    reference = answer.data["authorization_reference"]
    line = (await server.operator.get("/api/timeline", params={"authorization_reference": reference})).json()

    assert [entry["kind"] for entry in line] == ["message", "authorization"]
    assert line[1]["words"] == "a CPO asked us: ALLOWED, the token is valid"


async def test_an_answer_without_envelope_stands_on_the_line_with_its_http_status_alone(
    server: Server, tnm: Caller
) -> None:
    tnm.partner.on("POST", "/receiver/commands", httpx.Response(403))
    command = {"country_code": "NL", "party_id": "TNM", "token": a_token(OWM), "location_id": "LOC1"}
    sent = await server.operator.post(
        "/api/commands/START_SESSION", json=command | {"authorization_reference": "REF-1"}
    )

    line = (await server.operator.get("/api/timeline", params={"authorization_reference": "REF-1"})).json()

    assert [entry["words"].partition("→ ")[2] for entry in line if entry["kind"] == "message"] == ["HTTP 403"], (
        sent.text
    )


async def test_a_timeline_is_of_one_charge(server: Server) -> None:
    for params in ({}, {"session": "1", "command": "1"}):
        assert (await server.operator.get("/api/timeline", params=params)).status_code == 422


async def test_what_waits_for_somebody_is_listed_with_who_has_to_act(server: Server) -> None:
    caller = await an_emsp(server)
    tnm = caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    assert await _watched(server, push_minutes=15) == []

    await caller.post("/commands/START_SESSION", start_session(authorization_reference="none"))
    await settle(server)
    caller.partner.on("POST", "/back", envelope(code=2000))
    await deliver(server)
    await tnm.put("/sessions/NL/TNM/101", _session(id="101", status="ACTIVE"))
    await tnm.put("/sessions/NL/TNM/102", _session(id="102", status="COMPLETED"))
    await tnm.post("/cdrs", a_cdr(cdr_token=a_cdr_token(OWM), session_id="999", last_updated=JUST_NOW))

    assert sorted(await _watched(server, push_minutes=0)) == [
        ("cdr_without_session", "the partner", f"NL*TNM/{a_cdr()['id']}"),
        ("command_without_session", "our own system", 1),
        ("late_delivery", "the partner", "locations/NL*OWA/LOC1"),
        ("session_without_cdr", "the partner", "NL*TNM/102"),
        ("silent_session", "the partner", "NL*TNM/101"),
        ("undelivered_result", "the partner: its response_url", "START_SESSION"),
    ]
    assert await _watched(server, start_minutes=15, silence_minutes=360, cdr_minutes=1440, push_minutes=15) == [
        ("undelivered_result", "the partner: its response_url", "START_SESSION")
    ]


async def test_what_a_partner_refused_is_listed_and_told_again_when_the_operator_asks(
    server: Server, tnm: Caller
) -> None:
    tnm.partner.on("PUT", "/locations", envelope(code=2001))
    await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location(OWA))
    await server.push()

    (refused,) = (await server.operator.get("/api/deliveries", params={"state": "refused"})).json()
    watched = await _watched(server)
    tnm.partner.on("PUT", "/locations", envelope())
    answer = await server.operator.post("/api/deliveries/retry", json={"partner": 1})
    await server.push()

    assert (refused["module"], refused["object"], refused["party"]) == ("locations", "NL*OWA/LOC1", "DE*TNM")
    assert "2001" in refused["reason"]
    assert watched == [("refused_delivery", "our own system, with the partner", "locations/NL*OWA/LOC1")]
    assert (answer.status_code, answer.json()) == (202, {"retried": 1})
    assert (await server.operator.get("/api/deliveries")).json() == []
    assert (await server.operator.post("/api/deliveries/retry", json={"partner": 9})).status_code == 404


@pytest.mark.requirement("HCI-R-09", "CDR-R-28", "OPS-04")
async def test_a_cdr_whose_payer_nobody_reaches_is_listed_until_somebody_does(server: Server, tnm: Caller) -> None:
    lost = a_cdr(OWA, cdr_token=a_cdr_token(PartyId("FR", "CCC")), last_updated=JUST_NOW) | {"id": "LOST"}
    told = a_cdr(OWA, cdr_token=a_cdr_token(DE_TNM), last_updated=JUST_NOW) | {"id": "TOLD"}
    ours = a_cdr(OWA, cdr_token=a_cdr_token(OWM), last_updated=JUST_NOW) | {"id": "OURS"}
    for cdr in (lost, told, ours):
        cdr.pop("session_id", None)
        answer = await server.operator.put(f"/api/cdrs/NL/OWA/{cdr['id']}", json=cdr)
        assert answer.status_code == 201, answer.text
    await server.push()

    listed = await _watched(server)
    soon = await _watched(server, push_minutes=15)
    await server.connect(
        server.internet.add(FakePartner(host="ccc.example", token="c.c", roles=(("EMSP", "FR", "CCC"),)))
    )

    assert listed == [("cdr_for_nobody", "our own system", "NL*OWA/LOST")]
    assert soon == []
    assert await _watched(server) == []


@pytest.mark.requirement("HCI-R-08", "HCI-R-09", "OPS-04")
@pytest.mark.parametrize(("status", "listed"), [("SUSPENDED", True), ("PLANNED", True), ("OFFLINE", False)])
async def test_a_cdr_for_a_party_that_a_hub_does_not_reach_for_good_is_listed(
    server: Server, status: str, listed: bool
) -> None:
    await tell(await a_hub(server), EVC, status=status)
    cdr = a_cdr(OWA, cdr_token=a_cdr_token(EVC), last_updated=JUST_NOW) | {"id": "LATE"}
    cdr.pop("session_id", None)

    answer = await server.operator.put("/api/cdrs/NL/OWA/LATE", json=cdr)

    assert answer.status_code == 201, answer.text
    found = ("cdr_for_nobody", "our own system", "NL*OWA/LATE")
    assert (found in await _watched(server)) is listed


async def test_findings_are_listed_by_partner_and_module(server: Server, tnm: Caller) -> None:
    await tnm.post("/cdrs", a_cdr(cdr_token=a_cdr_token(OWM), session_id="999", total_energy=99999))
    found = (await server.operator.get("/api/findings")).json()

    page = await server.operator.get("/api/findings", params={"partner": 1, "module": "cdrs", "limit": 1})

    assert page.json() == found[:1]
    assert page.headers["x-total-count"] == str(len(found))
    assert found[0]["object"] == f"NL*TNM/{a_cdr()['id']}"
    assert (await server.operator.get("/api/findings", params={"module": "tokens"})).json() == []


async def test_lags_stand_in_the_metrics_in_seconds(server: Server, tnm: Caller) -> None:
    await server.operator.post("/api/webhooks", json={"url": "https://hooks.example/hook"})
    await server.operator.put("/api/tokens/NL/OWM/012345678", json=a_token(OWM))
    await tnm.post("/tokens/012345678/authorize")

    text = (await server.operator.get("/metrics")).text
    pending = len(await server.rows("SELECT FROM events e, webhooks w WHERE e.seq > w.cursor"))

    assert pending > 0
    assert f'ocpi_party_events_pending{{webhook="1"}} {pending}.0' in text
    assert 'ocpi_party_events_lag_seconds{webhook="1"} 0.' in text
    assert "ocpi_party_messages_waiting " in text
    assert "ocpi_party_messages_dropped_total 0.0" in text
