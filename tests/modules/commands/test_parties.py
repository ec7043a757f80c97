"""Which of our parties a command concerns, where nobody said: the one that has what it is about."""

from typing import Any

import pytest
from tests.commanding import BACK, DE_TNM, an_emsp, inbound, reserve_now, unlock
from tests.objects import a_cdr_token, a_session, a_token
from tests.own import publish
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWB, OWZ = PartyId("NL", "OWB"), PartyId("NL", "OWZ")
CPO = {"country_code": "NL", "party_id": "TNM"}
ACCEPTED = {"result": "ACCEPTED", "timeout": 20}
STOP = {"response_url": BACK, "session_id": "101"}
CANCEL = {"response_url": BACK, "reservation_id": "1"}


@pytest.fixture
async def unnamed(server: Server) -> Caller:
    """DE/TNM, which does not say which of our two CPOs it means; NL/OWA has LOC1."""
    caller = await an_emsp(server)
    await server.add_party("NL", "OWB", "CPO")
    return caller.speaking(("DE", "TNM"), ("", ""), "cpo")


def _whose(commands: list[dict[str, Any]]) -> list[str]:
    return [command["ours"]["party_id"] for command in commands]


@pytest.mark.requirement("HUB-22")
async def test_a_command_is_for_the_cpo_that_has_what_it_is_about(server: Server, unnamed: Caller) -> None:
    session = a_session(OWB, id="101", cdr_token=a_cdr_token(DE_TNM))
    answer = await server.operator.put("/api/sessions/NL/OWB/101", json=session)
    assert answer.status_code == 201, answer.text

    answers = [
        await unnamed.post("/commands/UNLOCK_CONNECTOR", unlock()),
        await unnamed.post("/commands/STOP_SESSION", STOP),
        await unnamed.post("/commands/RESERVE_NOW", reserve_now()),
        await unnamed.post("/commands/CANCEL_RESERVATION", CANCEL),
    ]

    assert [answer.data["result"] for answer in answers] == ["ACCEPTED"] * 4
    assert _whose(await inbound(server)) == ["OWA", "OWA", "OWB", "OWA"]


@pytest.mark.requirement("HUB-22")
async def test_a_command_about_what_two_cpos_have_needs_ocpi_to(server: Server, unnamed: Caller) -> None:
    await publish(server, "LOC1", OWB)

    answer = await unnamed.post("/commands/UNLOCK_CONNECTOR", unlock())

    assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 2001, False)
    assert await inbound(server) == []


@pytest.mark.requirement("CMD-R-06", "CMD-R-07", "HUB-22")
async def test_what_none_of_our_cpos_has_is_unknown(server: Server, unnamed: Caller) -> None:
    place = await unnamed.post("/commands/UNLOCK_CONNECTOR", unlock(location_id="LOC9"))
    session = await unnamed.post("/commands/STOP_SESSION", STOP)

    assert (place.status_code, place.data["result"]) == (2003, "REJECTED")
    assert (session.status_code, session.data["result"]) == (1000, "UNKNOWN_SESSION")


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The CPO NL/TNM; we are the eMSPs NL/OWM and, later, NL/OWZ."""
    caller = await server.connect(server.internet.add(FakePartner()))
    await server.add_party("NL", "OWZ", "EMSP")
    caller = caller.speaking(("NL", "TNM"), ("NL", "OWZ"), "emsp")
    caller.partner.on("POST", "/receiver/commands", envelope(ACCEPTED))
    return caller


async def _sent_by(server: Server, tnm: Caller, command: str, **body: Any) -> str:
    answer = await server.operator.post(f"/api/commands/{command}", json=CPO | body)
    assert answer.status_code == 202, answer.text
    return tnm.partner.requests("POST", f"/receiver/commands/{command}")[-1].headers["ocpi-from-party-id"]


async def test_a_session_is_stopped_by_the_emsp_whose_driver_it_is(server: Server, tnm: Caller) -> None:
    told = await tnm.put("/sessions/NL/TNM/101", a_session(cdr_token=a_cdr_token(OWZ)))
    assert told.http_status == 201, told

    assert await _sent_by(server, tnm, "STOP_SESSION", session_id="101") == "OWZ"
    assert await _sent_by(server, tnm, "STOP_SESSION", session_id="unknown") == "OWM"


async def test_a_reservation_is_canceled_by_the_emsp_that_made_it(server: Server, tnm: Caller) -> None:
    place = {"token": a_token(OWZ), "location_id": "LOC1", "expiry_date": "2099-01-01T00:00:00Z"}
    await _sent_by(server, tnm, "RESERVE_NOW", reservation_id="r1", **place)

    assert await _sent_by(server, tnm, "CANCEL_RESERVATION", reservation_id="R1") == "OWZ"


async def test_a_connector_is_unlocked_by_any_emsp_of_ours_or_the_one_that_is_named(
    server: Server, tnm: Caller
) -> None:
    place = {"location_id": "LOC1", "evse_uid": "3256", "connector_id": "1"}

    assert await _sent_by(server, tnm, "UNLOCK_CONNECTOR", **place) == "OWM"
    named = {"from_country_code": "NL", "from_party_id": "OWZ"}
    assert await _sent_by(server, tnm, "UNLOCK_CONNECTOR", **place, **named) == "OWZ"
    await server.operator.patch("/api/partners/1", json={"parties": ["NL*OWZ"]})
    assert await _sent_by(server, tnm, "UNLOCK_CONNECTOR", **place) == "OWZ"


@pytest.mark.parametrize(("command", "field"), [("START_SESSION", "token"), ("STOP_SESSION", "session_id")])
async def test_what_a_command_lacks_is_named(server: Server, tnm: Caller, command: str, field: str) -> None:
    answer = await server.operator.post(f"/api/commands/{command}", json=CPO | {"location_id": "LOC1"})

    assert (answer.status_code, answer.json()["pointer"]) == (422, f"/{field}")
    assert tnm.partner.requests("POST", "/receiver/commands") == []
