"""Results that a partner did not get are listed and sent again like objects, as long as its response_url may be good."""

from typing import Any

import httpx
import pytest
from tests.commanding import DE_TNM, OWA, an_emsp, deliver, inbound, reserve_now, settle, start_session, told
from tests.objects import a_cdr_token, a_charging_profile, a_location, a_session, an_evse
from tests.partner import Caller, envelope
from tests.server import Server

from ocpi_party.database import Statement

PROFILE_BACK = "https://tnm.example/back/profile"


@pytest.fixture
async def tnm(server: Server) -> Caller:
    return await an_emsp(server)


async def sql(server: Server, statement: str) -> None:
    async with server.app.building.database.write() as tx:
        await tx.run(Statement(statement))


async def a_command_result(server: Server, tnm: Caller) -> str:
    await tnm.post("/commands/START_SESSION", start_session())
    assert (await settle(server)).status_code == 202
    return "START_SESSION"


async def a_charging_profile_result(server: Server, tnm: Caller) -> str:
    location = a_location(OWA, evses=[an_evse(capabilities=["CHARGING_PROFILE_CAPABLE"])])
    await server.operator.put("/api/locations/NL/OWA/LOC1", json=location)
    await server.operator.put("/api/sessions/NL/OWA/101", json=a_session(OWA, cdr_token=a_cdr_token(DE_TNM)))
    body = {"charging_profile": a_charging_profile(), "response_url": PROFILE_BACK}
    assert (await tnm.put("/chargingprofiles/101", body)).data["result"] == "ACCEPTED"
    (asked,) = (await server.operator.get("/api/chargingprofiles?direction=inbound")).json()
    url = f"/api/chargingprofiles/requests/{asked['id']}/result"
    assert (await server.operator.post(url, json={"result": "ACCEPTED"})).status_code == 202
    return "SET_CHARGING_PROFILE"


async def refused(server: Server, tnm: Caller) -> None:
    tnm.partner.on("POST", "/back", envelope(code=2001))
    await deliver(server)


async def given_up(server: Server, tnm: Caller) -> None:
    tnm.partner.on("POST", "/back", httpx.Response(500))
    await sql(server, "UPDATE results_due SET give_up_at = now()")
    await deliver(server)


async def listed(server: Server, **only: Any) -> list[dict[str, Any]]:
    answer = await server.operator.get("/api/deliveries", params=only)
    assert answer.status_code == 200, answer.text
    return [row for row in answer.json() if row["module"] in ("commands", "chargingprofiles")]


async def retry(server: Server, url: str = "/api/deliveries/retry") -> Any:
    answer = await server.operator.post(url, json={"partner": 1})
    assert answer.status_code == 202, answer.text
    return answer.json()


@pytest.mark.requirement("CMD-R-04")
@pytest.mark.parametrize("result", [a_command_result, a_charging_profile_result])
@pytest.mark.parametrize("fails", [refused, given_up])
async def test_a_result_that_a_partner_did_not_get_is_listed_and_sent_again_on_request(
    server: Server, tnm: Caller, result: Any, fails: Any
) -> None:
    kind = await result(server, tnm)
    await server.push()
    await fails(server, tnm)
    seen = told(tnm.partner)

    (row,) = await listed(server, state=fails.__name__, partner=1)
    tnm.partner.on("POST", "/back", envelope())
    answer = await retry(server)
    waiting = await listed(server, state="waiting")
    await deliver(server)

    assert (row["object"].partition("/")[0], row["party"], row["partner"]) == (kind, "DE*TNM", 1)
    assert row["reason"]
    assert answer == {"retried": 1}
    assert [one["object"] for one in waiting] == [row["object"]]
    assert told(tnm.partner) == seen * 2
    assert await listed(server) == []


async def test_retrying_a_partner_sends_its_results_again_too(server: Server, tnm: Caller) -> None:
    await a_command_result(server, tnm)
    await refused(server, tnm)
    tnm.partner.on("POST", "/back", envelope())

    answer = await retry(server, "/api/partners/1/retry")
    again = await retry(server)
    await deliver(server)

    assert (answer, again) == ({"refused": 1}, {"retried": 0})
    assert (await inbound(server))[0]["delivery"]["state"] == "DELIVERED"


async def test_a_result_that_is_refused_again_is_so_for_all_to_see(server: Server, tnm: Caller) -> None:
    await a_command_result(server, tnm)
    await refused(server, tnm)

    await retry(server)
    await deliver(server)

    assert [one["state"] for one in await listed(server)] == ["refused"]
    events = await server.rows("SELECT 1 FROM events WHERE type = 'delivery.given_up'")
    assert len(events) == 2


async def test_a_response_url_is_not_called_a_day_after_its_request(server: Server, tnm: Caller) -> None:
    await a_command_result(server, tnm)
    await refused(server, tnm)
    await sql(server, "UPDATE inbound_requests SET deadline = deadline - interval '25 hours'")
    await sql(server, "UPDATE results_due SET give_up_at = now()")

    answer = await retry(server)

    assert answer == {"retried": 0}
    assert await listed(server) == []


@pytest.mark.requirement("CMD-R-16")
async def test_a_result_is_not_sent_again_behind_a_later_one_of_the_same_request(server: Server, tnm: Caller) -> None:
    await tnm.post("/commands/RESERVE_NOW", reserve_now())
    await settle(server)
    await refused(server, tnm)
    tnm.partner.on("POST", "/back", envelope())
    (reservation,) = (await server.operator.get("/api/commands/reservations")).json()
    await server.operator.post(f"/api/commands/reservations/{reservation['id']}/cancel")
    await deliver(server)
    seen = told(tnm.partner)

    answer = await retry(server)
    await deliver(server)

    assert seen[-1]["result"] == "CANCELED_RESERVATION"
    assert answer == {"retried": 0}
    assert told(tnm.partner) == seen


async def test_objects_and_results_are_listed_together_page_by_page(server: Server, tnm: Caller) -> None:
    await a_command_result(server, tnm)

    pages = [await server.operator.get("/api/deliveries", params={"limit": 1, "offset": n}) for n in (0, 1)]

    assert [page.headers["x-total-count"] for page in pages] == ["2", "2"]
    assert [page.json()[0]["module"] for page in pages] == ["locations", "commands"]
    assert {frozenset(page.json()[0]) for page in pages} == {frozenset(pages[0].json()[0])}


async def test_results_of_other_partners_stay_as_they_are(server: Server, tnm: Caller) -> None:
    await a_command_result(server, tnm)
    await refused(server, tnm)

    answer = await server.operator.post("/api/deliveries/retry", json={"partner": 9})

    assert answer.status_code == 404
    assert [one["state"] for one in await listed(server)] == ["refused"]
