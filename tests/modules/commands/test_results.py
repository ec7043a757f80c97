"""Results of commands at our charge points: told by the operator, delivered to the eMSP, whatever the eMSP does."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.commanding import BACK, CAPABLE, OWA, an_emsp, deliver, inbound, reserve_now, settle, start_session, told
from tests.objects import a_location, a_token, an_evse
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server, start_server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import PartyId


@pytest.fixture
async def tnm(server: Server) -> Caller:
    return await an_emsp(server)


async def _sql(server: Server, sql: str) -> None:
    async with server.app.building.database.write() as tx:
        await tx.run(Statement(sql))


@pytest.mark.requirement("CMD-R-04", "HUB-25", "HUB-26")
@pytest.mark.parametrize("result", ["ACCEPTED", "EVSE_OCCUPIED", "EVSE_INOPERATIVE", "FAILED", "REJECTED"])
async def test_the_result_goes_to_the_response_url_with_swapped_routing(
    server: Server, tnm: Caller, result: str
) -> None:
    await tnm.post("/commands/START_SESSION", start_session())

    answer = await settle(server, result, message=[{"language": "en", "text": "as it is"}])
    await deliver(server)

    assert answer.status_code == 202, answer.text
    (request,) = tnm.partner.requests("POST", "/back")
    assert str(request.url) == BACK
    assert told(tnm.partner) == [{"result": result, "message": [{"language": "en", "text": "as it is"}]}]
    sent = request.headers
    assert (sent["ocpi-from-country-code"], sent["ocpi-from-party-id"]) == OWA
    assert (sent["ocpi-to-country-code"], sent["ocpi-to-party-id"]) == ("DE", "TNM")
    assert (await inbound(server))[0]["delivery"] == {"state": "DELIVERED", "attempts": 1, "error": None}


@pytest.mark.parametrize("http_status", [200, 204])
async def test_a_result_whose_answer_has_no_envelope_is_delivered_and_that_is_noted(
    server: Server, tnm: Caller, http_status: int
) -> None:
    tnm.partner.on("POST", "/back", httpx.Response(http_status))
    await tnm.post("/commands/START_SESSION", start_session())

    await settle(server)
    await deliver(server)

    findings = (await server.operator.get("/api/findings")).json()
    assert (await inbound(server))[0]["delivery"] == {"state": "DELIVERED", "attempts": 1, "error": None}
    assert [(one["module"], one["object"], "no OCPI envelope" in one["rule"]) for one in findings] == [
        ("commands", "START_SESSION", True)
    ]


@pytest.mark.requirement("CMD-R-21")
async def test_a_second_start_at_an_occupied_evse_is_told_so_later(server: Server, tnm: Caller) -> None:
    await tnm.post("/commands/START_SESSION", start_session())
    await settle(server)
    await tnm.post("/commands/START_SESSION", start_session(response_url=f"{BACK}/2"))

    await settle(server, "EVSE_OCCUPIED")
    await deliver(server)

    assert sorted(one["result"] for one in told(tnm.partner)) == ["ACCEPTED", "EVSE_OCCUPIED"]


@pytest.mark.requirement("CMD-R-04")
async def test_a_second_result_is_a_conflict_and_an_unknown_one_invalid(server: Server, tnm: Caller) -> None:
    await tnm.post("/commands/START_SESSION", start_session())

    answers = [await settle(server, result) for result in ("NONSENSE", "CANCELED_RESERVATION", "ACCEPTED", "FAILED")]
    unknown = await server.operator.post("/api/commands/999999/result", json={"result": "ACCEPTED"})
    await deliver(server)

    assert [a.status_code for a in [*answers, unknown]] == [422, 422, 202, 409, 404]
    assert told(tnm.partner) == [{"result": "ACCEPTED"}]


@pytest.mark.requirement("CMD-R-04")
async def test_a_silent_station_is_told_as_timeout_and_its_late_result_is_a_conflict(
    server: Server, tnm: Caller
) -> None:
    await tnm.post("/commands/START_SESSION", start_session())
    await _sql(server, "UPDATE inbound_requests SET deadline = now()")

    await server.app.results.time_out()
    await deliver(server)

    assert told(tnm.partner) == [{"result": "TIMEOUT"}]
    assert (await settle(server)).status_code == 409


@pytest.mark.requirement("CMD-R-05")
async def test_a_command_that_was_not_accepted_has_no_result(server: Server, tnm: Caller) -> None:
    await tnm.post("/commands/START_SESSION", start_session(evse_uid="POOR"))

    await server.app.results.time_out()
    await deliver(server)

    assert told(tnm.partner) == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="<html>"),
        httpx.Response(200, text="<html>"),
        httpx.Response(503, headers={"retry-after": "1"}),
        envelope(code=3000),
        httpx.Response(401),
        httpx.Response(302, headers={"location": "https://elsewhere.example/"}),
    ],
)
async def test_a_partner_that_fails_gets_the_result_later(server: Server, tnm: Caller, answer: httpx.Response) -> None:
    tnm.partner.on("POST", "/back", answer)
    await tnm.post("/commands/START_SESSION", start_session())
    await settle(server)
    await deliver(server)
    first = (await inbound(server))[0]["delivery"]
    tnm.partner.on("POST", "/back", envelope())
    await _sql(server, "UPDATE results_due SET next_at = now()")

    await deliver(server)

    assert (first["state"], first["attempts"]) == ("DUE", 1)
    assert first["error"]
    assert (await inbound(server))[0]["delivery"] == {"state": "DELIVERED", "attempts": 2, "error": None}


async def test_a_partner_that_hangs_holds_up_nobody_else(server: Server, tnm: Caller) -> None:
    def hangs(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer", request=request)

    other = await an_emsp(server, name="xyz", host="xyz.example", token="token-b.xyz", roles=(("EMSP", "DE", "XYZ"),))
    tnm.partner.on("POST", "/back", hangs)
    await tnm.post("/commands/START_SESSION", start_session())
    await settle(server)
    body = start_session(token=a_token(PartyId("DE", "XYZ")), response_url="https://xyz.example/back/1")
    await other.post("/commands/START_SESSION", body)
    await settle(server)

    await deliver(server)

    assert told(other.partner) == [{"result": "ACCEPTED"}]
    assert (await inbound(server))[1]["delivery"]["state"] == "DUE"


@pytest.mark.parametrize("answer", [envelope(code=2001), envelope(code=2001, http_status=404), httpx.Response(400)])
async def test_a_partner_that_refuses_the_result_is_not_asked_again(
    server: Server, tnm: Caller, answer: httpx.Response
) -> None:
    tnm.partner.on("POST", "/back", answer)
    await tnm.post("/commands/START_SESSION", start_session())
    await settle(server)

    await deliver(server)
    await _sql(server, "UPDATE results_due SET next_at = now()")
    await deliver(server)

    delivery = (await inbound(server))[0]["delivery"]
    assert (delivery["state"], delivery["attempts"]) == ("REFUSED", 1)


async def test_a_result_that_cannot_be_delivered_for_too_long_is_given_up_for_all_to_see(
    server: Server, tnm: Caller
) -> None:
    tnm.partner.on("POST", "/back", httpx.Response(500))
    await tnm.post("/commands/START_SESSION", start_session())
    await settle(server)
    await _sql(server, "UPDATE results_due SET give_up_at = now()")

    await deliver(server)

    assert (await inbound(server))[0]["delivery"]["state"] == "GIVEN_UP"
    (event,) = await server.rows("SELECT type, subject FROM events WHERE type = 'delivery.given_up'")
    assert event["subject"].startswith("commands/")


@pytest.mark.requirement("CMD-R-23")
async def test_the_result_for_a_partner_that_has_left_is_given_up_at_once(server: Server, tnm: Caller) -> None:
    await tnm.post("/commands/START_SESSION", start_session())
    assert (await server.operator.delete("/api/partners/1")).status_code == 200
    await settle(server)

    await deliver(server)

    assert told(tnm.partner) == []
    (one,) = await inbound(server)
    reason = "the partner has left: nobody is there to be told"
    assert one["delivery"] == {"state": "GIVEN_UP", "attempts": 1, "error": reason}
    assert await server.rows("SELECT 1 FROM events WHERE type = 'delivery.given_up'") != []


async def test_the_token_is_not_sent_to_a_host_that_is_the_partners_no_more(server: Server, tnm: Caller) -> None:
    await tnm.post("/commands/START_SESSION", start_session())
    await settle(server)
    await _sql(server, "UPDATE partners SET versions_url = 'https://new.example/versions'")
    await _sql(server, "UPDATE partner_endpoints SET url = 'https://new.example/ocpi'")

    await deliver(server)

    assert told(tnm.partner) == []
    assert (await inbound(server))[0]["delivery"]["state"] == "REFUSED"


@pytest.mark.requirement("CMD-R-04")
async def test_a_crash_between_result_and_delivery_loses_nothing(
    server: Server, tnm: Caller, database_url: str, stack: AsyncExitStack
) -> None:
    await tnm.post("/commands/START_SESSION", start_session())
    await settle(server)
    await tnm.post("/commands/START_SESSION", start_session(response_url=f"{BACK}/2"))
    await _sql(server, "UPDATE inbound_requests SET deadline = now() WHERE state = 'PENDING'")

    again = await stack.enter_async_context(start_server(database_url))
    again.internet.partners = server.internet.partners
    await again.app.results.time_out()
    await deliver(again)

    assert sorted(one["result"] for one in told(tnm.partner)) == ["ACCEPTED", "TIMEOUT"]


async def test_a_crash_during_delivery_is_made_up_for_when_the_lease_ends(
    server: Server, tnm: Caller, database_url: str, stack: AsyncExitStack
) -> None:
    await tnm.post("/commands/START_SESSION", start_session())
    await settle(server)

    def dies(request: httpx.Request) -> httpx.Response:
        raise SystemError("killed")

    tnm.partner.on("POST", "/back", dies)
    await server.app.results.start()
    (task,) = server.app.results.hands.busy
    with pytest.raises(SystemError):
        await task
    tnm.partner.handlers.clear()
    again = await stack.enter_async_context(start_server(database_url))
    again.internet.partners = server.internet.partners

    await deliver(again)
    while_leased = (await inbound(again))[0]["delivery"]["state"]
    await _sql(again, "UPDATE results_due SET next_at = now()")
    await deliver(again)

    assert while_leased == "DUE"
    assert (await inbound(again))[0]["delivery"] == {"state": "DELIVERED", "attempts": 2, "error": None}


async def _reservations(server: Server) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await server.operator.get("/api/commands/reservations")).json()
    return found


@pytest.mark.requirement("CMD-R-15")
async def test_the_same_reservation_id_at_the_same_location_replaces_the_reservation(
    server: Server, tnm: Caller
) -> None:
    await tnm.post("/commands/RESERVE_NOW", reserve_now())
    await settle(server)
    changed = reserve_now(expiry_date="2099-06-01T00:00:00Z", response_url=f"{BACK}/2")
    await tnm.post("/commands/RESERVE_NOW", changed)
    before = await _reservations(server)

    await settle(server)

    (one,) = await _reservations(server)
    assert (before[0]["expires_at"], one["expires_at"]) == ("2099-01-01T00:00:00Z", "2099-06-01T00:00:00Z")
    assert (one["id"], one["state"]) == (before[0]["id"], "ACTIVE")


@pytest.mark.requirement("CMD-R-16")
async def test_reservation_ids_of_two_emsps_never_collide(server: Server, tnm: Caller) -> None:
    other = await an_emsp(server, name="xyz", host="xyz.example", token="token-b.xyz", roles=(("EMSP", "DE", "XYZ"),))
    await tnm.post("/commands/RESERVE_NOW", reserve_now())
    await settle(server)
    theirs = reserve_now(token=a_token(PartyId("DE", "XYZ")), response_url="https://xyz.example/back")
    await other.post("/commands/RESERVE_NOW", theirs)
    await settle(server)

    await other.post(
        "/commands/CANCEL_RESERVATION", {"response_url": "https://xyz.example/back/c", "reservation_id": "1"}
    )
    canceled = (await inbound(server))[0]["reservation"]
    await settle(server)

    states = {one["theirs"]["party_id"]: (one["id"], one["state"]) for one in await _reservations(server)}
    assert {party: state for party, (_, state) in states.items()} == {"TNM": "ACTIVE", "XYZ": "WITHDRAWN"}
    assert canceled == states["XYZ"][0] != states["TNM"][0]


@pytest.mark.requirement("CMD-R-18")
async def test_a_reservation_that_we_cancel_is_told_to_the_url_of_the_reserve_now(server: Server, tnm: Caller) -> None:
    await tnm.post("/commands/RESERVE_NOW", reserve_now())
    (reservation,) = await _reservations(server)
    cancel = f"/api/commands/reservations/{reservation['id']}/cancel"
    too_early = await server.operator.post(cancel)
    await settle(server)
    await deliver(server)

    done = await server.operator.post(cancel, json={"message": [{"language": "en", "text": "out of order"}]})
    again = await server.operator.post(cancel)
    await deliver(server)

    assert [a.status_code for a in (too_early, done, again)] == [409, 202, 409]
    assert told(tnm.partner) == [
        {"result": "ACCEPTED"},
        {"message": [{"language": "en", "text": "out of order"}], "result": "CANCELED_RESERVATION"},
    ]
    assert {str(request.url) for request in tnm.partner.requests("POST", "/back")} == {BACK}
    (due,) = await server.rows("SELECT give_up_at > '2098-12-31' AS kept FROM results_due ORDER BY id DESC LIMIT 1")
    assert due["kept"]


@pytest.mark.requirement("CMD-R-19")
async def test_canceling_an_unknown_reservation_is_accepted_and_results_in_just_that(
    server: Server, tnm: Caller
) -> None:
    answer = await tnm.post("/commands/CANCEL_RESERVATION", {"response_url": BACK, "reservation_id": "none"})
    await deliver(server)

    assert answer.data["result"] == "ACCEPTED"
    assert told(tnm.partner) == [{"result": "UNKNOWN_RESERVATION"}]
    assert await inbound(server, "pending") == []


@pytest.mark.requirement("CMD-R-15", "CMD-R-16")
async def test_an_id_that_was_used_at_two_locations_cancels_none_of_the_reservations(
    server: Server, tnm: Caller
) -> None:
    location = a_location(OWA, id="LOC2", evses=[an_evse(capabilities=CAPABLE)])
    await server.operator.put("/api/locations/NL/OWA/LOC2", json=location)
    for place in ("LOC1", "LOC2"):
        await tnm.post("/commands/RESERVE_NOW", reserve_now(location_id=place, response_url=f"{BACK}/{place}"))
        await settle(server)
    cancel = {"response_url": f"{BACK}/c", "reservation_id": "1"}

    unclear = await tnm.post("/commands/CANCEL_RESERVATION", cancel)

    assert (unclear.status_code, unclear.data["result"]) == (1000, "REJECTED")
    assert unclear.data["message"][0]["text"] == "several reservations have this id, at LOC1 and LOC2"
    assert [one["state"] for one in await _reservations(server)] == ["ACTIVE", "ACTIVE"]
    newest = (await _reservations(server))[0]["id"]
    await server.operator.post(f"/api/commands/reservations/{newest}/cancel")
    assert (await tnm.post("/commands/CANCEL_RESERVATION", cancel)).data["result"] == "ACCEPTED"
    await settle(server)
    states = {one["request"]["location_id"]: one["state"] for one in await _reservations(server)}
    assert states == {"LOC1": "WITHDRAWN", "LOC2": "CANCELED"}


@pytest.mark.requirement("CMD-R-16", "HUB-22")
async def test_where_nobody_says_whose_reservation_is_meant_none_is_canceled(server: Server) -> None:
    roles = (("EMSP", "DE", "TNM"), ("EMSP", "DE", "XYZ"))
    caller = await an_emsp(server, roles=roles)
    for party in ("TNM", "XYZ"):
        emsp = caller.speaking(("DE", party), ("NL", "OWA"), "cpo")
        token = a_token(PartyId("DE", party))
        await emsp.post("/commands/RESERVE_NOW", reserve_now(token=token, response_url=f"{BACK}/{party}"))
        await settle(server)
    cancel = {"response_url": f"{BACK}/c", "reservation_id": "1"}

    answer = await replace(caller, sender=None).post("/commands/CANCEL_RESERVATION", cancel)

    assert (answer.status_code, answer.data["result"]) == (1000, "REJECTED")
    assert "OCPI-from" in answer.data["message"][0]["text"]
    assert "LOC1" not in answer.data["message"][0]["text"]
    assert [one["state"] for one in await _reservations(server)] == ["ACTIVE", "ACTIVE"]


async def test_a_reservation_that_the_station_refuses_is_no_reservation(server: Server, tnm: Caller) -> None:
    await tnm.post("/commands/RESERVE_NOW", reserve_now())

    await settle(server, "REJECTED")

    (one,) = await _reservations(server)
    assert one["state"] == "FAILED"


@pytest.mark.requirement("CMD-R-15", "CMD-R-19")
async def test_a_reservation_that_the_emsp_canceled_is_not_brought_back_by_an_earlier_reserve_now(
    server: Server, tnm: Caller
) -> None:
    await tnm.post("/commands/RESERVE_NOW", reserve_now())
    reserve = (await inbound(server))[0]["id"]
    await tnm.post("/commands/CANCEL_RESERVATION", {"response_url": f"{BACK}/c", "reservation_id": "1"})
    await settle(server)

    late = await server.operator.post(f"/api/commands/{reserve}/result", json={"result": "ACCEPTED"})
    after_late = (await _reservations(server))[0]["state"]
    await tnm.post("/commands/RESERVE_NOW", reserve_now(response_url=f"{BACK}/2"))
    await settle(server)

    assert (late.status_code, after_late) == (202, "WITHDRAWN")
    assert [one["state"] for one in await _reservations(server)] == ["ACTIVE"]


@pytest.mark.requirement("CMD-R-15", "CMD-R-18")
async def test_the_id_of_a_reservation_that_is_over_may_be_used_again(server: Server, tnm: Caller) -> None:
    await tnm.post("/commands/RESERVE_NOW", reserve_now())
    await settle(server)
    await _sql(server, "UPDATE reservations SET expires_at = now()")

    await tnm.post("/commands/RESERVE_NOW", reserve_now(expiry_date="2099-06-01T00:00:00Z", response_url=f"{BACK}/2"))
    (requested,) = await _reservations(server)
    await tnm.post("/commands/CANCEL_RESERVATION", {"response_url": f"{BACK}/c", "reservation_id": "1"})
    (cancel, *_) = await inbound(server)

    assert (requested["state"], requested["expires_at"]) == ("REQUESTED", "2099-06-01T00:00:00Z")
    assert (cancel["state"], cancel["reservation"]) == ("PENDING", requested["id"])


async def test_a_reservation_that_is_over_is_not_shown_as_active(server: Server, tnm: Caller) -> None:
    await tnm.post("/commands/RESERVE_NOW", reserve_now())
    await settle(server)
    await _sql(server, "UPDATE reservations SET expires_at = now()")

    (one,) = await _reservations(server)
    active = (await server.operator.get("/api/commands/reservations?state=active")).json()
    expired = await server.operator.get("/api/commands/reservations?state=expired")

    assert (one["state"], active) == ("EXPIRED", [])
    assert (expired.json(), expired.headers["x-total-count"]) == ([one], "1")


@pytest.mark.requirement("CMD-R-18")
async def test_a_reservation_of_which_the_station_did_not_say_whether_it_keeps_it_can_be_canceled(
    server: Server, tnm: Caller
) -> None:
    await tnm.post("/commands/RESERVE_NOW", reserve_now())
    await _sql(server, "UPDATE inbound_requests SET deadline = now()")
    await server.app.results.time_out()
    (before,) = await _reservations(server)

    done = await server.operator.post(f"/api/commands/reservations/{before['id']}/cancel")
    await deliver(server)

    (after,) = await _reservations(server)
    assert (before["state"], done.status_code, after["state"]) == ("TIMED_OUT", 202, "CANCELED")
    assert [one["result"] for one in told(tnm.partner)] == ["TIMEOUT", "CANCELED_RESERVATION"]


async def test_no_response_url_is_shown_to_the_operator_or_in_events(server: Server, tnm: Caller) -> None:
    partner: FakePartner = tnm.partner
    partner.on("POST", "/back", httpx.Response(500))
    await tnm.post("/commands/START_SESSION", start_session(response_url=f"{BACK}?key=s3cret"))
    await settle(server)
    await deliver(server)

    shown = str(await inbound(server)) + str(await server.rows("SELECT data FROM events"))

    assert "s3cret" not in shown


@pytest.mark.requirement("CMD-R-04")
async def test_a_running_worker_delivers_as_soon_as_the_result_is_told_and_stops_when_asked(
    server: Server, tnm: Caller
) -> None:
    arrived = asyncio.Event()

    def arrives(request: httpx.Request) -> httpx.Response:
        arrived.set()
        return envelope()

    tnm.partner.on("POST", "/back", arrives)
    working = asyncio.create_task(server.app.results.run())
    await tnm.post("/commands/START_SESSION", start_session())

    await settle(server)
    await asyncio.wait_for(arrived.wait(), 10)
    working.cancel()
    stopped = await asyncio.gather(working, return_exceptions=True)

    assert told(tnm.partner) == [{"result": "ACCEPTED"}]
    assert isinstance(stopped[0], asyncio.CancelledError)
