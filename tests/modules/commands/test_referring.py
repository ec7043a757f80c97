"""A Session and a CDR of ours carry the authorization_reference of their command, though the operator's system leaves it out."""

from typing import Any

import pytest
from tests.commanding import DE_TNM, OWA, an_emsp, inbound, reserve_now, settle, start_session
from tests.objects import a_cdr, a_session, a_token
from tests.partner import Caller
from tests.server import Server

from ocpi_party.database import Statement

TOKEN = {name: a_token(DE_TNM)[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}


@pytest.fixture
async def tnm(server: Server) -> Caller:
    return await an_emsp(server)


async def _command(server: Server, tnm: Caller, at: str, *, result: str | None = "ACCEPTED", **changes: Any) -> None:
    """A START_SESSION, or a RESERVE_NOW if it has a reservation_id, that came at that time on the day of the sessions."""
    command, body = (
        ("RESERVE_NOW", reserve_now(**changes))
        if "reservation_id" in changes
        else ("START_SESSION", start_session(**changes))
    )
    answer = await tnm.post(f"/commands/{command}", body)
    assert answer.data["result"] == "ACCEPTED", answer
    if result is not None:
        await settle(server, result)
    id_ = (await inbound(server))[0]["id"]
    async with server.app.building.database.write() as tx:
        await tx.run(Statement(f"UPDATE inbound_requests SET received_at = '2026-03-01T{at}Z' WHERE id = {id_}"))


async def _session(server: Server, key: str = "S1", **changes: Any) -> Any:
    """One that began at noon."""
    body = a_session(OWA, id=key, cdr_token=TOKEN, auth_method="COMMAND") | changes
    answer = await server.operator.put(f"/api/sessions/NL/OWA/{key}", json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json().get("authorization_reference")


async def _cdr(server: Server, **changes: Any) -> Any:
    answer = await server.operator.put("/api/cdrs/NL/OWA/CDR1", json=_a_cdr(**changes))
    assert answer.status_code in (200, 201), answer.text
    return answer.json().get("authorization_reference")


def _a_cdr(**changes: Any) -> dict[str, Any]:
    cdr = a_cdr(OWA, cdr_token=TOKEN, auth_method="COMMAND") | changes
    return {name: value for name, value in cdr.items() if value is not None}


@pytest.mark.requirement("CMD-R-14", "SES-R-15")
@pytest.mark.parametrize("result", ["ACCEPTED", None, "FAILED"], ids=str)
async def test_a_session_carries_the_reference_of_its_command(server: Server, tnm: Caller, result: str | None) -> None:
    await _command(server, tnm, "11:59:30", result=result, authorization_reference="Ref-1")

    reference = await _session(server)
    replaced = await _session(server, kwh=1)
    await server.push()

    expected = None if result == "FAILED" else "Ref-1"
    assert (reference, replaced) == (expected, expected)
    (told,) = tnm.partner.requests("PUT", "/receiver/sessions")
    assert (b'"authorization_reference":"Ref-1"' in told.content) is (expected is not None)


@pytest.mark.requirement("CMD-R-14", "SES-R-15")
@pytest.mark.parametrize(
    ("commands", "changes", "reference"),
    [
        ([("11:50:00", {"authorization_reference": "A"}), ("11:59:00", {"authorization_reference": "B"})], {}, "B"),
        ([("11:59:00", {"authorization_reference": "A"}), ("12:05:00", {"authorization_reference": "B"})], {}, "A"),
        ([("11:44:00", {"authorization_reference": "A"})], {}, None),
        ([("11:59:00", {"authorization_reference": "A"}), ("11:59:30", {})], {}, None),
        ([("11:59:00", {"authorization_reference": ""})], {}, None),
        ([("11:59:00", {"authorization_reference": "A"})], {"evse_uid": "POOR"}, None),
        ([("11:59:00", {"authorization_reference": "A"})], {"location_id": "LOC2"}, None),
        ([("11:59:00", {"authorization_reference": "A"})], {"auth_method": "WHITELIST"}, None),
        ([("11:59:00", {"authorization_reference": "A"})], {"cdr_token": TOKEN | {"uid": "other"}}, None),
        ([("11:59:00", {"authorization_reference": "A"})], {"authorization_reference": "mine"}, "mine"),
        ([("09:00:00", {"reservation_id": "1", "authorization_reference": "R"})], {}, "R"),
        ([("09:00:00", {"reservation_id": "1", "authorization_reference": "R"}), ("11:59:00", {})], {}, "R"),
        (
            [
                ("09:00:00", {"reservation_id": "1", "authorization_reference": "R"}),
                ("11:59:00", {"authorization_reference": "A"}),
            ],
            {},
            "A",
        ),
        (
            [("09:00:00", {"reservation_id": "1", "authorization_reference": "R"})],
            {"evse_uid": "#NA", "connector_id": "#NA", "status": "RESERVATION"},
            "R",
        ),
    ],
)
async def test_the_reference_is_that_of_the_last_command_that_can_be_meant(
    server: Server, tnm: Caller, commands: list[tuple[str, dict[str, Any]]], changes: Any, reference: str | None
) -> None:
    for number, (at, body) in enumerate(commands):
        await _command(server, tnm, at, **body | {"response_url": f"https://tnm.example/back/{number}"})

    assert await _session(server, **changes) == reference


@pytest.mark.requirement("CMD-R-14", "SES-R-15")
async def test_where_nobody_can_tell_which_command_a_session_is_of_nobody_guesses(server: Server, tnm: Caller) -> None:
    for number, reference in enumerate(("A", "B")):
        body = {"evse_uid": None, "authorization_reference": reference}
        await _command(server, tnm, f"11:59:{number}0", **body, response_url=f"https://tnm.example/back/{number}")

    assert await _session(server) is None
    assert await _session(server, "S2", authorization_reference="B") == "B"
    # One of the two commands has led to the other session.
    assert await _session(server) == "A"


@pytest.mark.requirement("CMD-R-14", "SES-R-15")
async def test_a_reference_that_is_used_again_is_carried_by_both_sessions(server: Server, tnm: Caller) -> None:
    await _command(server, tnm, "09:59:00", authorization_reference="A")
    over = {"status": "COMPLETED", "end_date_time": "2026-03-01T10:30:00Z"}
    first = await _session(server, "S0", start_date_time="2026-03-01T10:00:00Z", **over)

    await _command(server, tnm, "11:59:00", authorization_reference="A", response_url="https://tnm.example/back/2")

    assert (first, await _session(server)) == ("A", "A")


@pytest.mark.requirement("CMD-R-14", "SES-R-15")
async def test_a_patch_tells_the_reference_unless_it_takes_it_away(server: Server, tnm: Caller) -> None:
    assert await _session(server) is None
    await _command(server, tnm, "11:59:00", authorization_reference="A")
    url = "/api/sessions/NL/OWA/S1"

    patched = (await server.operator.patch(url, json={"kwh": 1})).json()
    emptied = (await server.operator.patch(url, json={"authorization_reference": None})).json()

    assert patched["authorization_reference"] == "A"
    assert "authorization_reference" not in emptied


@pytest.mark.parametrize("began", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_a_session_at_the_end_of_time_has_no_command(server: Server, tnm: Caller, began: str) -> None:
    await _command(server, tnm, "11:59:00", authorization_reference="A")

    assert await _session(server, start_date_time=began) is None


@pytest.mark.requirement("CMD-R-14", "CDR-R-18")
@pytest.mark.parametrize("session_id", ["101", None])
async def test_a_cdr_carries_the_reference_of_its_command(server: Server, tnm: Caller, session_id: str | None) -> None:
    await _command(server, tnm, "11:59:00", authorization_reference="A")

    first = await _cdr(server, session_id=session_id)
    # It may become unclear later what began by the command; a CDR does not change.
    await _session(server, authorization_reference="A")

    assert (first, await _cdr(server, session_id=session_id)) == ("A", "A")


async def test_a_cdr_that_was_issued_without_a_reference_stays_so(server: Server, tnm: Caller) -> None:
    first = await _cdr(server)
    await _command(server, tnm, "11:59:00", authorization_reference="A")

    assert (first, await _cdr(server)) == (None, None)
