"""What goes through a hub, and what does not. OCPI 2.2.1, Message routing; HubClientInfo, "Scenarios"; AMB-59."""

import json
from typing import Any

import httpx
import pytest
from tests.behind import ABC, EVC, HUB, a_hub, sent, tell
from tests.commanding import deliver, settle, start_session
from tests.objects import a_cdr, a_cdr_token, a_charging_profile, a_location, a_session, a_tariff, a_token, an_evse
from tests.own import publish, report
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import PartyId
from ocpi_party.partners import repository
from ocpi_party.partners.exchange import Route

OWA, OWM = PartyId("NL", "OWA"), PartyId("NL", "OWM")
LOC1 = "/receiver/locations/NL/OWA/LOC1"
AWAY = ["OFFLINE", "PLANNED", "SUSPENDED"]
SWIPE = "/api/tokens/SE/EVC/012345678/authorize"
START = {"country_code": "SE", "party_id": "EVC", "token": a_token(OWM), "location_id": "LOC1", "evse_uid": "3256"}


@pytest.fixture
async def hub(server: Server) -> Caller:
    return await a_hub(server)


async def _sql(server: Server, sql: str) -> None:
    async with server.app.building.database.write() as tx:
        await tx.run(Statement(sql))


async def _again(server: Server) -> None:
    """Time passes: what was postponed is due."""
    await _sql(server, "UPDATE outbox_lanes SET next_attempt_at = now()")
    await server.push()


async def _configure(server: Server, **quirks: Any) -> None:
    (row,) = await server.rows("SELECT id FROM partners WHERE is_hub")
    answer = await server.operator.patch(f"/api/partners/{row['id']}", json={"quirks": quirks})
    assert answer.status_code == 200, answer.text


def _cdr(owner: PartyId = EVC, **changes: Any) -> dict[str, Any]:
    return a_cdr(OWA, cdr_token=a_cdr_token(owner)) | changes


@pytest.mark.requirement("HUB-05", "OWN-01", "HUB-18", "OWN-23")
async def test_each_party_behind_a_hub_is_told_on_its_own(server: Server, hub: Caller) -> None:
    for party, role in ((EVC, "EMSP"), (ABC, "NSP"), (PartyId("FR", "CPO"), "CPO")):
        await tell(hub, party, role)

    location = await publish(server)
    await server.push()

    assert sorted(sent(hub.partner)) == [("PUT", LOC1, "ABC"), ("PUT", LOC1, "EVC")]
    assert {one.headers["ocpi-from-party-id"] for one in hub.partner.asked} == {"OWA"}
    assert json.loads(hub.partner.asked[0].content)["last_updated"] == location["last_updated"]


@pytest.mark.requirement("TYP-19", "HUB-29")
async def test_a_role_that_we_do_not_know_gives_no_rights_and_takes_none(server: Server, hub: Caller) -> None:
    partner = (await server.rows("SELECT id FROM partners"))[0]["id"]
    await tell(hub, ABC, "WHOLESALER")
    await tell(hub, EVC, "WHOLESALER")
    await tell(hub, EVC, "eMSP", status="OFFLINE")
    await _configure(server, broadcast=["tariffs"])

    await publish(server)
    await tell(hub, ABC, "WHOLESALER", status="OFFLINE")
    await server.operator.put("/api/tariffs/NL/OWA/12", json=a_tariff(OWA))
    await tell(hub, ABC, "WHOLESALER")
    await server.push()
    unknown = sent(hub.partner)
    await tell(hub, EVC, "WHOLESALER", status="SUSPENDED")
    await tell(hub, EVC, "eMSP")
    await server.push()

    assert unknown == [("PUT", "/receiver/tariffs/NL/OWA/12", "HUB")]
    assert sent(hub.partner)[1:] == [
        ("PUT", "/receiver/tariffs/NL/OWA/12", "EVC"),
        ("PUT", LOC1, "EVC"),
    ]
    told = (await server.operator.get(f"/api/partners/{partner}")).json()["roles"]
    assert sorted((one["party_id"], one["role"]) for one in told) == [
        ("ABC", "OTHER"), ("EVC", "EMSP"), ("EVC", "OTHER"), ("HUB", "HUB"),
    ]  # fmt: skip


@pytest.mark.requirement("HUB-11", "HUB-13")
async def test_a_broadcast_goes_to_the_hub_once_and_never_carries_cdrs_or_sessions(server: Server, hub: Caller) -> None:
    await tell(hub)
    await tell(hub, ABC)
    await _configure(server, broadcast=["locations", "tariffs", "tokens", "cdrs", "sessions"])

    await publish(server)
    await server.operator.put("/api/tariffs/NL/OWA/12", json=a_tariff(OWA))
    await server.operator.put("/api/tokens/NL/OWM/012345678", json=a_token(OWM))
    await server.operator.put("/api/sessions/NL/OWA/101", json=a_session(OWA, cdr_token=a_cdr_token(EVC)))
    await server.operator.put("/api/cdrs/NL/OWA/CDR1", json=_cdr())
    await server.push()
    await report(server, "CHARGING")
    await server.push()

    assert sorted(sent(hub.partner)) == [
        ("PATCH", f"{LOC1}/3256", "HUB"),
        ("POST", "/receiver/cdrs", "EVC"),
        ("PUT", LOC1, "HUB"),
        ("PUT", "/receiver/sessions/NL/OWA/101", "EVC"),
        ("PUT", "/receiver/tariffs/NL/OWA/12", "HUB"),
        ("PUT", "/receiver/tokens/NL/OWM/012345678", "HUB"),
    ]
    assert {one.headers["ocpi-from-party-id"] for one in hub.partner.asked} == {"OWA", "OWM"}


@pytest.mark.requirement("HUB-12")
async def test_a_patch_that_a_hub_refuses_is_not_followed_by_a_get_of_everybody(server: Server, hub: Caller) -> None:
    await tell(hub)
    await _configure(server, broadcast=["locations"])
    await publish(server)
    await server.push()
    hub.partner.asked.clear()
    hub.partner.on("PATCH", LOC1, envelope(code=2003))

    await report(server, "CHARGING")
    await server.push()

    assert [method for method, _, _ in sent(hub.partner)] == ["PATCH", "PUT"]


@pytest.mark.requirement("HUB-27")
@pytest.mark.parametrize(("over_direct", "way"), [(False, "evc.example"), (True, "hub.example")])
async def test_a_party_that_is_reached_twice_is_told_once(
    server: Server, hub: Caller, *, over_direct: bool, way: str
) -> None:
    direct = FakePartner("evc", "evc.example", "e.e", roles=(("EMSP", "SE", "EVC"),))
    await server.connect(server.internet.add(direct))
    direct.asked.clear()
    await tell(hub)
    await _configure(server, over_direct=over_direct)
    hub.partner.asked.clear()

    await publish(server)
    await server.push()

    assert [(one.method, one.url.host) for one in direct.asked + hub.partner.asked] == [("PUT", way)]


@pytest.mark.requirement("HUB-27", "HUB-29")
async def test_of_two_hubs_the_one_where_the_party_is_connected_is_the_way(server: Server, hub: Caller) -> None:
    other = await a_hub(server, name="other", host="other.example", token="o.o", roles=(("HUB", "DE", "HUB"),))
    await tell(hub)
    await tell(other)
    await publish(server)
    await server.push()
    first = len(hub.partner.asked), len(other.partner.asked)

    await tell(hub, status="OFFLINE")
    await report(server, "CHARGING")
    await server.push()

    assert (first, len(hub.partner.asked), len(other.partner.asked)) == ((1, 0), 1, 1)


@pytest.mark.requirement("HUB-27")
async def test_our_own_parties_are_not_told_through_a_hub(server: Server, hub: Caller) -> None:
    await tell(hub, OWM)

    await publish(server)
    await server.push()

    assert hub.partner.asked == []


@pytest.mark.requirement("HUB-28", "STS-07")
@pytest.mark.parametrize("code", [4001, 4002, 4003])
async def test_a_hub_that_cannot_reach_one_party_is_told_everything_for_the_others(
    server: Server, hub: Caller, code: int
) -> None:
    await tell(hub)
    await tell(hub, ABC)

    def unreachable(request: httpx.Request) -> httpx.Response:
        return envelope(code=code) if request.headers["ocpi-to-party-id"] == "EVC" else envelope()

    hub.partner.on("PUT", "/receiver/", unreachable)
    for location_id in ("LOC1", "LOC2", "LOC3"):
        await publish(server, location_id)
    await server.push()

    assert len([one for one in sent(hub.partner) if one[2] == "ABC"]) == 3
    assert len([one for one in sent(hub.partner) if one[2] == "EVC"]) == 1
    lanes = await server.rows("SELECT party, failures, delivered, last_error FROM outbox_lanes ORDER BY party")
    assert [(lane["party"], lane["failures"], lane["delivered"]) for lane in lanes] == [
        ("DE*ABC", 0, 3),
        ("SE*EVC", 1, 0),
    ]
    assert f"OCPI {code}" in lanes[1]["last_error"]
    assert (await server.rows("SELECT status, alert FROM partners"))[0] == {"status": "CONNECTED", "alert": None}


@pytest.mark.requirement("HUB-29", "HCI-R-07", "HCI-R-08", "HCI-R-09")
@pytest.mark.parametrize("status", AWAY)
async def test_nothing_is_sent_to_a_party_that_is_away(server: Server, hub: Caller, status: str) -> None:
    cpo = hub.speaking(("SE", "EVC"), ("NL", "OWM"), "emsp")
    emsp = hub.speaking(("SE", "EVC"), ("NL", "OWA"), "cpo")
    await tell(hub, role="CPO")
    await tell(hub)
    evse = an_evse(
        capabilities=["REMOTE_START_STOP_CAPABLE", "CHARGING_PREFERENCES_CAPABLE", "CHARGING_PROFILE_CAPABLE"]
    )
    assert (await cpo.put("/locations/SE/EVC/LOC1", a_location(EVC, evses=[evse]))).http_status == 201
    session = a_session(EVC, cdr_token=a_cdr_token(OWM))
    assert (await cpo.put("/sessions/SE/EVC/101", session)).http_status == 201
    assert (await emsp.put("/tokens/SE/EVC/012345678", a_token(EVC, whitelist="NEVER"))).http_status == 201
    await publish(server, evses=[evse])
    await server.push()
    command = start_session(token=a_token(EVC), response_url="https://hub.example/back/1")
    assert (await emsp.post("/commands/START_SESSION", command)).data["result"] == "ACCEPTED"
    hub.partner.asked.clear()

    await tell(hub, role="CPO", status=status)
    await tell(hub, status=status)
    await report(server, "CHARGING")
    await server.operator.put("/api/cdrs/NL/OWA/CDR1", json=_cdr())
    await server.operator.put("/api/tokens/NL/OWM/1", json=a_token(OWM, uid="1"))
    await settle(server)
    await _again(server)
    await deliver(server)
    swiped = await server.operator.post(SWIPE)
    commanded = await server.operator.post("/api/commands/START_SESSION", json=START)
    wished = await server.operator.put("/api/sessions/SE/EVC/101/charging_preferences", json={"profile_type": "GREEN"})
    profile = {"charging_profile": a_charging_profile(), "country_code": "SE", "party_id": "EVC"}
    profiled = await server.operator.put("/api/chargingprofiles/101", json=profile)

    assert sent(hub.partner) == []
    assert swiped.json()["allowed"] == "NOT_ALLOWED"
    assert (commanded.status_code, wished.status_code, profiled.status_code) == (404, 409, 409)
    assert "its hub says that it is away" in commanded.json()["detail"]


@pytest.mark.requirement("HCI-R-06", "HCI-R-07", "HUB-29", "OPS-03")
async def test_a_party_that_is_back_is_told_what_it_does_not_know_once_as_it_stands(
    server: Server, hub: Caller
) -> None:
    await tell(hub)
    await publish(server)
    await server.push()
    hub.partner.asked.clear()
    hub.partner.on("PATCH", LOC1, envelope(code=4003))
    await report(server, "BLOCKED")  # It was not told of this before it went away.
    await server.push()
    await tell(hub, status="OFFLINE")
    for status in ("CHARGING", "AVAILABLE", "OUTOFORDER"):
        await report(server, status)
    await server.operator.put("/api/cdrs/NL/OWA/CDR1", json=_cdr())
    hub.partner.asked.clear()

    await tell(hub)
    await server.push()

    assert sent(hub.partner) == [("PUT", f"{LOC1}/3256", "EVC"), ("POST", "/receiver/cdrs", "EVC")]
    assert json.loads(hub.partner.asked[0].content)["status"] == "OUTOFORDER"


@pytest.mark.requirement("HCI-R-07", "HCI-R-06", "HUB-11")
async def test_what_a_party_missed_of_broadcasts_it_is_told_when_it_is_back(server: Server, hub: Caller) -> None:
    await tell(hub)
    await _configure(server, broadcast=["locations"])
    await tell(hub, status="OFFLINE")
    location = {name: value for name, value in a_location(OWA).items() if name != "last_updated"}
    await server.operator.put("/api/locations/NL/OWA/LOC1", json=location)
    await server.push()
    broadcast = sent(hub.partner)
    hub.partner.asked.clear()

    await tell(hub)
    await server.push()

    assert broadcast == [("PUT", LOC1, "HUB")]
    assert sent(hub.partner) == [("PUT", LOC1, "EVC")]


async def test_a_party_that_is_back_is_told_nothing_while_the_operator_has_switched_it_off(
    server: Server, hub: Caller
) -> None:
    await tell(hub)
    await _configure(server, broadcast=["locations"])
    await tell(hub, status="OFFLINE")
    await publish(server, last_updated=None)
    await server.push()
    hub.partner.asked.clear()

    await server.operator.patch("/api/partners/1", json={"push": False})
    await tell(hub)
    await server.push()
    meanwhile = sent(hub.partner)
    await server.operator.patch("/api/partners/1", json={"push": True})
    await server.push()

    assert meanwhile == []
    assert sent(hub.partner) == [("PUT", LOC1, "EVC")]


@pytest.mark.requirement("HCI-R-10", "HUB-29")
async def test_a_party_that_is_away_in_one_role_is_told_in_the_other(server: Server, hub: Caller) -> None:
    await tell(hub)
    await tell(hub, role="CPO", status="OFFLINE")

    await server.operator.put("/api/tokens/NL/OWM/012345678", json=a_token(OWM))
    await publish(server)
    await server.push()
    only = sent(hub.partner)
    await tell(hub, role="CPO")
    await server.push()

    assert only == [("PUT", LOC1, "EVC")]
    assert sent(hub.partner)[1:] == [("PUT", "/receiver/tokens/NL/OWM/012345678", "EVC")]


@pytest.mark.requirement("HCI-R-09", "HCI-R-10")
async def test_what_a_suspended_party_still_had_to_pay_is_told_to_the_operator(server: Server, hub: Caller) -> None:
    await tell(hub)
    await tell(hub, role="CPO")
    hub.partner.on("*", "/receiver/", envelope(code=4003))
    await server.operator.put("/api/cdrs/NL/OWA/CDR1", json=_cdr())
    await server.operator.put("/api/tokens/NL/OWM/012345678", json=a_token(OWM))
    await server.push()

    await tell(hub, status="SUSPENDED")

    (row,) = await server.rows("SELECT alert FROM partners")
    assert "1 CDRs are not delivered, NL*OWA/CDR1" in row["alert"]
    assert [one["module"] for one in await server.rows("SELECT module FROM outbox_marks")] == ["tokens"]


@pytest.mark.requirement("HUB-26", "HUB-25")
async def test_a_result_goes_over_the_connection_that_the_command_came_by(server: Server, hub: Caller) -> None:
    direct = FakePartner("evc", "evc.example", "e.e", roles=(("EMSP", "SE", "EVC"),))
    direct_caller = await server.connect(server.internet.add(direct))
    await _configure(server, over_direct=True, any_party=True)
    await publish(server, evses=[an_evse(capabilities=["REMOTE_START_STOP_CAPABLE"])])
    for caller, url in ((hub, "https://hub.example/back/1"), (direct_caller, "https://evc.example/back/1")):
        command = start_session(token=a_token(EVC), response_url=url)
        answer = await caller.speaking(("SE", "EVC"), ("NL", "OWA"), "cpo").post("/commands/START_SESSION", command)
        assert answer.data["result"] == "ACCEPTED"
        await settle(server)

    await deliver(server)

    back = [one for partner in (hub.partner, direct) for one in partner.requests("POST", "/back/1")]
    assert [(one.url.host, one.headers["ocpi-to-party-id"], one.headers["ocpi-from-party-id"]) for one in back] == [
        ("hub.example", "EVC", "OWA"),
        ("evc.example", "EVC", "OWA"),
    ]
    assert len({one.headers["authorization"] for one in back}) == 2


@pytest.mark.requirement("HUB-06")
async def test_a_token_that_nobody_knows_is_asked_for_without_a_receiver(server: Server, hub: Caller) -> None:
    hub.partner.on("POST", "/authorize", envelope({"allowed": "ALLOWED", "token": a_token(EVC)}))

    answer = await server.operator.post("/api/tokens/-/-/012345678/authorize")

    (request,) = hub.partner.requests("POST", "/authorize")
    assert answer.json()["allowed"] == "ALLOWED"
    assert {name: value for name, value in request.headers.items() if name.startswith("ocpi-")} == {
        "ocpi-from-country-code": "NL",
        "ocpi-from-party-id": "OWA",
    }


@pytest.mark.requirement("HUB-06", "HUB-07")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_every_method_can_leave_the_receiver_to_the_hub(server: Server, hub: Caller, method: str) -> None:
    async with server.app.building.database.read() as tx:
        partner = (await repository.connected(tx))[0]
    body: dict[str, Any] = {} if method in ("GET", "DELETE") else {"body": {"a": 1}}

    await server.app.building.client.call(partner, method, "https://hub.example/x", route=Route(OWA, None), **body)

    (request,) = hub.partner.asked
    assert (request.method, request.headers.get("ocpi-from-party-id"), "ocpi-to-party-id" in request.headers) == (
        method, "OWA", False,
    )  # fmt: skip


@pytest.mark.requirement("HUB-14", "HUB-10")
async def test_the_hub_itself_is_no_receiver_of_what_is_told_to_each(server: Server, hub: Caller) -> None:
    await tell(hub, PartyId(*HUB), "HUB")

    await publish(server)
    await server.push()

    assert hub.partner.asked == []
