"""A driver wants to charge at one of our charge points."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from tests.objects import LATER, a_start_session, a_token
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server, start_server

from ocpi_party.modules.tokens.commanded import note_command
from ocpi_party.ocpi.types import JsonObject, PartyId

TNM = PartyId("DE", "TNM")
HERE = {"location_id": "LOC1", "evse_uids": ["3256"]}
URL = "/api/tokens/DE/TNM/012345678/authorize"
ANYBODY = "/api/tokens/-/-/012345678/authorize"
REFERENCE = "5e1e2b0c-reference"


def an_answer(allowed: str = "ALLOWED", **more: Any) -> httpx.Response:
    return envelope({"allowed": allowed, "token": a_token(TNM), "authorization_reference": REFERENCE, **more})


def without_connection(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("down", request=request)


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The eMSP DE/TNM, calling our CPO; it answers ALLOWED."""
    return await an_emsp(server)


async def an_emsp(server: Server, **changes: Any) -> Caller:
    partner = server.internet.add(FakePartner(**changes))
    caller = await server.connect(partner)
    partner.asked.clear()
    partner.on("POST", "/authorize", an_answer())
    return caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")


async def swipe(server: Server, url: str = URL, body: Any = HERE) -> JsonObject:
    answer = await server.operator.post(url, json=body) if body else await server.operator.post(url)
    assert answer.status_code == 200, answer.text
    found: JsonObject = answer.json()
    return found


@pytest.mark.requirement("TOK-W-01", "TOK-S-04", "TOK-R-08")
async def test_a_whitelisted_token_is_allowed_without_a_call(server: Server, tnm: Caller) -> None:
    token = a_token(TNM, whitelist="ALWAYS", uid="04ab12")
    await tnm.put("/tokens/DE/TNM/04ab12", token)

    found = await swipe(server, "/api/tokens/-/-/04AB12/authorize")

    assert tnm.partner.asked == []
    assert found == {
        "allowed": "ALLOWED",
        "token": token,
        "location": HERE,
        "source": "WHITELIST",
        "why": "it is always whitelisted",
        "auth_method": "WHITELIST",
    }


@pytest.mark.requirement("TOK-W-02", "TOK-R-13")
async def test_a_push_takes_effect_for_the_next_swipe(server: Server, tnm: Caller) -> None:
    await tnm.put("/tokens/DE/TNM/012345678", a_token(TNM, whitelist="ALWAYS"))
    before = await swipe(server)
    await tnm.patch("/tokens/DE/TNM/012345678", {"valid": False, "last_updated": LATER})

    after = await swipe(server)

    assert [one["allowed"] for one in (before, after)] == ["ALLOWED", "BLOCKED"]
    assert tnm.partner.asked == []


@pytest.mark.requirement("TOK-W-11", "TOK-W-07", "TOK-A-01", "TOK-A-08", "TOK-A-14", "HUB-01")
@pytest.mark.parametrize("whitelist", ["NEVER", "ALLOWED_OFFLINE"])
async def test_the_emsp_is_asked_where_it_wants_to_be(server: Server, tnm: Caller, whitelist: str) -> None:
    await tnm.put("/tokens/DE/TNM/012345678", a_token(TNM, whitelist=whitelist, valid=False))

    found = await swipe(server)

    (asked,) = tnm.partner.asked
    assert (asked.method, asked.url.path, asked.url.query) == (
        "POST",
        "/ocpi/2.2.1/sender/tokens/012345678/authorize",
        b"",
    )
    assert json.loads(asked.content) == HERE
    assert (asked.headers["ocpi-from-party-id"], asked.headers["ocpi-to-country-code"]) == ("OWA", "DE")
    assert (found["allowed"], found["source"], found["authorization_reference"]) == (
        "ALLOWED",
        "AUTH_REQUEST",
        REFERENCE,
    )
    (kept,) = await server.rows("SELECT * FROM authorizations")
    assert (kept["reference"], kept["owner"], kept["cpo"], kept["location_id"]) == (
        REFERENCE,
        "DE*TNM",
        "NL*OWA",
        "LOC1",
    )
    assert kept["correlation_id"] == asked.headers["x-correlation-id"]
    assert "012345678" not in str(kept)


@pytest.mark.requirement("TOK-A-01", "TOK-R-03")
async def test_type_and_no_body_are_handed_on(server: Server, tnm: Caller) -> None:
    token = a_token(TNM, type="APP_USER", whitelist="NEVER")
    await tnm.put("/tokens/DE/TNM/012345678", token, params={"type": "APP_USER"})

    await swipe(server, f"{URL}?type=APP_USER", None)

    (asked,) = tnm.partner.asked
    assert (asked.url.query, asked.content) == (b"type=APP_USER", b"")


@pytest.mark.requirement("TOK-A-11")
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        envelope(code=2004),
        envelope(code=2004, http_status=404),
        envelope(),
        envelope([]),
        envelope([{"allowed": "ALLOWED"}, {"allowed": "ALLOWED"}]),
        an_answer("MAYBE"),
        an_answer("BLOCKED"),
        envelope(code=2002),
        envelope({"allowed": "ALLOWED", "token": {"uid": "1"}}),
        an_answer(location={"location_id": "LOC1", "evse_uids": ["3299"]}),
        an_answer(location={"location_id": "LOC2"}),
        an_answer(location=HERE | {"location_id": "LOC2"}),
    ],
)
async def test_whatever_is_no_clear_permission_is_none(server: Server, tnm: Caller, answer: httpx.Response) -> None:
    await tnm.put("/tokens/DE/TNM/012345678", a_token(TNM, whitelist="NEVER"))
    tnm.partner.on("POST", "/authorize", answer)

    found = await swipe(server)

    assert found["allowed"] in ("NOT_ALLOWED", "BLOCKED")
    assert (found["source"], "location" in found) == ("AUTH_REQUEST", False)


async def test_a_permission_may_come_as_a_list_with_nothing_else(server: Server, tnm: Caller) -> None:
    await tnm.put("/tokens/DE/TNM/012345678", a_token(TNM, whitelist="NEVER"))
    tnm.partner.on("POST", "/authorize", envelope([{"allowed": "ALLOWED", "token": a_token(TNM)}]))

    found = await swipe(server)

    assert (found["allowed"], found["source"]) == ("ALLOWED", "AUTH_REQUEST")


@pytest.mark.requirement("TOK-A-03", "TOK-A-11")
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("another", [a_token(TNM, uid="999"), a_token(PartyId("FR", "CCC"))])
async def test_an_answer_about_another_token_is_no_permission(
    server: Server, tnm: Caller, another: JsonObject, known: bool
) -> None:
    if known:
        await tnm.put("/tokens/DE/TNM/012345678", a_token(TNM, whitelist="NEVER"))
    tnm.partner.on("POST", "/authorize", an_answer(token=another))

    found = await swipe(server, URL if known else ANYBODY)

    assert (found["allowed"], found["source"]) == ("NOT_ALLOWED", "AUTH_REQUEST")
    assert found["why"] == f"the answer of {tnm.partner.name} is about another token"
    assert found.get("token") == (a_token(TNM, whitelist="NEVER") if known else None)


@pytest.mark.requirement("TOK-W-04", "TOK-W-06", "TOK-W-08", "TOK-W-10", "TOK-W-12")
@pytest.mark.parametrize(
    ("whitelist", "valid", "allowed"),
    [
        ("ALLOWED", True, "ALLOWED"),
        ("ALLOWED", False, "BLOCKED"),
        ("ALLOWED_OFFLINE", True, "ALLOWED"),
        ("ALLOWED_OFFLINE", False, "BLOCKED"),
        ("NEVER", True, "NOT_ALLOWED"),
        ("NEVER", False, "BLOCKED"),
    ],
)
@pytest.mark.parametrize("fault", [without_connection, httpx.Response(502), envelope(code=3000)])
async def test_an_emsp_that_cannot_be_asked(
    server: Server, tnm: Caller, whitelist: str, valid: bool, allowed: str, fault: Any
) -> None:
    await tnm.put("/tokens/DE/TNM/012345678", a_token(TNM, whitelist=whitelist, valid=valid))
    tnm.partner.on("POST", "/authorize", fault)

    found = await swipe(server)

    assert found["allowed"] == allowed
    assert found["source"] == ("WHITELIST" if (whitelist, valid) == ("ALLOWED", True) else "OFFLINE_FALLBACK")


@pytest.mark.requirement("TOK-W-05", "TOK-W-09")
@pytest.mark.parametrize("whitelist", ["ALLOWED", "ALLOWED_OFFLINE"])
async def test_an_invalid_token_may_have_become_valid_again(server: Server, tnm: Caller, whitelist: str) -> None:
    await tnm.put("/tokens/DE/TNM/012345678", a_token(TNM, whitelist=whitelist, valid=False))

    assert (await swipe(server))["allowed"] == "ALLOWED"
    assert len(tnm.partner.asked) == 1


@pytest.mark.requirement("TOK-A-12", "TOK-W-13")
async def test_a_token_that_nobody_told_us_of_is_asked_for_everywhere_at_once(server: Server, tnm: Caller) -> None:
    slow, answered = asyncio.Event(), asyncio.Event()

    async def waits(_request: httpx.Request) -> httpx.Response:
        answered.set()
        await slow.wait()
        return envelope(code=2004, http_status=404)

    async def after_the_other(_request: httpx.Request) -> httpx.Response:
        await answered.wait()
        return an_answer()

    other = await an_emsp(server, name="abc", host="abc.example", token="token.for-abc", roles=(("EMSP", "DE", "ABC"),))
    other.partner.on("POST", "/authorize", waits)
    tnm.partner.on("POST", "/authorize", after_the_other)

    found = await swipe(server, ANYBODY)

    assert (found["allowed"], found["source"], found["token"]) == ("ALLOWED", "AUTH_REQUEST", a_token(TNM))
    assert [one.headers["ocpi-to-party-id"] for one in (*tnm.partner.asked, *other.partner.asked)] == ["TNM", "ABC"]


@pytest.mark.requirement("TOK-W-13", "TOK-A-12")
async def test_a_token_that_nobody_knows_is_not_allowed(server: Server, tnm: Caller) -> None:
    alone = await swipe(server, f"{ANYBODY}?type=OTHER")
    tnm.partner.on("POST", "/authorize", envelope(code=2004, http_status=404))

    found = await swipe(server, ANYBODY)

    assert alone["allowed"] == "ALLOWED"
    assert (found["allowed"], found["source"], "token" in found) == ("NOT_ALLOWED", "AUTH_REQUEST", False)


@pytest.mark.requirement("TOK-A-12", "HUB-03")
@pytest.mark.parametrize(("url", "receiver"), [(ANYBODY, None), ("/api/tokens/SE/EVC/012345678/authorize", "EVC")])
async def test_a_hub_finds_the_owner_by_open_routing(server: Server, url: str, receiver: str | None) -> None:
    hub = await an_emsp(server, name="hub", host="hub.example", token="token.for-hub", roles=(("HUB", "NL", "HUB"),))

    found = await swipe(server, url)

    (asked,) = hub.partner.requests("POST", "/authorize")
    assert found["allowed"] == "ALLOWED"
    assert (asked.headers["ocpi-from-party-id"], asked.headers.get("ocpi-to-party-id")) == ("OWA", receiver)


@pytest.mark.requirement("TOK-A-12", "TOK-A-09")
async def test_nobody_is_waited_for_longer_than_the_time_there_is(database_url: str) -> None:
    async with a_server(database_url, authorize_timeout_seconds=0.05) as server:
        caller = await an_emsp(server)

        async def never(_request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

        caller.partner.on("POST", "/authorize", never)

        found = await swipe(server, ANYBODY)

    assert (found["allowed"], found["source"]) == ("NOT_ALLOWED", "OFFLINE_FALLBACK")


@pytest.mark.requirement("TOK-A-12", "TOK-A-09")
@pytest.mark.parametrize("url", [URL, ANYBODY])
@pytest.mark.parametrize(
    ("fault", "words"),
    [(httpx.Response(500), "500"), (without_connection, "cannot be reached"), (envelope(code=3000), "3000")],
)
async def test_whoever_was_asked_and_failed_is_named_with_the_reason(
    server: Server, tnm: Caller, url: str, fault: Any, words: str
) -> None:
    await tnm.put("/tokens/DE/TNM/012345678", a_token(TNM, whitelist="NEVER"))
    tnm.partner.on("POST", "/authorize", fault)

    why = (await swipe(server, url))["why"]

    assert tnm.partner.name in why
    assert words in why
    assert "nobody to ask" not in why
    (kept,) = await server.rows("SELECT why FROM authorizations")
    assert kept["why"] == why


async def test_whoever_was_asked_and_was_silent_is_named(database_url: str) -> None:
    async with a_server(database_url, authorize_timeout_seconds=0.05) as server:
        caller = await an_emsp(server)

        async def never(_request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

        caller.partner.on("POST", "/authorize", never)

        why = (await swipe(server, ANYBODY))["why"]

    assert caller.partner.name in why
    assert "nobody to ask" not in why


@pytest.mark.parametrize("url", [ANYBODY, "/api/tokens/DE/ABC/012345678/authorize"])
async def test_where_there_is_nobody_to_ask_that_is_said(server: Server, url: str) -> None:
    assert "there is nobody to ask" in (await swipe(server, url))["why"]


@asynccontextmanager
async def a_server(database_url: str, **settings: Any) -> AsyncIterator[Server]:
    async with start_server(database_url, **settings) as running:
        await running.add_party("NL", "OWA", "CPO")
        yield running


@pytest.mark.requirement("TOK-S-04", "HUB-05")
async def test_nobody_is_asked_in_the_name_of_another_cpo_than_that_where_the_driver_stands(
    server: Server, tnm: Caller
) -> None:
    await server.add_party("NL", "OWB", "CPO")
    await server.operator.patch("/api/partners/1", json={"parties": ["NL*OWA"]})
    tnm.partner.asked.clear()

    there = await swipe(server, f"{ANYBODY}?cpo=NL*OWB")
    asked = tnm.partner.requests("POST", "/authorize")
    anywhere = await swipe(server, ANYBODY)

    assert (there["allowed"], asked) == ("NOT_ALLOWED", [])
    assert anywhere["allowed"] == "ALLOWED"
    (request,) = tnm.partner.requests("POST", "/authorize")
    assert request.headers["ocpi-from-party-id"] == "OWA"


@pytest.mark.requirement("TOK-W-03")
async def test_a_cpo_may_prefer_to_ask(database_url: str) -> None:
    async with a_server(database_url, authorize_allowed="ask") as server:
        caller = await an_emsp(server)
        await caller.put("/tokens/DE/TNM/012345678", a_token(TNM))

        found = await swipe(server)

    assert (found["source"], len(caller.partner.asked)) == ("AUTH_REQUEST", 1)


@pytest.mark.requirement("TOK-W-07", "TOK-W-11", "TOK-R-13")
async def test_an_answer_is_used_again_only_as_long_as_set_and_until_the_token_changes(database_url: str) -> None:
    async with a_server(database_url, authorize_reuse_seconds=3600) as server:
        caller = await an_emsp(server)
        url = "/tokens/DE/TNM/012345678"
        await caller.put(url, a_token(TNM, whitelist="ALLOWED_OFFLINE"))
        found = [await swipe(server) for _ in range(2)]
        once = len(caller.partner.asked)
        await swipe(server, URL, {"location_id": "LOC2"})
        elsewhere = len(caller.partner.asked)
        await caller.put(url, a_token(TNM, whitelist="ALLOWED_OFFLINE", valid=False))
        await swipe(server)
        changed = len(caller.partner.asked)
        await caller.put(url, a_token(TNM, whitelist="NEVER"))
        for _ in range(2):
            await swipe(server)

    assert [one["authorization_reference"] for one in found] == [REFERENCE, REFERENCE]
    assert (once, elsewhere, changed, len(caller.partner.asked)) == (1, 2, 3, 5)


@pytest.mark.requirement("TOK-A-05")
@pytest.mark.parametrize("named", [HERE, HERE | {"evse_uids": ["3256", "3299"]}, {"location_id": "loc1"}])
async def test_only_what_was_asked_about_is_allowed(server: Server, tnm: Caller, named: JsonObject) -> None:
    await tnm.put("/tokens/DE/TNM/012345678", a_token(TNM, whitelist="NEVER"))
    tnm.partner.on("POST", "/authorize", an_answer(location=named))

    found = await swipe(server)

    assert (found["allowed"], found["location"]) == ("ALLOWED", HERE)


@pytest.mark.requirement("TOK-W-07")
async def test_an_answer_is_used_again_only_where_it_was_given_for(database_url: str) -> None:
    async with a_server(database_url, authorize_reuse_seconds=3600) as server:
        await server.add_party("NL", "OWB", "CPO")
        caller = await an_emsp(server)
        await caller.put("/tokens/DE/TNM/012345678", a_token(TNM, whitelist="ALLOWED_OFFLINE"))
        caller.partner.on("POST", "/authorize", an_answer(location=HERE))
        both = HERE | {"evse_uids": ["3256", "3257"]}
        questions = [("NL*OWA", both), ("NL*OWA", both), ("NL*OWA", HERE), ("NL*OWB", HERE)]

        found = []
        for cpo, place in questions:
            told = await swipe(server, f"{URL}?cpo={cpo}", place)
            found.append((told["location"], len(caller.partner.asked)))

    assert found == [(HERE, 1), (HERE, 2), (HERE, 2), (HERE, 3)]


@pytest.mark.requirement("TOK-W-14", "TOK-W-15", "CMD-R-12")
@pytest.mark.parametrize("token_type", ["RFID", "APP_USER"])
async def test_a_token_of_a_command_needs_no_authorization(server: Server, tnm: Caller, token_type: str) -> None:
    (partner,) = await server.rows("SELECT id FROM partners")
    token = a_token(TNM, type=token_type, whitelist="NEVER")
    command = a_start_session(token=token, authorization_reference=REFERENCE)
    async with server.app.building.database.write() as tx:
        await note_command(tx, partner["id"], "NL*OWA", command)

    found = await swipe(server, f"{URL}?type={token_type}")
    elsewhere = await swipe(server, f"{URL}?type={token_type}", {"location_id": "LOC2"})

    assert found | {"why": ""} == {
        "allowed": "ALLOWED",
        "token": token,
        "location": HERE,
        "authorization_reference": REFERENCE,
        "source": "COMMAND",
        "why": "",
        "auth_method": "COMMAND",
    }
    assert (elsewhere["source"], len(tnm.partner.asked)) == ("AUTH_REQUEST", 1)


@pytest.mark.requirement("TOK-W-14", "TOK-W-15")
@pytest.mark.parametrize("token_type", ["RFID", "APP_USER"])
async def test_a_command_for_one_of_our_cpos_allows_nothing_at_another(
    server: Server, tnm: Caller, token_type: str
) -> None:
    await server.add_party("NL", "OWB", "CPO")
    (partner,) = await server.rows("SELECT id FROM partners")
    async with server.app.building.database.write() as tx:
        await note_command(tx, partner["id"], "NL*OWB", a_start_session(token=a_token(TNM, type=token_type)))

    there = await swipe(server, f"{URL}?type={token_type}&cpo=NL*OWB")
    here = await swipe(server, f"{URL}?type={token_type}&cpo=NL*OWA")

    assert (there["source"], here["source"], len(tnm.partner.asked)) == ("COMMAND", "AUTH_REQUEST", 1)


async def test_the_tokens_of_a_partner_that_left_are_not_allowed(server: Server, tnm: Caller) -> None:
    await tnm.put("/tokens/DE/TNM/012345678", a_token(TNM, whitelist="ALWAYS"))
    left = await tnm.delete("/ocpi/2.2.1/credentials")

    assert left.status_code == 1000, left
    assert (await swipe(server))["allowed"] == "NOT_ALLOWED"


async def test_tokens_of_our_own_emsp_are_judged_by_their_rules(server: Server) -> None:
    own = "/api/tokens/NL/OWM/012345678"
    token = a_token(PartyId("NL", "OWM"))
    await server.operator.put(own, json=token)
    allowed = await swipe(server, ANYBODY)
    await server.operator.put(f"{own}/rules", json={"allowed": "NO_CREDIT"})

    refused = await swipe(server, f"{own}/authorize")

    assert (allowed["allowed"], allowed["source"], allowed["token"]) == ("ALLOWED", "OWN", token)
    assert (refused["allowed"], refused["source"]) == ("NO_CREDIT", "OWN")
