"""The operator writes our sessions, and the eMSP of the driver hears of it."""

import json
from typing import Any

import httpx
import pytest
from tests.objects import LATER, NOON, a_cdr_token, a_charging_period, a_location, a_session, an_evse
from tests.partner import FakePartner, envelope
from tests.server import Server

from ocpi_party.ocpi.types import PartyId
from ocpi_party.outbox import lanes

OWA = PartyId("NL", "OWA")
URL = "/api/sessions/NL/OWA/101"
FIRST = a_charging_period()
SECOND = a_charging_period(start_date_time="2026-03-01T12:15:00Z")
THIRD = a_charging_period(start_date_time=LATER)
SESSION = a_session(OWA, cdr_token=a_cdr_token(PartyId("DE", "TNM")))
WISH = {"profile_type": "GREEN", "departure_time": "2099-03-01T18:00:00Z"}


@pytest.fixture
async def tnm(server: Server) -> FakePartner:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.asked.clear()
    return partner


@pytest.fixture
async def abc(server: Server) -> FakePartner:
    """Another eMSP."""
    partner = server.internet.add(FakePartner("abc", "abc.example", "token-b.for-abc", (("EMSP", "DE", "ABC"),)))
    await server.connect(partner)
    partner.asked.clear()
    return partner


def told(partner: FakePartner) -> list[tuple[str, Any]]:
    return [(request.method, json.loads(request.content)) for request in partner.asked]


@pytest.mark.requirement("SES-R-11", "SES-R-16")
async def test_a_new_session_is_put_to_the_emsp_of_its_token_alone(
    server: Server, tnm: FakePartner, abc: FakePartner
) -> None:
    answer = await server.operator.put(URL, json=SESSION)
    await server.push()

    assert (answer.status_code, answer.json()) == (201, SESSION)
    (request,) = tnm.asked
    assert (request.method, request.url.path) == ("PUT", "/ocpi/2.2.1/receiver/sessions/NL/OWA/101")
    assert (request.headers["ocpi-from-party-id"], request.headers["ocpi-to-country-code"]) == ("OWA", "DE")
    assert json.loads(request.content) == SESSION
    assert abc.asked == []


@pytest.mark.requirement("TYP-11")
async def test_numbers_are_rounded_before_they_are_kept_answered_and_told(server: Server, tnm: FakePartner) -> None:
    noisy = SESSION | {"kwh": 0.30000000000000004}

    put = await server.operator.put(URL, json=noisy)
    again = await server.operator.put(URL, json=noisy)
    await server.push()
    told_first = told(tnm)
    patched = await server.operator.patch(URL, json={"kwh": 0.123456, "last_updated": "2099-01-01T00:00:00Z"})
    await server.push()

    assert (put.json()["kwh"], again.status_code, again.json()) == (0.3, 200, put.json())
    assert told_first == [("PUT", put.json())]
    assert patched.json()["kwh"] == 0.1235
    assert told(tnm)[1:] == [("PATCH", {"kwh": 0.1235, "last_updated": "2099-01-01T00:00:00Z"})]
    assert (await server.operator.get(URL)).json() == patched.json()


@pytest.mark.requirement("OWN-18")
async def test_a_session_of_a_clock_far_ahead_is_taken_with_a_warning(server: Server, tnm: FakePartner) -> None:
    fine = await server.operator.put(URL, json=SESSION)
    ahead = await server.operator.patch(URL, json={"kwh": 1, "last_updated": "2099-01-01T00:00:00Z"})

    assert (fine.status_code, "warning" in fine.headers) == (201, False)
    assert (ahead.status_code, "last_updated lies in the future" in ahead.headers["warning"]) == (200, True)


@pytest.mark.parametrize(
    "ended", [{"end_date_time": "2026-03-01T11:59:59Z"}, {"start_date_time": "2099-01-01T00:00:00Z"}]
)
async def test_a_session_of_ours_does_not_end_before_its_start(
    server: Server, tnm: FakePartner, ended: dict[str, Any]
) -> None:
    session = SESSION | {"status": "COMPLETED", "end_date_time": LATER}
    put = await server.operator.put(URL, json=session | ended)
    await server.operator.put(URL, json=session)
    patched = await server.operator.patch(URL, json=ended)

    for answer in (put, patched):
        assert (answer.status_code, answer.json()["pointer"]) == (422, "/end_date_time"), answer.text
    assert (await server.operator.get(URL)).json() == session


@pytest.mark.requirement("SES-R-05", "SES-R-11")
async def test_changes_are_patched_with_the_new_periods_alone(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=SESSION | {"charging_periods": [FIRST]})
    await server.push()
    tnm.asked.clear()

    await server.operator.patch(URL, json={"kwh": 1.5, "charging_periods": [SECOND]})
    answer = await server.operator.patch(
        URL, json={"kwh": 2.25, "charging_periods": [THIRD], "last_updated": "2099-01-01T00:00:00Z"}
    )
    await server.push()

    stamp = answer.json()["last_updated"]
    assert answer.json()["charging_periods"] == [FIRST, SECOND, THIRD]
    assert told(tnm) == [("PATCH", {"kwh": 2.25, "charging_periods": [SECOND, THIRD], "last_updated": stamp})]


@pytest.mark.requirement("SES-R-05", "SES-R-11")
async def test_what_changes_while_a_patch_is_on_its_way_is_told_without_the_periods_in_it(
    server: Server, tnm: FakePartner
) -> None:
    await server.operator.put(URL, json=SESSION)
    await server.push()
    tnm.asked.clear()

    async def goes_on(_request: httpx.Request) -> httpx.Response:
        tnm.handlers.clear()
        await server.operator.patch(URL, json={"kwh": 2, "charging_periods": [SECOND]})
        await server.operator.patch(URL, json={"charging_periods": [THIRD]})
        return envelope()

    tnm.on("PATCH", "/sessions/", goes_on)
    await server.operator.patch(URL, json={"kwh": 1, "auth_method": "COMMAND", "charging_periods": [FIRST]})
    await server.push()

    (_, first), (_, then) = told(tnm)
    stamp = (await server.operator.get(URL)).json()["last_updated"]
    assert (first["kwh"], first["auth_method"], first["charging_periods"]) == (1, "COMMAND", [FIRST])
    assert then == {"kwh": 2, "charging_periods": [SECOND, THIRD], "last_updated": stamp}


@pytest.mark.requirement("SES-R-08", "SES-R-03")
@pytest.mark.parametrize("periods", [[FIRST | {"tariff_id": "13"}, SECOND], [FIRST], []])
async def test_corrected_or_removed_periods_are_told_by_put(
    server: Server, tnm: FakePartner, periods: list[Any]
) -> None:
    await server.operator.put(URL, json=SESSION | {"charging_periods": [FIRST, SECOND]})
    await server.push()
    tnm.asked.clear()

    answer = await server.operator.put(URL, json=SESSION | {"charging_periods": periods, "last_updated": LATER})
    await server.push()

    assert told(tnm) == [("PUT", answer.json())]
    assert answer.json().get("charging_periods", []) == periods


@pytest.mark.requirement("SES-R-07", "OWN-16")
async def test_after_an_uncertain_patch_the_whole_session_is_put(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=SESSION)
    await server.push()
    tnm.asked.clear()
    tnm.on("PATCH", "/sessions/", envelope(code=3000, http_status=500))

    answer = await server.operator.patch(URL, json={"charging_periods": [FIRST]})
    await server.push()
    (partner,) = await server.rows("SELECT id FROM partners")
    async with server.app.building.database.write() as tx:
        await lanes.wake(tx, partner["id"])
    await server.push()

    assert [method for method, _ in told(tnm)] == ["PATCH", "PUT"]
    assert told(tnm)[-1][1] == answer.json()


@pytest.mark.requirement("OWN-16")
async def test_a_partner_that_does_not_know_the_session_gets_the_whole(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=SESSION)
    await server.push()
    tnm.asked.clear()
    tnm.on("PATCH", "/sessions/", envelope(code=2001, http_status=404))

    answer = await server.operator.patch(URL, json={"kwh": 3})
    await server.push()

    assert [request.method for request in tnm.asked] == ["PATCH", "GET", "PUT"]
    assert json.loads(tnm.asked[-1].content) == answer.json()


@pytest.mark.requirement("SES-R-12", "SES-R-13")
@pytest.mark.parametrize("before", ["PENDING", "RESERVATION"])
async def test_start_date_time_becomes_the_moment_in_which_charging_starts(
    server: Server, tnm: FakePartner, before: str
) -> None:
    await server.operator.put(URL, json=SESSION | {"status": before})
    await server.push()
    tnm.asked.clear()

    answer = await server.operator.patch(URL, json={"status": "ACTIVE", "last_updated": LATER})
    await server.push()

    assert answer.json() == SESSION | {"start_date_time": LATER, "last_updated": LATER}
    assert told(tnm) == [("PATCH", {"status": "ACTIVE", "start_date_time": LATER, "last_updated": LATER})]


@pytest.mark.requirement("SES-R-12")
async def test_a_start_that_is_told_is_kept(server: Server) -> None:
    await server.operator.put(URL, json=SESSION | {"status": "PENDING"})
    start = "2026-03-01T12:05:00Z"

    answer = await server.operator.patch(
        URL, json={"status": "ACTIVE", "start_date_time": start, "last_updated": LATER}
    )

    assert answer.json()["start_date_time"] == start


@pytest.mark.requirement("SES-R-13")
async def test_a_reservation_that_is_not_used_is_completed(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=SESSION | {"status": "RESERVATION"})
    await server.push()
    first = told(tnm)
    tnm.asked.clear()

    await server.operator.patch(URL, json={"status": "COMPLETED", "last_updated": LATER})
    await server.push()

    assert first == [("PUT", SESSION | {"status": "RESERVATION"})]
    assert told(tnm) == [("PATCH", {"status": "COMPLETED", "last_updated": LATER})]


@pytest.mark.requirement("SES-R-15", "CMD-R-14")
async def test_the_last_authorization_reference_counts(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=SESSION | {"status": "RESERVATION", "authorization_reference": "r1"})

    await server.operator.patch(URL, json={"status": "ACTIVE", "authorization_reference": "r2"})
    await server.push()

    assert [body["authorization_reference"] for _, body in told(tnm)] == ["r2"]


@pytest.mark.requirement("SES-R-17")
async def test_a_finished_session_of_ours_does_not_go_on_and_is_not_deleted(server: Server) -> None:
    await server.operator.put(URL, json=SESSION | {"status": "COMPLETED"})

    again = await server.operator.patch(URL, json={"status": "ACTIVE"})

    assert (again.status_code, again.json()["pointer"]) == (422, "/status")
    assert (await server.operator.delete(URL)).status_code == 405
    assert (await server.operator.get(URL)).json()["status"] == "COMPLETED"


@pytest.mark.requirement("SES-R-11")
async def test_a_session_does_not_change_hands(server: Server) -> None:
    await server.operator.put(URL, json=SESSION)

    answer = await server.operator.patch(URL, json={"cdr_token": a_cdr_token(PartyId("DE", "ABC"))})

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/cdr_token")


async def test_only_our_own_sessions_can_be_written(server: Server) -> None:
    assert (await server.operator.put("/api/sessions/NL/OWM/1", json={"kwh": 1})).status_code == 403
    assert (await server.operator.patch(URL, json={"kwh": 1})).status_code == 404


@pytest.mark.requirement("SES-R-22")
async def test_the_operator_sees_which_sessions_fell_silent(server: Server) -> None:
    for session_id, status, at in (
        ("1", "ACTIVE", NOON),
        ("2", "COMPLETED", NOON),
        ("3", "PENDING", "2099-01-01T00:00:00Z"),
    ):
        body = SESSION | {"id": session_id, "status": status, "last_updated": at}
        assert (await server.operator.put(f"/api/sessions/NL/OWA/{session_id}", json=body)).status_code == 201

    found = (await server.operator.get("/api/sessions/silent?silent_for=3600&own=true")).json()

    assert [session["id"] for session in found] == ["1"]
    assert (await server.operator.get("/api/sessions/silent?own=false")).json() == []


@pytest.mark.requirement("SES-R-22")
async def test_the_operator_ends_a_silent_session_and_its_emsp_is_told(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=SESSION | {"status": "ACTIVE", "last_updated": NOON})
    await server.push()
    tnm.asked.clear()

    ended = await server.operator.patch(URL, json={"status": "INVALID"})
    await server.push()

    assert (ended.status_code, ended.json()["status"]) == (200, "INVALID")
    assert told(tnm) == [("PATCH", {"status": "INVALID", "last_updated": ended.json()["last_updated"]})]
    assert (await server.operator.get("/api/sessions/silent?silent_for=60&own=true")).json() == []


@pytest.fixture
async def cpo(server: Server) -> FakePartner:
    """The CPO NL/TNM told us of a session of our driver, on an EVSE that takes preferences."""
    partner = server.internet.add(FakePartner())
    caller = (await server.connect(partner)).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    evses = [an_evse(capabilities=["CHARGING_PREFERENCES_CAPABLE"]), an_evse(uid="2")]
    await caller.put("/locations/NL/TNM/LOC1", a_location(evses=evses))
    for session in (
        a_session(),
        a_session(id="102", evse_uid="2"),
        a_session(id="103", status="COMPLETED"),
        a_session(id="104", location_id="HOME", evse_uid="unknown"),
    ):
        assert (await caller.put(f"/sessions/NL/TNM/{session['id']}", session)).http_status == 201
    partner.asked.clear()
    return partner


PREFERENCES = "/api/sessions/NL/TNM/101/charging_preferences"


@pytest.mark.requirement("SES-S-03", "SES-S-06")
@pytest.mark.parametrize(
    ("answered", "result"),
    [
        (envelope("ACCEPTED"), "ACCEPTED"),
        (envelope("DEPARTURE_REQUIRED"), "DEPARTURE_REQUIRED"),
        (envelope(code=2001, http_status=404), "NOT_POSSIBLE"),
        (envelope(), "NOT_POSSIBLE"),
        (envelope("WHATEVER"), "NOT_POSSIBLE"),
    ],
)
async def test_what_our_driver_prefers_is_put_to_the_cpo(
    server: Server, cpo: FakePartner, answered: Any, result: str
) -> None:
    cpo.on("PUT", "/charging_preferences", answered)

    answer = await server.operator.put(PREFERENCES, json=WISH)

    (request,) = cpo.asked
    seen = (await server.operator.get(PREFERENCES)).json()
    assert (answer.status_code, answer.json()) == (200, {"result": result})
    assert (request.method, request.url.path) == ("PUT", "/ocpi/2.2.1/sender/sessions/101/charging_preferences")
    assert (request.headers["ocpi-from-party-id"], request.headers["ocpi-to-party-id"]) == ("OWM", "TNM")
    assert json.loads(request.content) == WISH
    assert (seen["charging_preferences"], seen["result"]) == (WISH, result)


@pytest.mark.requirement("SES-S-10")
@pytest.mark.parametrize(("session_id", "status"), [("102", 409), ("103", 409), ("999", 404)])
async def test_nobody_is_asked_for_preferences_that_cannot_be_had(
    server: Server, cpo: FakePartner, session_id: str, status: int
) -> None:
    answer = await server.operator.put(PREFERENCES.replace("101", session_id), json=WISH)

    assert answer.status_code == status, answer.text
    assert cpo.asked == []


@pytest.mark.parametrize("off", [{"modules": ["locations"]}, {"parties": ["NL*OWA"]}], ids=str)
async def test_nobody_is_asked_for_preferences_whom_the_operator_switched_off(
    server: Server, cpo: FakePartner, off: dict[str, Any]
) -> None:
    await server.operator.patch("/api/partners/1", json=off)
    cpo.asked.clear()

    answer = await server.operator.put(PREFERENCES, json=WISH)

    assert (answer.status_code, cpo.requests("PUT", "/charging_preferences")) == (409, []), answer.text


async def test_whether_an_evse_that_nobody_told_us_of_takes_preferences_the_cpo_says(
    server: Server, cpo: FakePartner
) -> None:
    cpo.on("PUT", "/charging_preferences", envelope("ACCEPTED"))

    answer = await server.operator.put(PREFERENCES.replace("101", "104"), json=WISH)

    assert (answer.status_code, answer.json()) == (200, {"result": "ACCEPTED"})
    assert [request.method for request in cpo.asked] == ["PUT"]


async def test_a_cpo_that_is_not_to_be_reached_is_502(server: Server, cpo: FakePartner) -> None:
    cpo.on("PUT", "/charging_preferences", envelope(code=3000, http_status=500))

    answer = await server.operator.put(PREFERENCES, json=WISH)

    assert answer.status_code == 502
    assert (await server.operator.get(PREFERENCES)).status_code == 404
