"""A Session and a CDR of ours carry the authorization_reference of a swipe, though the operator's system leaves it out."""

from typing import Any

import httpx
import pytest
from tests.objects import a_cdr, a_session, a_token
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import PartyId

OWA, DE_TNM = PartyId("NL", "OWA"), PartyId("DE", "TNM")
TOKEN = {name: a_token(DE_TNM)[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}
HERE = {"location_id": "LOC1", "evse_uids": ["3256"]}
AT_LOCATION = {"location_id": "LOC1"}


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The eMSP DE/TNM, which wants to be asked about its token."""
    caller = await server.connect(server.internet.add(FakePartner()))
    emsp = caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
    await emsp.put(f"/tokens/DE/TNM/{TOKEN['uid']}", a_token(DE_TNM, whitelist="NEVER"))
    return emsp


def _answer(reference: str | None, allowed: str) -> httpx.Response:
    given = {} if reference is None else {"authorization_reference": reference}
    return envelope({"allowed": allowed, "token": a_token(DE_TNM)} | given)


async def _swipe(
    server: Server, tnm: Caller, at: str, reference: str | None, place: Any = HERE, allowed: str = "ALLOWED"
) -> Any:
    """The driver asked at that time on the day of the sessions, and got this answer."""
    tnm.partner.on("POST", "/authorize", _answer(reference, allowed))
    answer = await server.operator.post(f"/api/tokens/DE/TNM/{TOKEN['uid']}/authorize", json=place)
    assert answer.json()["allowed"] == allowed, answer.text
    async with server.app.building.database.write() as tx:
        newest = "(SELECT max(id) FROM authorizations)"
        await tx.run(Statement(f"UPDATE authorizations SET at = '2026-03-01T{at}Z' WHERE id = {newest}"))
    return answer.json().get("authorization_reference")


async def _session(server: Server, key: str = "S1", **changes: Any) -> Any:
    """One that began at noon."""
    body = a_session(OWA, id=key, cdr_token=TOKEN, auth_method="AUTH_REQUEST") | changes
    answer = await server.operator.put(f"/api/sessions/NL/OWA/{key}", json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json().get("authorization_reference")


async def _cdr(server: Server, **changes: Any) -> Any:
    body = a_cdr(OWA, cdr_token=TOKEN, auth_method="AUTH_REQUEST") | changes
    answer = await server.operator.put("/api/cdrs/NL/OWA/CDR1", json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json().get("authorization_reference")


@pytest.mark.requirement("SES-R-15", "CDR-R-18")
async def test_a_session_and_its_cdr_carry_the_reference_of_the_swipe(server: Server, tnm: Caller) -> None:
    await _swipe(server, tnm, "11:59:30", "Ref-1")

    references = await _session(server), await _session(server, kwh=1), await _cdr(server, session_id="S1")
    await server.push()

    assert references == ("Ref-1", "Ref-1", "Ref-1")
    (session,) = tnm.partner.requests("PUT", "/receiver/sessions")
    (cdr,) = tnm.partner.requests("POST", "/receiver/cdrs")
    assert all(b'"authorization_reference":"Ref-1"' in told.content for told in (session, cdr))


@pytest.mark.requirement("CDR-R-18")
async def test_a_cdr_without_a_session_carries_the_reference_of_the_swipe(server: Server, tnm: Caller) -> None:
    await _swipe(server, tnm, "11:59:30", "Ref-1")

    assert await _cdr(server, session_id=None) == "Ref-1"


@pytest.mark.requirement("SES-R-15")
@pytest.mark.parametrize(
    ("swipes", "changes", "reference"),
    [
        ([("11:50:00", "A", HERE), ("11:59:00", "B", HERE)], {}, "B"),
        ([("11:59:00", "A", HERE), ("12:05:00", "B", HERE)], {}, "A"),
        ([("11:44:00", "A", HERE)], {}, None),
        ([("11:59:00", "A", HERE), ("11:59:30", None, HERE)], {}, None),
        ([("11:59:00", "", HERE)], {}, None),
        ([("11:59:00", "A", AT_LOCATION)], {}, "A"),
        ([("11:59:00", "A", None)], {}, "A"),
        ([("11:58:00", "A", AT_LOCATION), ("11:59:00", "B", AT_LOCATION)], {}, None),
        ([("11:58:00", "A", AT_LOCATION), ("11:59:00", "A", AT_LOCATION)], {}, "A"),
        ([("11:58:00", "A", AT_LOCATION), ("11:59:00", "B", HERE)], {}, "B"),
        ([("11:59:00", "A", HERE)], {"evse_uid": "3257"}, None),
        ([("11:59:00", "A", HERE)], {"evse_uid": "#NA", "connector_id": "#NA", "status": "RESERVATION"}, "A"),
        ([("11:59:00", "A", HERE)], {"start_date_time": "0001-01-01T00:00:00Z"}, None),
        ([("11:59:00", "A", HERE)], {"location_id": "LOC2"}, None),
        ([("11:59:00", "A", HERE)], {"auth_method": "WHITELIST"}, None),
        ([("11:59:00", "A", HERE)], {"cdr_token": TOKEN | {"uid": "other"}}, None),
        ([("11:59:00", "A", HERE)], {"cdr_token": TOKEN | {"party_id": "ABC"}}, None),
        ([("11:59:00", "A", HERE)], {"authorization_reference": "mine"}, "mine"),
    ],
)
async def test_the_reference_is_that_of_the_last_swipe_that_can_be_meant(
    server: Server, tnm: Caller, swipes: list[tuple[str, str | None, Any]], changes: Any, reference: str | None
) -> None:
    for swipe in swipes:
        await _swipe(server, tnm, *swipe)

    assert await _session(server, **changes) == reference


@pytest.mark.requirement("SES-R-15")
async def test_what_was_not_allowed_gives_no_reference(server: Server, tnm: Caller) -> None:
    await _swipe(server, tnm, "11:59:00", "A", allowed="NO_CREDIT")

    assert await _session(server) is None


@pytest.mark.requirement("SES-R-15")
async def test_a_reference_that_another_session_carries_is_not_meant(server: Server, tnm: Caller) -> None:
    for number, reference in enumerate(("A", "B")):
        await _swipe(server, tnm, f"11:59:{number}0", reference, AT_LOCATION)

    assert await _session(server) is None
    assert await _session(server, "S2", authorization_reference="B") == "B"
    assert await _session(server) == "A"


async def test_an_empty_reference_is_none(server: Server, tnm: Caller) -> None:
    assert await _swipe(server, tnm, "11:59:00", "") is None
