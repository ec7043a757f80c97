"""The life of the sandbox: as a CPO drivers of partners charge at it, as an eMSP it judges its own tokens."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from tests.commanding import deliver, told
from tests.objects import a_token
from tests.partner import Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import JsonObject, PartyId, now, wire_time
from ocpi_party.partners.partner import Party
from ocpi_party.sandbox.charge import LASTS
from ocpi_party.sandbox.charge_points import ChargePoints
from ocpi_party.sandbox.opening import open_sandbox
from ocpi_party.sandbox.parties import CARDS, CPO, EMSP
from ocpi_party.sandbox.power import Power

DE_TNM = PartyId("DE", "TNM")
TOKEN = "/ocpi/cpo/2.2.1/tokens/DE/TNM/012345678"


async def _visitor(server: Server, party: Party, side: str) -> Caller:
    """A partner that registers with the token that the sandbox prints."""
    token = await open_sandbox(server.app, party)
    partner = server.internet.add(FakePartner())
    caller = server.caller(token, partner)
    answer = await caller.request("POST", "/ocpi/2.2.1/credentials", partner.credentials())
    caller.token = answer.data["token"]
    return caller.speaking(("DE", "TNM"), (party.country_code, party.party_id), side)


async def test_driver_of_a_partner_charges_and_is_billed(server: Server) -> None:
    tnm = await _visitor(server, CPO, "cpo")
    pushed = await tnm.request("PUT", TOKEN, a_token(DE_TNM))
    assert pushed.status_code == 1000, pushed
    points, at = ChargePoints(server.app.building, CPO, speed=60), now()

    await points.step(at)
    going_on = (await server.operator.get("/api/sessions?own=true")).json()
    charging = await _statuses(server)
    await points.step(at + timedelta(seconds=15))
    half = (await server.operator.get("/api/sessions?own=true")).json()
    await points.step(at + timedelta(seconds=30))

    assert [(one["status"], one["kwh"]) for one in going_on] == [("ACTIVE", 0)]
    assert charging.count("CHARGING") == 1
    assert (half[0]["status"], half[0]["kwh"]) == ("ACTIVE", 2.75)
    [session] = [
        one for one in (await server.operator.get("/api/sessions?own=true")).json() if one["status"] != "ACTIVE"
    ]
    assert (session["status"], session["kwh"]) == ("COMPLETED", 5.5)
    [cdr] = (await server.operator.get("/api/cdrs?own=true")).json()
    assert (cdr["session_id"], cdr["total_energy"], cdr["total_cost"]) == (
        session["id"],
        5.5,
        {"excl_vat": 2.2, "incl_vat": 2.662},
    )
    started, ended = (datetime.fromisoformat(cdr[name]) for name in ("start_date_time", "end_date_time"))
    assert ended - started == LASTS
    await server.push()
    assert [json.loads(one.content)["id"] for one in tnm.partner.requests("POST", "/cdrs")] == [cdr["id"]]


async def _own_sessions(server: Server) -> list[JsonObject]:
    found: list[JsonObject] = (await server.operator.get("/api/sessions?own=true")).json()
    return found


async def _statuses(server: Server) -> list[str]:
    found = (await server.operator.get("/api/locations?own=true")).json()
    return [evse["status"] for location in found for evse in location["evses"]]


async def test_commands_are_carried_out(server: Server) -> None:
    tnm = await _visitor(server, CPO, "cpo")
    points, at = ChargePoints(server.app.building, CPO, speed=60), now()
    place = {"token": a_token(DE_TNM), "location_id": "SB1", "evse_uid": "SB1-2"}
    commands = "/ocpi/cpo/2.2.1/commands"

    await tnm.request("POST", f"{commands}/START_SESSION", place | {"response_url": "https://tnm.example/back/1"})
    await points.step(at)
    await tnm.request("POST", f"{commands}/START_SESSION", place | {"response_url": "https://tnm.example/back/2"})
    await points.step(at + timedelta(seconds=1))
    [session] = (await server.operator.get("/api/sessions?own=true")).json()
    stop = {"session_id": session["id"], "response_url": "https://tnm.example/back/3"}
    await tnm.request("POST", f"{commands}/STOP_SESSION", stop)
    await points.step(at + timedelta(seconds=2))
    await deliver(server)

    assert (session["evse_uid"], session["auth_method"]) == ("SB1-2", "COMMAND")
    results = {path: [one["result"] for one in told(tnm.partner, path)] for path in ("/back/1", "/back/2", "/back/3")}
    assert results == {"/back/1": ["ACCEPTED"], "/back/2": ["EVSE_OCCUPIED"], "/back/3": ["ACCEPTED"]}
    [ended] = (await server.operator.get("/api/sessions?own=true")).json()
    assert ended["status"] == "COMPLETED"
    assert len((await server.operator.get("/api/cdrs?own=true")).json()) == 1


async def test_a_command_lets_its_own_session_begin_and_no_other(server: Server) -> None:
    tnm = await _visitor(server, CPO, "cpo")
    await tnm.request("PUT", TOKEN, a_token(DE_TNM))
    points, at = ChargePoints(server.app.building, CPO, speed=60), now()
    start = {"token": a_token(DE_TNM), "location_id": "SB1", "authorization_reference": "REF"}
    commands = "/ocpi/cpo/2.2.1/commands"

    await tnm.request("POST", f"{commands}/START_SESSION", start | {"response_url": "https://tnm.example/back/1"})
    await points.step(at)
    begun = (await server.operator.get("/api/sessions?own=true")).json()
    [session] = [one for one in begun if one["auth_method"] == "COMMAND"]
    stop = {"session_id": session["id"], "response_url": "https://tnm.example/back/2"}
    await tnm.request("POST", f"{commands}/STOP_SESSION", stop)
    for seconds in (20, 40, 60):
        await points.step(at + timedelta(seconds=seconds))

    found = (await server.operator.get("/api/sessions?own=true")).json()
    assert session["authorization_reference"] == "REF"
    assert [one["evse_uid"] for one in begun] == ["SB1-1", "SB1-2"]
    assert {
        (one["auth_method"], one.get("authorization_reference")) for one in found if one["id"] != session["id"]
    } == {("WHITELIST", None)}


async def test_a_charging_profile_limits_a_charge_until_it_is_cleared(server: Server) -> None:
    tnm = await _visitor(server, CPO, "cpo")
    await tnm.request("PUT", TOKEN, a_token(DE_TNM))
    points, at = ChargePoints(server.app.building, CPO, speed=60), now()
    await points.step(at)
    [session] = await _own_sessions(server)
    url = f"/ocpi/cpo/2.2.1/chargingprofiles/{session['id']}"
    limits = [{"start_period": 0, "limit": 5500}, {"start_period": 300, "limit": 0}]
    profile = {
        "charging_rate_unit": "W",
        "charging_profile_period": limits,
        "duration": 600,
        "start_date_time": wire_time(at),
    }

    def back(number: int) -> dict[str, str]:
        return {"response_url": f"https://tnm.example/back/{number}"}

    responses = [
        await tnm.request("DELETE", url, params=back(1)),
        await tnm.request("PUT", url, {"charging_profile": profile} | back(2)),
        await tnm.request("GET", url, params={"duration": "900"} | back(3)),
    ]
    await points.step(at)
    await points.step(at + timedelta(seconds=10))
    responses.append(await tnm.request("DELETE", url, params=back(4)))
    await points.step(at + timedelta(seconds=15))
    [charging] = [one for one in await _own_sessions(server) if one["id"] == session["id"]]
    await points.step(at + timedelta(seconds=30))
    responses.append(await tnm.request("DELETE", url, params=back(5)))
    await deliver(server)

    assert [one.data["result"] for one in responses] == ["ACCEPTED"] * 4 + ["REJECTED"]
    results = [one for number in range(1, 5) for one in told(tnm.partner, f"/back/{number}")]
    assert [one["result"] for one in results] == ["UNKNOWN", "ACCEPTED", "ACCEPTED", "ACCEPTED"]
    assert results[2]["profile"]["charging_profile"] == {
        "duration": 900,
        "charging_rate_unit": "W",
        "charging_profile_period": [*limits, {"start_period": 600, "limit": 11000}],
    }
    assert charging["kwh"] == 1.375
    [cdr] = [one for one in (await server.operator.get("/api/cdrs?own=true")).json() if one["id"] == session["id"]]
    assert cdr["total_energy"] == 4.125


async def test_a_driver_tells_what_is_preferred(server: Server) -> None:
    tnm = await _visitor(server, CPO, "cpo")
    await tnm.request("PUT", TOKEN, a_token(DE_TNM))
    await ChargePoints(server.app.building, CPO, speed=60).step(now())
    [session] = await _own_sessions(server)
    url = f"/ocpi/cpo/2.2.1/sessions/{session['id']}/charging_preferences"

    answer = await tnm.request("PUT", url, {"profile_type": "GREEN"})

    assert answer.data == "ACCEPTED"


@pytest.mark.parametrize(
    ("periods", "more", "kwh"),
    [
        ([(0, 8)], {}, 11 / 6 + 8 * 0.69 * 5 / 6),
        ([(0, 100)], {}, 11),
        ([(0, 0)], {}, 11 / 6),
        ([(0, 16), (1800, 0)], {}, 5.5),
        ([(0, 0)], {"duration": 1800}, 11 / 6 + 5.5),
        ([], {}, 11),
    ],
)
def test_what_a_profile_set_in_the_tenth_minute_leaves_of_an_hour(
    periods: list[tuple[int, int]], more: JsonObject, kwh: float
) -> None:
    limits = [{"start_period": start, "limit": Decimal(limit)} for start, limit in periods]
    power = Power()

    power.limit({"charging_rate_unit": "A", "charging_profile_period": limits} | more, 0, 600)

    assert float(power.kwh(3600)) == pytest.approx(kwh)


async def test_session_that_a_stop_of_the_sandbox_cut_off_ends_as_invalid(server: Server) -> None:
    tnm = await _visitor(server, CPO, "cpo")
    await tnm.request("PUT", TOKEN, a_token(DE_TNM))
    await ChargePoints(server.app.building, CPO, speed=60).step(now())

    await open_sandbox(server.app, CPO)

    assert [one["status"] for one in (await server.operator.get("/api/sessions?own=true")).json()] == ["INVALID"]
    assert set(await _statuses(server)) == {"AVAILABLE"}


@pytest.mark.parametrize(
    ("uid", "allowed"),
    [("SB-ASK", "ALLOWED"), ("SB-NOCREDIT", "NO_CREDIT"), ("SB-EXPIRED", "EXPIRED"), ("SB-BLOCKED", "BLOCKED")],
)
async def test_tokens_are_judged_as_their_names_say(server: Server, uid: str, allowed: str) -> None:
    tnm = (await _visitor(server, EMSP, "emsp")).speaking(("NL", "TNM"), ("XX", "SBE"), "emsp")

    answer = await tnm.request("POST", f"/ocpi/emsp/2.2.1/tokens/{uid}/authorize")

    assert answer.data["allowed"] == allowed


async def test_each_start_leaves_one_invitation_and_the_same_tokens(server: Server) -> None:
    first = await open_sandbox(server.app, EMSP)
    second = await open_sandbox(server.app, EMSP)

    assert (await server.caller(first).request("GET", "/ocpi/versions")).http_status == 401
    assert (await server.caller(second).request("GET", "/ocpi/versions")).http_status == 200
    assert len((await server.operator.get("/api/tokens?own=true")).json()) == len(CARDS)
