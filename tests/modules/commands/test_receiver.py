"""Commands, Receiver interface: what an eMSP is answered at once."""

import asyncio
from typing import Any

import pytest
from tests.commanding import BACK, CAPABLE, DE_TNM, OWA, an_emsp, inbound, reserve_now, start_session, unlock
from tests.objects import a_location, a_session, a_token, an_evse
from tests.partner import Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

BODIES: dict[str, dict[str, Any]] = {
    "CANCEL_RESERVATION": {"response_url": BACK, "reservation_id": "1"},
    "RESERVE_NOW": reserve_now(),
    "START_SESSION": start_session(),
    "STOP_SESSION": {"response_url": BACK, "session_id": "101"},
    "UNLOCK_CONNECTOR": unlock(),
}


@pytest.fixture
async def tnm(server: Server) -> Caller:
    caller = await an_emsp(server)
    await _session(server, DE_TNM, "101")
    return caller


async def _session(server: Server, emsp: PartyId, key: str, **changes: Any) -> None:
    body = a_session(OWA, id=key, cdr_token=_cdr_token(emsp), **changes)
    answer = await server.operator.put(f"/api/sessions/NL/OWA/{key}", json=body)
    assert answer.status_code == 201, answer.text


def _cdr_token(emsp: PartyId) -> dict[str, Any]:
    owner = {"country_code": emsp.country_code, "party_id": emsp.party_id}
    return owner | {"uid": "012345678", "type": "RFID", "contract_id": "DE8ACC12E46L89"}


@pytest.mark.requirement("CMD-R-01", "CMD-R-03")
@pytest.mark.parametrize("command", BODIES)
async def test_each_command_is_accepted_and_kept_for_the_charge_point(
    server: Server, tnm: Caller, command: str
) -> None:
    answer = await tnm.post(f"/commands/{command}", BODIES[command])

    assert (answer.http_status, answer.status_code) == (200, 1000), answer
    assert answer.data == {"result": "ACCEPTED", "timeout": 30}
    (kept,) = await inbound(server)
    assert (kept["command"], kept["theirs"]) == (command, {"country_code": "DE", "party_id": "TNM"})
    assert kept["request"] == {k: v for k, v in BODIES[command].items() if k != "response_url"}


@pytest.mark.parametrize("off", [{"modules": []}, {"parties": []}], ids=str)
async def test_what_was_begun_can_be_ended_whatever_was_switched_off_meanwhile(
    server: Server, tnm: Caller, off: dict[str, Any]
) -> None:
    await server.operator.patch("/api/partners/1", json=off)

    taken = [await tnm.post(f"/commands/{one}", BODIES[one]) for one in ("STOP_SESSION", "CANCEL_RESERVATION")]
    others = [await tnm.post(f"/commands/{one}", BODIES[one]) for one in ("START_SESSION", "UNLOCK_CONNECTOR")]

    assert [one.data["result"] for one in taken] == ["ACCEPTED"] * 2
    assert [one.status_code for one in others] == [2000 if "modules" in off else 4001] * 2


@pytest.mark.requirement("CMD-R-09")
@pytest.mark.parametrize(
    ("command", "field"),
    [
        (command, field)
        for command, body in BODIES.items()
        for field in body
        if not (field == "evse_uid" and command in ("RESERVE_NOW", "START_SESSION"))
    ],
)
async def test_a_command_without_a_required_field_is_malformed(
    server: Server, tnm: Caller, command: str, field: str
) -> None:
    answer = await tnm.post(f"/commands/{command}", {k: v for k, v in BODIES[command].items() if k != field})

    assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 2001, False)
    assert field in answer.message
    assert await inbound(server) == []


@pytest.mark.requirement("CMD-R-02")
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/commands", "/commands/START_SESSION"])
async def test_other_methods_are_not_there(tnm: Caller, method: str, path: str) -> None:
    answer = await tnm.request(method, path)

    assert (answer.http_status, answer.status_code) == (405, 2000)


@pytest.mark.requirement("CMD-R-22")
async def test_a_command_that_ocpi_does_not_know_is_not_found(server: Server, tnm: Caller) -> None:
    answer = await tnm.post("/commands/FOO", BODIES["START_SESSION"])

    assert (answer.http_status, answer.status_code) == (404, 2001)


@pytest.mark.requirement("CMD-R-05", "CMD-R-06")
@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("START_SESSION", start_session(location_id="LOC9")),
        ("START_SESSION", start_session(evse_uid="9999")),
        ("START_SESSION", start_session(connector_id="9")),
        ("RESERVE_NOW", reserve_now(location_id="LOC9")),
        ("RESERVE_NOW", reserve_now(evse_uid="9999")),
        ("UNLOCK_CONNECTOR", unlock(location_id="LOC9")),
        ("UNLOCK_CONNECTOR", unlock(evse_uid="9999")),
        ("UNLOCK_CONNECTOR", unlock(connector_id="9")),
    ],
)
async def test_an_unknown_place_is_2003_with_rejected(
    server: Server, tnm: Caller, command: str, body: dict[str, Any]
) -> None:
    answer = await tnm.post(f"/commands/{command}", body)

    assert (answer.http_status, answer.status_code) == (200, 2003)
    assert (answer.data["result"], answer.data["timeout"]) == ("REJECTED", 30)
    assert await inbound(server) == []


@pytest.mark.requirement("CMD-R-06")
async def test_a_location_that_another_partner_alone_may_see_is_unknown(server: Server, tnm: Caller) -> None:
    private = a_location(OWA, id="LOC2", evses=[an_evse(capabilities=CAPABLE)])
    await server.operator.put("/api/locations/NL/OWA/LOC2", params={"audience": "DE*XYZ"}, json=private)

    answer = await tnm.post("/commands/START_SESSION", start_session(location_id="LOC2"))

    assert (answer.status_code, answer.data["result"]) == (2003, "REJECTED")


@pytest.mark.requirement("CMD-R-07")
async def test_a_session_is_unknown_or_another_emsps_or_over(server: Server, tnm: Caller) -> None:
    await _session(server, PartyId("DE", "XYZ"), "foreign")
    over = {"status": "COMPLETED", "end_date_time": "2026-03-01T13:00:00Z"}
    await _session(server, DE_TNM, "over", **over)

    answers = [
        await tnm.post("/commands/STOP_SESSION", {"response_url": BACK, "session_id": key})
        for key in ("none", "foreign", "over")
    ]

    assert [(a.status_code, a.data["result"]) for a in answers] == [
        (1000, "UNKNOWN_SESSION"),
        (1000, "REJECTED"),
        (1000, "REJECTED"),
    ]


@pytest.mark.requirement("CMD-R-05", "CMD-R-08")
@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("START_SESSION", start_session(evse_uid="POOR")),
        ("RESERVE_NOW", reserve_now(evse_uid="POOR")),
        ("UNLOCK_CONNECTOR", unlock(evse_uid="POOR")),
    ],
)
async def test_what_an_evse_cannot_do_is_not_supported(
    server: Server, tnm: Caller, command: str, body: dict[str, Any]
) -> None:
    answer = await tnm.post(f"/commands/{command}", body)

    assert (answer.http_status, answer.status_code, answer.data["result"]) == (200, 1000, "NOT_SUPPORTED")
    assert await inbound(server) == []


@pytest.mark.requirement("CMD-R-10")
async def test_connector_and_evse_belong_together(server: Server, tnm: Caller) -> None:
    picky = an_evse(uid="PICKY", capabilities=[*CAPABLE, "START_SESSION_CONNECTOR_REQUIRED"])
    await server.operator.put("/api/locations/NL/OWA/LOC1/PICKY", json=picky)
    without_evse = {k: v for k, v in start_session(connector_id="1").items() if k != "evse_uid"}

    answers = [
        await tnm.post("/commands/START_SESSION", body)
        for body in (
            without_evse,
            start_session(evse_uid="PICKY"),
            start_session(evse_uid="PICKY", connector_id="1"),
        )
    ]

    assert [(a.status_code, "data" in a.body) for a in answers] == [(2001, False), (2001, False), (1000, True)]


@pytest.mark.requirement("CMD-R-11", "CMD-R-13")
@pytest.mark.parametrize("token", [{"valid": False}, {"whitelist": "NEVER"}, {"uid": "never-seen", "type": "APP_USER"}])
async def test_a_token_is_passed_on_unchecked_and_not_added_to_those_we_know(
    server: Server, tnm: Caller, token: dict[str, Any]
) -> None:
    answer = await tnm.post("/commands/START_SESSION", start_session(token=a_token(DE_TNM, **token)))

    assert answer.data["result"] == "ACCEPTED"
    kept = (await inbound(server))[0]["request"]["token"]
    listed = await tnm.get(f"/tokens/DE/TNM/{kept['uid']}", params={"type": kept["type"]})
    assert kept == a_token(DE_TNM, **token)
    assert listed.http_status == 404


@pytest.mark.requirement("CMD-R-20")
@pytest.mark.parametrize("command", ["START_SESSION", "RESERVE_NOW"])
async def test_a_token_of_another_emsp_is_rejected(server: Server, tnm: Caller, command: str) -> None:
    body = BODIES[command] | {"token": a_token(PartyId("DE", "XYZ"))}

    answer = await tnm.post(f"/commands/{command}", body)

    assert (answer.status_code, answer.data["result"]) == (1000, "REJECTED")


@pytest.mark.requirement("CMD-R-24")
async def test_a_reservation_that_has_expired_is_rejected(tnm: Caller) -> None:
    answer = await tnm.post("/commands/RESERVE_NOW", reserve_now(expiry_date="2020-01-01T00:00:00Z"))

    assert (answer.status_code, answer.data["result"]) == (1000, "REJECTED")


@pytest.mark.requirement("CMD-R-23")
async def test_a_response_url_on_a_foreign_host_is_refused(server: Server, tnm: Caller) -> None:
    url = "https://elsewhere.example/secret"

    answer = await tnm.post("/commands/START_SESSION", start_session(response_url=url))

    assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 2001, False)
    assert url not in answer.message
    assert await inbound(server) == []


@pytest.mark.requirement("CMD-R-25")
async def test_the_same_command_at_once_is_carried_out_once(server: Server, tnm: Caller) -> None:
    answers = await asyncio.gather(*(tnm.post("/commands/START_SESSION", start_session()) for _ in range(8)))
    other = await tnm.post("/commands/START_SESSION", start_session(response_url=f"{BACK}/2"))

    assert {(a.status_code, a.data["result"]) for a in [*answers, other]} == {(1000, "ACCEPTED")}
    assert len(await inbound(server)) == 2


@pytest.mark.requirement("CMD-R-06")
async def test_the_answer_does_not_tell_whether_another_partners_location_exists(server: Server, tnm: Caller) -> None:
    other = await server.connect(
        server.internet.add(
            FakePartner(name="xyz", host="xyz.example", token="token-b.xyz", roles=(("EMSP", "DE", "XYZ"),))
        )
    )
    other = other.speaking(("DE", "XYZ"), ("NL", "OWA"), "cpo")
    body = start_session(
        token=a_token(PartyId("DE", "XYZ")), response_url="https://xyz.example/back", location_id="LOC1"
    )

    answer = await other.post("/commands/START_SESSION", body)
    foreign_back = await other.post("/commands/START_SESSION", body | {"response_url": BACK})

    assert answer.data["result"] == "ACCEPTED"
    assert foreign_back.status_code == 2001


@pytest.mark.requirement("CMD-R-12", "TOK-W-14", "TOK-W-15")
@pytest.mark.parametrize("kind", ["RFID", "APP_USER", "AD_HOC_USER"])
@pytest.mark.parametrize("command", ["START_SESSION", "RESERVE_NOW"])
async def test_the_token_of_a_command_needs_no_authorization_at_its_evse(
    server: Server, tnm: Caller, command: str, kind: str
) -> None:
    body = BODIES[command] | {"token": a_token(DE_TNM, uid="new", type=kind), "authorization_reference": "ref-1"}
    await tnm.post(f"/commands/{command}", body)

    answer = await server.operator.post(
        "/api/tokens/DE/TNM/new/authorize",
        params={"type": kind},
        json={"location_id": "LOC1", "evse_uids": ["3256"]},
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["allowed"] == "ALLOWED"
    assert tnm.partner.requests("POST", "/authorize") == []
