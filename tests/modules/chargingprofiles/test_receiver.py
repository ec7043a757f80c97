"""eMSPs ask for charging profiles in our sessions, and hear later what came of it."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.objects import NOON, a_cdr_token, a_charging_profile, a_location, a_session, an_evse
from tests.partner import Answer, Caller, FakePartner, envelope
from tests.server import Server, start_server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import JsonObject, PartyId, now, wire_time

OWA = PartyId("NL", "OWA")
DE_TNM, DE_ABC = PartyId("DE", "TNM"), PartyId("DE", "ABC")
URL = "/chargingprofiles/101"
BACK = "https://tnm.example/back?id=5678"
PLAN_URL = "/api/sessions/NL/OWA/101/active_charging_profile"
PROFILE = a_charging_profile()
PLAN = {"start_date_time": NOON, "charging_profile": PROFILE | {"duration": 900}}


@pytest.fixture
async def partner(server: Server) -> FakePartner:
    return server.internet.add(FakePartner())


@pytest.fixture
async def tnm(server: Server, partner: FakePartner) -> Caller:
    """The eMSP DE/TNM, calling our CPO."""
    caller = await server.connect(partner)
    partner.asked.clear()
    return caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")


@pytest.fixture
async def session(server: Server) -> None:
    """A session of DE/TNM on an EVSE that takes profiles."""
    await have_evse(server, "CHARGING_PROFILE_CAPABLE")
    await have_session(server)


async def have_evse(server: Server, *capabilities: str) -> None:
    location = a_location(OWA, evses=[an_evse(capabilities=list(capabilities))])
    answer = await server.operator.put("/api/locations/NL/OWA/LOC1", json=location)
    assert answer.status_code in (200, 201), answer.text


async def have_session(server: Server, emsp: PartyId = DE_TNM, **changes: Any) -> None:
    session = a_session(OWA, cdr_token=a_cdr_token(emsp), **changes)
    answer = await server.operator.put(f"/api/sessions/NL/OWA/{session['id']}", json=session)
    assert answer.status_code in (200, 201), answer.text


async def set_profile(caller: Caller, url: str = BACK) -> Answer:
    return await caller.put(URL, {"charging_profile": PROFILE, "response_url": url})


async def get_active(caller: Caller, url: str = BACK) -> Answer:
    return await caller.get(f"{URL}?duration=900&response_url={quote(url, safe='')}")


async def clear(caller: Caller, url: str = BACK) -> Answer:
    return await caller.delete(f"{URL}?response_url={quote(url, safe='')}")


ASK = {"SET_CHARGING_PROFILE": set_profile, "ACTIVE_CHARGING_PROFILE": get_active, "CLEAR_CHARGING_PROFILE": clear}
KINDS = list(ASK)


async def pending(server: Server) -> list[JsonObject]:
    answer = await server.operator.get("/api/chargingprofiles?direction=inbound&state=pending")
    found: list[JsonObject] = answer.json()
    return found


async def give_result(server: Server, result: JsonObject) -> httpx.Response:
    (request,) = await pending(server)
    return await server.operator.post(f"/api/chargingprofiles/requests/{request['id']}/result", json=result)


async def deliver(server: Server) -> None:
    """Everything that is due to a response_url, now."""
    worker = server.app.results
    while await worker.start():
        for task in list(worker.hands.busy):
            await task


def told(partner: FakePartner, method: str) -> list[tuple[str, Any]]:
    return [(str(r.url), json.loads(r.content)) for r in partner.requests(method)]


@pytest.mark.requirement("CHP-R-01", "CHP-R-02", "CHP-R-03", "CHP-R-05", "CHP-R-10")
@pytest.mark.parametrize(
    ("kind", "wanted", "result"),
    [
        ("SET_CHARGING_PROFILE", {"charging_profile": PROFILE}, {"result": "ACCEPTED"}),
        ("ACTIVE_CHARGING_PROFILE", {"duration": 900}, {"result": "ACCEPTED", "profile": PLAN}),
        ("CLEAR_CHARGING_PROFILE", {}, {"result": "UNKNOWN"}),
    ],
)
async def test_an_accepted_request_is_kept_for_our_system_and_its_result_posted_once(
    server: Server, tnm: Caller, partner: FakePartner, session: None, kind: str, wanted: JsonObject, result: JsonObject
) -> None:
    answer = await ASK[kind](tnm)
    (request,) = await pending(server)

    given = await give_result(server, result)
    again = await server.operator.post(f"/api/chargingprofiles/requests/{request['id']}/result", json=result)
    await deliver(server)
    await deliver(server)

    assert (answer.http_status, answer.status_code) == (200, 1000), answer
    assert answer.data == {"result": "ACCEPTED", "timeout": 30}
    assert (request["kind"], request["request"]) == (kind, {"session_id": "101"} | wanted)
    assert (given.status_code, again.status_code) == (202, 409), given.text
    assert told(partner, "POST") == [(BACK, result)]
    (sent,) = partner.requests("POST")
    assert (sent.headers["ocpi-from-party-id"], sent.headers["ocpi-to-country-code"]) == ("OWA", "DE")
    assert sent.headers["ocpi-to-party-id"] == "TNM"
    assert await pending(server) == []


@pytest.mark.requirement("CHP-R-10")
async def test_an_accepted_active_profile_must_be_told(server: Server, tnm: Caller, session: None) -> None:
    await get_active(tnm)

    answer = await give_result(server, {"result": "ACCEPTED"})

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/profile")


@pytest.mark.requirement("CHP-R-10")
@pytest.mark.parametrize("kind", KINDS)
async def test_silence_of_our_system_is_told_as_rejected(
    server: Server, tnm: Caller, partner: FakePartner, session: None, kind: str
) -> None:
    await ASK[kind](tnm)
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE inbound_requests SET deadline = now()"))

    await server.app.results.time_out()
    await deliver(server)

    assert told(partner, "POST") == [(BACK, {"result": "REJECTED"})]


@pytest.mark.requirement("CHP-R-10")
async def test_a_result_is_delivered_although_the_partner_was_down(
    server: Server, tnm: Caller, partner: FakePartner, session: None
) -> None:
    await set_profile(tnm)
    partner.on("POST", "/back", envelope(code=3000, http_status=503))
    await give_result(server, {"result": "ACCEPTED"})
    await deliver(server)
    partner.on("POST", "/back", envelope())
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE results_due SET next_at = now()"))

    await deliver(server)

    assert told(partner, "POST") == [(BACK, {"result": "ACCEPTED"})] * 2
    assert [row["state"] for row in await server.rows("SELECT state FROM results_due")] == ["DELIVERED"]


@pytest.mark.requirement("CHP-R-10")
async def test_a_result_is_delivered_by_whoever_is_there_after_a_restart(
    server: Server, tnm: Caller, partner: FakePartner, session: None, database_url: str
) -> None:
    await set_profile(tnm)
    await give_result(server, {"result": "ACCEPTED"})

    async with start_server(database_url) as restarted:
        restarted.internet.add(partner)
        await deliver(restarted)
    await deliver(server)

    assert told(partner, "POST") == [(BACK, {"result": "ACCEPTED"})]


@pytest.mark.requirement("CHP-R-06", "CHP-R-07", "CHP-R-09", "CHP-R-11", "CHP-R-19")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("capability", "emsp", "changes", "result"),
    [
        ("CHARGING_PROFILE_CAPABLE", DE_TNM, {"id": "999"}, "UNKNOWN_SESSION"),
        ("CHARGING_PROFILE_CAPABLE", DE_ABC, {}, "REJECTED"),
        ("CHARGING_PROFILE_CAPABLE", DE_TNM, {"status": "COMPLETED"}, "REJECTED"),
        ("CHARGING_PROFILE_CAPABLE", DE_TNM, {"status": "PENDING"}, "REJECTED"),
        ("RFID_READER", DE_TNM, {}, "NOT_SUPPORTED"),
        ("CHARGING_PROFILE_CAPABLE", DE_TNM, {"evse_uid": "gone"}, "NOT_SUPPORTED"),
    ],
)
async def test_what_cannot_be_passed_on_is_answered_at_once_and_has_no_result(
    server: Server, tnm: Caller, kind: str, capability: str, emsp: PartyId, changes: JsonObject, result: str
) -> None:
    await have_evse(server, capability)
    await have_session(server, emsp, **changes)

    answer = await ASK[kind](tnm)

    assert (answer.http_status, answer.status_code) == (200, 1000), answer
    assert answer.data == {"result": result, "timeout": 30}
    assert await server.rows("SELECT * FROM inbound_requests") == []


@pytest.mark.requirement("CHP-R-08")
async def test_too_many_requests_for_one_session_are_too_often(server: Server, tnm: Caller, session: None) -> None:
    await have_session(server, id="102")
    most = server.app.building.charging_profile_requests

    answers = [(await get_active(tnm, f"{BACK}&n={n}")).data["result"] for n in range(most + 1)]
    other = await tnm.put("/chargingprofiles/102", {"charging_profile": PROFILE, "response_url": BACK})

    assert answers == ["ACCEPTED"] * most + ["TOO_OFTEN"]
    assert other.data["result"] == "ACCEPTED"


@pytest.mark.requirement("CHP-R-01", "CHP-R-03", "CHP-R-16", "CHP-R-18")
async def test_what_cannot_be_meant_is_2001_and_nobody_is_called(
    server: Server, tnm: Caller, partner: FakePartner, session: None
) -> None:
    two_decimals = a_charging_profile(charging_profile_period=[{"start_period": 0, "limit": 16.25}])
    descending = a_charging_profile(charging_profile_period=[{"start_period": 9, "limit": 1}])

    answers = [
        await tnm.get(f"{URL}?response_url={quote(BACK)}"),
        await tnm.get(f"{URL}?duration=900"),
        await tnm.delete(URL),
        await tnm.put(URL, {"charging_profile": PROFILE}),
        await tnm.put(URL, {"charging_profile": two_decimals, "response_url": BACK}),
        await tnm.put(URL, {"charging_profile": descending, "response_url": BACK}),
        await set_profile(tnm, "https://elsewhere.example/back"),
        await clear(tnm, "http://tnm.example/back"),
        await get_active(tnm, "https://127.0.0.1/back"),
    ]

    assert [(a.http_status, a.status_code) for a in answers] == [(200, 2001)] * len(answers), answers
    assert await server.rows("SELECT * FROM inbound_requests") == []
    assert partner.asked == []


@pytest.mark.requirement("CHP-R-16")
@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"duration": -1}, "duration"),
        ({"min_charging_rate": -6}, "min_charging_rate"),
        ({"charging_profile_period": [{"start_period": 0, "limit": -0.1}]}, "charging_profile_period/0/limit"),
        ({"charging_profile_period": [{"start_period": 0, "limit": "-1"}]}, "charging_profile_period/0/limit"),
    ],
)
async def test_nothing_in_a_profile_is_negative(
    server: Server, tnm: Caller, session: None, changes: dict[str, Any], where: str
) -> None:
    answer = await tnm.put(URL, {"charging_profile": a_charging_profile(**changes), "response_url": BACK})

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert answer.message.startswith(f"/charging_profile/{where}: must be ")
    assert answer.message.endswith(" at least 0")
    assert await server.rows("SELECT * FROM inbound_requests") == []


@pytest.mark.requirement("CHP-R-16")
async def test_a_period_behind_the_end_of_its_profile_is_passed_on_and_noted(
    server: Server, tnm: Caller, session: None
) -> None:
    periods = [{"start_period": 0, "limit": 16}, {"start_period": 60, "limit": 8}, {"start_period": 90, "limit": 0}]
    profile = a_charging_profile(duration=60, charging_profile_period=periods)

    answer = await tnm.put(URL, {"charging_profile": profile, "response_url": BACK})

    assert answer.data["result"] == "ACCEPTED"
    findings = (await server.operator.get("/api/findings")).json()
    rule = "is not before the end of the profile, which lasts 60 seconds"
    assert sorted((one["pointer"], one["rule"]) for one in findings) == [
        (f"/charging_profile/charging_profile_period/{number}/start_period", rule) for number in (1, 2)
    ]


@pytest.mark.requirement("CHP-R-16")
async def test_a_profile_without_periods_is_taken(server: Server, tnm: Caller, session: None) -> None:
    answer = await tnm.put(URL, {"charging_profile": {"charging_rate_unit": "W"}, "response_url": BACK})

    assert answer.data["result"] == "ACCEPTED"


@pytest.mark.requirement("CHP-R-17")
async def test_a_response_url_that_is_not_encoded_is_recovered(
    server: Server, tnm: Caller, partner: FakePartner, session: None
) -> None:
    back = "https://tnm.example/ocpi/2.2.1/chargingprofile/response?request_id=5678"
    answer = await tnm.get(f"{URL}?duration=900&response_url={back}")

    await give_result(server, {"result": "UNKNOWN"})
    await deliver(server)

    assert answer.data["result"] == "ACCEPTED"
    assert told(partner, "POST") == [(back, {"result": "UNKNOWN"})]


@pytest.mark.requirement("CHP-R-04")
async def test_nothing_is_posted_or_patched(tnm: Caller, session: None) -> None:
    assert [(await tnm.post(URL, {})).http_status, (await tnm.patch(URL, {})).http_status] == [405, 405]


@pytest.mark.requirement("CHP-R-12", "CHP-R-14")
async def test_a_sender_that_set_a_profile_hears_of_each_change(
    server: Server, tnm: Caller, partner: FakePartner, session: None
) -> None:
    await set_profile(tnm)
    await give_result(server, {"result": "ACCEPTED"})
    await server.push()
    partner.asked.clear()
    later = PLAN | {"start_date_time": "2026-03-01T12:05:00Z"}

    for plan in (PLAN, later):
        assert (await server.operator.put(PLAN_URL, json=plan)).status_code == 202
        await server.push()

    url = f"{partner.endpoint('chargingprofiles', 'SENDER')}/101"
    assert told(partner, "PUT") == [(url, PLAN), (url, later)]
    sent = partner.requests("PUT")[0]
    assert (sent.headers["ocpi-from-party-id"], sent.headers["ocpi-to-country-code"]) == ("OWA", "DE")
    assert (await server.operator.get(PLAN_URL)).json()["active_charging_profile"] == later


@pytest.mark.requirement("CHP-R-19")
@pytest.mark.parametrize("status", ["COMPLETED", "INVALID"])
async def test_nothing_is_planned_for_a_session_that_is_over(server: Server, session: None, status: str) -> None:
    await server.operator.put(PLAN_URL, json=PLAN)
    before = await server.operator.get(PLAN_URL)
    await server.operator.patch("/api/sessions/NL/OWA/101", json={"status": status})

    after = await server.operator.get(PLAN_URL)

    assert (before.status_code, after.status_code) == (200, 404)


@pytest.mark.requirement("CHP-R-13")
@pytest.mark.parametrize("how", ["nothing", "asked", "rejected"])
async def test_nobody_else_hears_of_it(
    server: Server, tnm: Caller, partner: FakePartner, session: None, how: str
) -> None:
    if how == "asked":
        await get_active(tnm)
        await give_result(server, {"result": "ACCEPTED", "profile": PLAN})
    if how == "rejected":
        await set_profile(tnm)
        await give_result(server, {"result": "REJECTED"})
    await server.push()
    partner.asked.clear()

    answer = await server.operator.put(PLAN_URL, json=PLAN)
    await server.push()

    assert answer.status_code == 202
    assert partner.asked == []


@pytest.mark.requirement("CHP-R-15")
@pytest.mark.parametrize(("connector", "unit", "limit"), [({}, "A", 32), ({"max_electric_power": 22000}, "W", 22000)])
async def test_without_a_profile_the_maximum_of_the_evse_is_told(
    server: Server, tnm: Caller, partner: FakePartner, session: None, connector: JsonObject, unit: str, limit: int
) -> None:
    await set_profile(tnm)
    await give_result(server, {"result": "ACCEPTED"})
    await server.operator.patch("/api/locations/NL/OWA/LOC1/3256/1", json=connector or {"max_amperage": 32})
    await server.push()
    partner.asked.clear()

    answer = await server.operator.delete(PLAN_URL)
    await server.push()

    ((_, body),) = told(partner, "PUT")
    assert (answer.status_code, answer.json()) == (202, body)
    assert body["charging_profile"] == {
        "charging_rate_unit": unit,
        "charging_profile_period": [{"start_period": 0, "limit": limit}],
    }


@pytest.mark.requirement("CHP-R-15")
@pytest.mark.parametrize("ahead", [timedelta(minutes=4), timedelta(days=365)])
async def test_a_clock_that_is_ahead_keeps_no_later_plan_out(server: Server, session: None, ahead: timedelta) -> None:
    early = wire_time(now() + ahead)
    await server.operator.put(PLAN_URL, json=PLAN | {"start_date_time": early})

    cleared = await server.operator.delete(PLAN_URL)

    known = (await server.operator.get(PLAN_URL)).json()["active_charging_profile"]
    assert (cleared.status_code, cleared.json()) == (202, known)
    # Within what clocks differ by, the one who was told of the first plan must see that this one is not older.
    assert (known["start_date_time"] == early) is (ahead == timedelta(minutes=4))


@pytest.mark.requirement("CHP-R-14", "CHP-R-19")
async def test_a_plan_that_must_not_be_told_is_refused(server: Server, session: None) -> None:
    too_long = PLAN | {"charging_profile": PROFILE | {"duration": 86400}}
    long = await server.operator.put(PLAN_URL, json=too_long)
    await have_session(server, status="COMPLETED")

    over = await server.operator.put(PLAN_URL, json=PLAN)

    assert (long.status_code, long.json()["pointer"]) == (422, "/charging_profile/duration")
    assert over.status_code == 409
