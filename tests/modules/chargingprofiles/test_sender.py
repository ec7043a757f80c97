"""We ask CPOs about the charging profiles of our drivers' sessions, and they tell us results and plans."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.objects import NOON, a_cdr_token, a_charging_profile, a_location, a_session, an_evse
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import JsonObject, PartyId

OWM = PartyId("NL", "OWM")
PROFILE = a_charging_profile()
PLAN = {"start_date_time": NOON, "charging_profile": PROFILE}
URL = "/api/chargingprofiles/101"
ACCEPTED = {"result": "ACCEPTED", "timeout": 30}


@pytest.fixture
async def partner(server: Server) -> FakePartner:
    roles = (("CPO", "NL", "TNM"), ("CPO", "BE", "BEC"), ("EMSP", "DE", "TNM"))
    found = server.internet.add(FakePartner(roles=roles))
    for method in ("GET", "PUT", "DELETE"):
        found.on(method, "/chargingprofiles/", envelope(ACCEPTED))
    return found


@pytest.fixture
async def tnm(server: Server, partner: FakePartner) -> Caller:
    """The CPO NL/TNM, which told us of session 101 of our driver, on an EVSE that takes profiles."""
    caller = (await server.connect(partner)).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    evses = [an_evse(capabilities=["CHARGING_PROFILE_CAPABLE"]), an_evse(uid="2")]
    await caller.put("/locations/NL/TNM/LOC1", a_location(evses=evses))
    await have_session(caller)
    partner.asked.clear()
    return caller


@pytest.fixture
async def stranger(server: Server) -> Caller:
    other = FakePartner("xyz", "xyz.example", "token-b.for-xyz", (("CPO", "NL", "XYZ"),))
    return (await server.connect(server.internet.add(other))).speaking(("NL", "XYZ"), ("NL", "OWM"), "emsp")


async def have_session(caller: Caller, owner: PartyId = PartyId("NL", "TNM"), **changes: Any) -> None:  # noqa: B008 - immutable
    session = a_session(owner, **{"cdr_token": a_cdr_token(OWM)} | changes)
    url = f"/sessions/{owner.country_code}/{owner.party_id}/{session['id']}"
    answer = await caller.put(url, session)
    assert answer.status_code == 1000, answer


async def ask(server: Server, kind: str, url: str = URL) -> httpx.Response:
    if kind == "PUT":
        return await server.operator.put(url, json=PROFILE)
    if kind == "GET":
        return await server.operator.get(url, params={"duration": 900})
    return await server.operator.delete(url)


def back(partner: FakePartner) -> str:
    """The response_url that we gave."""
    request = partner.requests(None, "/chargingprofiles/101")[-1]
    if request.content:
        return str(json.loads(request.content)["response_url"])
    return parse_qs(urlsplit(str(request.url)).query)["response_url"][0]


async def seen(server: Server, request_id: int) -> JsonObject:
    found: JsonObject = (await server.operator.get(f"/api/chargingprofiles/requests/{request_id}")).json()
    return found


@pytest.mark.requirement("CHP-R-01", "CHP-R-02", "CHP-R-03", "CHP-R-17", "CHP-S-01")
@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("PUT", {"result": "ACCEPTED"}),
        ("GET", {"result": "ACCEPTED", "profile": PLAN}),
        ("DELETE", {"result": "UNKNOWN"}),
    ],
)
async def test_a_request_gets_its_response_at_once_and_its_result_at_its_own_url(
    server: Server, tnm: Caller, partner: FakePartner, method: str, result: JsonObject
) -> None:
    answer = await ask(server, method)
    (sent,) = partner.asked
    url = back(partner)
    waiting = await seen(server, answer.json()["id"])

    posted = await tnm.post(url, result)
    again = await tnm.post(url, result)

    assert (answer.status_code, answer.json()["response"]) == (202, ACCEPTED)
    assert (sent.method, sent.url.path) == (method, "/ocpi/2.2.1/receiver/chargingprofiles/101")
    assert (sent.headers["ocpi-from-party-id"], sent.headers["ocpi-to-party-id"]) == ("OWM", "TNM")
    assert url.startswith("https://ours.example/ocpi/emsp/2.2.1/chargingprofiles/results/")
    if method == "PUT":
        assert json.loads(sent.content)["charging_profile"] == PROFILE
    else:
        assert str(sent.url).partition("response_url=")[2].startswith("https%3A%2F%2Fours.example")
        assert ("duration=900&" in str(sent.url)) is (method == "GET")
    assert (waiting["state"], waiting["result"]) == ("WAITING", None)
    assert [(a.http_status, a.status_code, "data" in a.body) for a in (posted, again)] == [(200, 1000, False)] * 2
    after = await seen(server, waiting["id"])
    assert (after["state"], after["result"], len(after["results"])) == ("RESULTED", result, 1)


@pytest.mark.requirement("CHP-S-01")
async def test_only_the_partner_that_was_asked_can_tell_a_result(
    server: Server, tnm: Caller, partner: FakePartner, stranger: Caller
) -> None:
    request_id = (await ask(server, "PUT")).json()["id"]
    url = back(partner)

    theirs = await stranger.post(url, {"result": "ACCEPTED"})
    unknown = await tnm.post("/chargingprofiles/results/guessed", {"result": "ACCEPTED"})
    nobody = await tnm.post(url, {"result": "ACCEPTED"}, headers={"authorization": ""})
    wrong = await tnm.post(url, {"profile": PLAN})

    assert [(a.http_status, a.status_code) for a in (theirs, unknown)] == [(404, 2001)] * 2
    assert (nobody.http_status, wrong.status_code) == (401, 2001)
    assert (await seen(server, request_id))["state"] == "WAITING"


@pytest.mark.requirement("CHP-S-01", "HUB-25")
async def test_another_party_of_the_platform_may_tell_a_result_and_that_is_noted(
    server: Server, tnm: Caller, partner: FakePartner
) -> None:
    request_id = (await ask(server, "PUT")).json()["id"]
    bec = tnm.speaking(("BE", "BEC"), ("NL", "OWM"), "emsp")

    answer = await bec.post(back(partner), {"result": "ACCEPTED"})

    assert answer.status_code == 1000
    assert (await seen(server, request_id))["result"] == {"result": "ACCEPTED"}
    (found,) = (await server.operator.get("/api/findings")).json()
    assert found["rule"] == "OCPI-from is BE*BEC, but the request was made of NL*TNM"


@pytest.mark.parametrize(
    ("off", "why"),
    [
        ({"modules": ["sessions"]}, "chargingprofiles are not exchanged with the CPO of the session"),
        ({"parties": ["NL*OWA"]}, "NL*OWM is not among the parties of ours that tnm deals with"),
    ],
)
async def test_nothing_is_asked_of_a_cpo_that_the_operator_switched_off(
    server: Server, tnm: Caller, partner: FakePartner, off: JsonObject, why: str
) -> None:
    await server.operator.patch("/api/partners/1", json=off)
    partner.asked.clear()

    answers = [await ask(server, method) for method in ("PUT", "GET", "DELETE")]

    assert [answer.status_code for answer in answers] == [409] * 3
    assert {answer.json()["detail"] for answer in answers} == {why}
    assert partner.requests(None, "/chargingprofiles") == []


@pytest.mark.requirement("CHP-S-05")
async def test_a_request_without_a_result_times_out_and_still_takes_a_late_one(
    server: Server, tnm: Caller, partner: FakePartner
) -> None:
    request_id = (await ask(server, "PUT")).json()["id"]
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE outbound_requests SET deadline = now()"))

    await server.app.results.time_out()
    timed_out = await seen(server, request_id)
    late = await tnm.post(back(partner), {"result": "ACCEPTED"})

    assert (timed_out["state"], timed_out["result"]) == ("TIMED_OUT", None)
    assert late.status_code == 1000
    assert (await seen(server, request_id))["result"] == {"result": "ACCEPTED"}


@pytest.mark.requirement("CHP-S-05")
@pytest.mark.parametrize(
    ("answered", "state"),
    [
        (envelope({"result": "TOO_OFTEN", "timeout": 30}), "REFUSED"),
        (envelope(code=2001), "REFUSED"),
        (envelope(), "WAITING"),
        (envelope(code=3000, http_status=500), "WAITING"),
    ],
)
async def test_what_the_cpo_answers_decides_whether_we_wait(
    server: Server, tnm: Caller, partner: FakePartner, answered: httpx.Response, state: str
) -> None:
    partner.on("PUT", "/chargingprofiles/101", answered)

    answer = await ask(server, "PUT")

    assert answer.status_code == 202, answer.text
    assert (await seen(server, answer.json()["id"]))["state"] == state


@pytest.mark.requirement("CHP-S-06")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"cdr_token": a_cdr_token(PartyId("DE", "ABC"))}, 409),
        ({"status": "COMPLETED"}, 409),
        ({"status": "PENDING"}, 409),
        ({"evse_uid": "2"}, 409),
        ({"id": "999"}, 404),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
async def test_nobody_is_asked_for_what_must_not_be_asked(
    server: Server, tnm: Caller, partner: FakePartner, method: str, changes: JsonObject, status: int
) -> None:
    await have_session(tnm, id="102", **{k: v for k, v in changes.items() if k != "id"})

    answer = await ask(server, method, f"/api/chargingprofiles/{changes.get('id', '102')}")

    assert answer.status_code == status, answer.text
    assert partner.asked == []


async def test_whether_an_evse_that_nobody_told_us_of_takes_profiles_the_cpo_says(
    server: Server, tnm: Caller, partner: FakePartner
) -> None:
    await have_session(tnm, id="102", location_id="HOME", evse_uid="unknown")

    answer = await ask(server, "PUT", "/api/chargingprofiles/102")

    assert (answer.status_code, answer.json()["response"]) == (202, ACCEPTED)
    assert [request.method for request in partner.asked] == ["PUT"]


async def test_the_body_may_be_set_charging_profile_and_the_duration_be_left_out(
    server: Server, tnm: Caller, partner: FakePartner
) -> None:
    put = await server.operator.put(URL, json={"charging_profile": PROFILE})
    got = await server.operator.get(URL)

    assert (put.status_code, got.status_code) == (202, 202), put.text + got.text
    set_it, ask_it = partner.asked
    assert json.loads(set_it.content)["charging_profile"] == PROFILE
    assert ask_it.url.params["duration"] == "900"


async def test_an_invalid_profile_is_not_sent(server: Server, tnm: Caller, partner: FakePartner) -> None:
    answer = await server.operator.put(URL, json={"charging_rate_unit": "kW"})

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/charging_profile/charging_rate_unit")
    assert partner.asked == []
    assert await server.rows("SELECT * FROM outbound_requests") == []


@pytest.mark.requirement("CHP-S-02", "CHP-S-04")
async def test_a_plan_is_stored_for_the_session_of_the_party_that_tells_it(server: Server, tnm: Caller) -> None:
    bec = Caller(tnm.app, tnm.token, tnm.partner, ("BE", "BEC"), ("NL", "OWM"), "emsp")
    await have_session(bec, PartyId("BE", "BEC"))
    other = PLAN | {"start_date_time": "2026-03-01T12:01:00Z"}

    answers = [await tnm.put("/chargingprofiles/101", PLAN), await bec.put("/chargingprofiles/101", other)]
    older = await bec.put("/chargingprofiles/101", PLAN)

    plans = [
        (await server.operator.get(f"/api/sessions/{owner}/101/active_charging_profile")).json()
        for owner in ("NL/TNM", "BE/BEC")
    ]
    assert [(a.http_status, a.status_code, "data" in a.body) for a in answers] == [(200, 1000, False)] * 2
    assert [plan["active_charging_profile"] for plan in plans] == [PLAN, other]
    assert older.status_code == 1000


@pytest.mark.requirement("CHP-S-02")
async def test_a_plan_with_a_time_far_in_the_future_keeps_no_later_plan_out(server: Server, tnm: Caller) -> None:
    await tnm.put("/chargingprofiles/101", PLAN | {"start_date_time": "2099-01-01T00:00:00Z"})

    await tnm.put("/chargingprofiles/101", PLAN)

    known = (await server.operator.get("/api/sessions/NL/TNM/101/active_charging_profile")).json()
    assert known["active_charging_profile"] == PLAN


@pytest.mark.requirement("CHP-S-02", "CHP-S-04")
async def test_two_cpos_with_one_session_id_are_told_apart_when_we_ask(
    server: Server, tnm: Caller, partner: FakePartner
) -> None:
    bec = Caller(tnm.app, tnm.token, tnm.partner, ("BE", "BEC"), ("NL", "OWM"), "emsp")
    await bec.put(
        "/locations/BE/BEC/LOC1",
        a_location(PartyId("BE", "BEC"), evses=[an_evse(capabilities=["CHARGING_PROFILE_CAPABLE"])]),
    )
    await have_session(bec, PartyId("BE", "BEC"))

    unclear = await ask(server, "PUT")
    clear = await ask(server, "PUT", f"{URL}?country_code=BE&party_id=BEC")

    assert (unclear.status_code, clear.status_code) == (422, 202)
    assert [r.headers["ocpi-to-party-id"] for r in partner.asked] == ["BEC"]


@pytest.mark.requirement("CHP-S-02", "CHP-S-03")
async def test_a_plan_for_an_unknown_session_is_404_and_other_methods_405(tnm: Caller, stranger: Caller) -> None:
    unknown = [await tnm.put("/chargingprofiles/999", PLAN), await stranger.put("/chargingprofiles/101", PLAN)]
    others = [await tnm.get("/chargingprofiles/101"), await tnm.delete("/chargingprofiles/101")]
    others.append(await tnm.patch("/chargingprofiles/101", {}))

    assert [(a.http_status, a.status_code) for a in unknown] == [(404, 2001)] * 2
    assert [a.http_status for a in others] == [405] * 3


@pytest.mark.requirement("CHP-R-10")
async def test_the_answer_to_get_is_also_the_plan_of_the_session(
    server: Server, tnm: Caller, partner: FakePartner
) -> None:
    await ask(server, "GET")

    await tnm.post(back(partner), {"result": "ACCEPTED", "profile": PLAN})

    plan = (await server.operator.get("/api/sessions/NL/TNM/101/active_charging_profile")).json()
    assert plan["active_charging_profile"] == PLAN
