"""The operator writes our tokens, and CPOs hear of it."""

import json

import pytest
from tests.objects import a_token
from tests.partner import FakePartner, envelope
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWM = PartyId("NL", "OWM")
URL = "/api/tokens/NL/OWM/012345678"
APP = a_token(OWM, type="APP_USER", whitelist="NEVER")
TOLD = "/ocpi/2.2.1/receiver/tokens/NL/OWM/012345678"


@pytest.fixture
async def tnm(server: Server) -> FakePartner:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.asked.clear()
    return partner


@pytest.mark.requirement("TOK-R-10", "OWN-01", "HUB-01")
async def test_a_new_token_is_put_to_the_cpo(server: Server, tnm: FakePartner) -> None:
    answer = await server.operator.put(URL, json=a_token(OWM))
    await server.push()

    assert (answer.status_code, answer.json()) == (201, a_token(OWM))
    (told,) = tnm.asked
    assert (told.method, told.url.path, told.url.query) == ("PUT", TOLD, b"")
    assert json.loads(told.content) == a_token(OWM)
    assert (told.headers["ocpi-from-party-id"], told.headers["ocpi-to-country-code"]) == ("OWM", "NL")


@pytest.mark.requirement("TOK-R-03", "TOK-R-10")
async def test_the_type_is_told_when_it_is_not_rfid(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(f"{URL}?type=APP_USER", json=APP)
    await server.push()
    await server.operator.patch(f"{URL}?type=APP_USER", json={"issuer": "other"})
    await server.push()

    assert [(one.method, one.url.path, one.url.query) for one in tnm.asked] == [
        ("PUT", TOLD, b"type=APP_USER"),
        ("PATCH", TOLD, b"type=APP_USER"),
    ]


@pytest.mark.requirement("TOK-R-06", "TOK-R-10", "OWN-11")
async def test_blocking_and_unblocking_are_patched(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=a_token(OWM))
    await server.push()
    tnm.asked.clear()

    deleted = await server.operator.delete(URL)
    await server.push()
    unblocked = await server.operator.patch(URL, json={"valid": True})
    await server.push()

    assert [(one.method, json.loads(one.content)) for one in tnm.asked] == [
        ("PATCH", {"valid": False, "last_updated": deleted.json()["last_updated"]}),
        ("PATCH", {"valid": True, "last_updated": unblocked.json()["last_updated"]}),
    ]
    assert (deleted.status_code, deleted.json()["valid"]) == (200, False)
    assert (await server.operator.get(URL)).json() == unblocked.json()


@pytest.mark.requirement("OWN-16")
async def test_a_cpo_that_does_not_know_the_token_gets_the_whole(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(f"{URL}?type=APP_USER", json=APP)
    await server.push()
    tnm.asked.clear()
    for method in ("PATCH", "GET"):
        tnm.on(method, "/tokens/", envelope(code=2004, http_status=404))

    blocked = await server.operator.delete(f"{URL}?type=APP_USER")
    await server.push()

    assert [(one.method, one.url.query) for one in tnm.asked] == [
        (method, b"type=APP_USER") for method in ("PATCH", "GET", "PUT")
    ]
    assert json.loads(tnm.asked[-1].content) == blocked.json()


@pytest.mark.requirement("TOK-R-11", "TOK-R-12")
async def test_what_the_specification_advises_against_is_said(server: Server) -> None:
    fine = await server.operator.put(URL, json=a_token(OWM))
    odd = await server.operator.put(URL, json=a_token(OWM, type="AD_HOC_USER", group_id="G" * 21))

    assert "warning" not in fine.headers
    assert odd.status_code == 201, odd.text
    assert "whitelist of a token of type AD_HOC_USER should be NEVER" in odd.headers["warning"]
    assert "group_id has more than 20 characters" in odd.headers["warning"]


@pytest.mark.requirement("TOK-R-04")
async def test_without_a_type_the_card_is_meant_else_the_only_token(server: Server) -> None:
    await server.operator.put(URL, json=APP)
    only = await server.operator.get(URL)
    await server.operator.put(URL, json=a_token(OWM))

    patched = await server.operator.patch(URL, json={"issuer": "changed"})

    assert only.json() == APP
    assert (patched.json()["type"], patched.json()["issuer"]) == ("RFID", "changed")
    assert (await server.operator.get(f"{URL}?type=APP_USER")).json() == APP


@pytest.mark.requirement("OWN-14")
async def test_the_type_of_a_token_cannot_be_changed(server: Server) -> None:
    await server.operator.put(URL, json=a_token(OWM))

    patched = await server.operator.patch(URL, json={"type": "OTHER"})
    put = await server.operator.put(f"{URL}?type=RFID", json=APP)

    assert [(one.status_code, one.json()["pointer"]) for one in (patched, put)] == [(422, "/type"), (422, "/type")]


async def test_a_uid_may_hold_slashes_and_blanks(server: Server, tnm: FakePartner) -> None:
    token = a_token(OWM, uid="a/b c%d")

    answer = await server.operator.put("/api/tokens/NL/OWM/a%2Fb%20c%25d", json=token)
    await server.push()

    assert answer.status_code == 201, answer.text
    assert (await server.operator.get("/api/tokens/NL/OWM/a%2Fb%20c%25d")).json() == token
    assert tnm.asked[-1].url.raw_path == b"/ocpi/2.2.1/receiver/tokens/NL/OWM/a%2Fb%20c%25d"


async def test_an_unknown_token_cannot_be_patched_or_blocked(server: Server) -> None:
    answers = [await server.operator.patch(URL, json={"valid": False}), await server.operator.delete(URL)]

    assert [one.status_code for one in answers] == [404, 404]
