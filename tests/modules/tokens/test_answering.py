"""CPOs ask our eMSP in real time."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.objects import a_location, a_token, an_evse
from tests.partner import Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.token import AuthorizationInfo
from ocpi_party.ocpi.types import JsonObject, PartyId

OWM = PartyId("NL", "OWM")
API = "/api/tokens/NL/OWM/012345678"
URL = "/tokens/012345678/authorize"
HERE = {"location_id": "LOC1", "evse_uids": ["3256", "3257"]}
Limit = Callable[..., Awaitable[JsonObject]]


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The CPO NL/TNM, calling our eMSP, which has one token."""
    caller = await server.connect(server.internet.add(FakePartner()))
    await server.operator.put(API, json=a_token(OWM))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


@pytest.fixture
def limit(server: Server) -> Limit:
    async def limit(**rules: Any) -> JsonObject:
        answer = await server.operator.put(f"{API}/rules", json=rules)
        assert answer.status_code == 200, answer.text
        told: JsonObject = (await server.operator.get(f"{API}/rules")).json()
        return told

    return limit


@pytest.mark.requirement("TOK-A-01", "TOK-A-03", "TOK-A-08")
@pytest.mark.parametrize("body", [None, b"", b"null", b"{}", b'{"location_id":"LOC1"}'])
async def test_a_known_token_is_allowed_with_whatever_body(server: Server, tnm: Caller, body: bytes | None) -> None:
    answer = await tnm.post(URL, content=body)

    assert (answer.http_status, answer.status_code) == (200, 1000), answer
    AuthorizationInfo.model_validate(answer.data)
    assert (answer.data["allowed"], answer.data["token"]) == ("ALLOWED", a_token(OWM))
    (kept,) = await server.rows("SELECT * FROM authorizations")
    assert (kept["reference"], kept["as_emsp"], kept["cpo"]) == (
        answer.data["authorization_reference"],
        True,
        "NL*TNM",
    )
    assert kept["correlation_id"] == answer.headers["x-correlation-id"]


@pytest.mark.requirement("TOK-A-08", "TOK-A-14")
async def test_each_authorization_has_a_reference_of_its_own_and_no_uid_is_kept(server: Server, tnm: Caller) -> None:
    references = {(await tnm.post(URL)).data["authorization_reference"] for _ in range(3)}

    kept = await server.rows("SELECT * FROM authorizations")
    assert len(references) == 3
    assert {row["reference"] for row in kept} == references
    assert "012345678" not in str(kept)


@pytest.mark.requirement("TOK-A-02", "TOK-A-01")
async def test_an_unknown_token_is_404_and_2004_without_data(server: Server, tnm: Caller) -> None:
    await server.operator.put("/api/tokens/NL/OWM/APP", json=a_token(OWM, uid="APP", type="APP_USER"))

    unknown = await tnm.post("/tokens/999/authorize")
    other_type = await tnm.post("/tokens/APP/authorize")
    right_type = await tnm.post("/tokens/app/authorize", params={"type": "APP_USER"})

    assert [(one.http_status, one.status_code) for one in (unknown, other_type)] == [(404, 2004), (404, 2004)]
    assert "data" not in unknown.body
    assert right_type.data["allowed"] == "ALLOWED"


async def test_who_names_the_owner_in_the_url_is_answered_about_its_token_and_that_is_noted(
    server: Server, tnm: Caller
) -> None:
    ours = await tnm.post("/tokens/nl/OWM/012345678/authorize")
    of_others = await tnm.post("/tokens/NL/OWX/012345678/authorize")
    findings = (await server.operator.get("/api/findings", params={"module": "tokens"})).json()

    assert (ours.http_status, ours.data["allowed"], ours.data["token"]) == (200, "ALLOWED", a_token(OWM))
    assert (of_others.http_status, of_others.status_code) == (404, 2004)
    assert [(one["object"], "names the owner" in one["rule"]) for one in findings] == [("authorize", True)]


@pytest.mark.requirement("TOK-A-02", "TYP-19")
async def test_a_type_that_nobody_knows_is_one_of_which_we_have_no_token(server: Server, tnm: Caller) -> None:
    unknown = await tnm.post(URL, params={"type": "FOO"})
    endless = await tnm.post(URL, params={"type": "F" * 37})
    nothing = await tnm.post(URL, params={"type": ""})

    assert (unknown.http_status, unknown.status_code, "data" in unknown.body) == (404, 2004, False)
    assert (endless.http_status, endless.status_code, "data" in endless.body) == (200, 2001, False)
    assert nothing.data["allowed"] == "ALLOWED"


@pytest.mark.requirement("TOK-A-03", "TOK-A-05")
@pytest.mark.parametrize("allowed", ["BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED"])
async def test_what_the_operator_says_of_a_token_is_answered(tnm: Caller, limit: Limit, allowed: str) -> None:
    text = {"language": "en", "text": "Please call us"}
    await limit(allowed=allowed, info=text)

    answer = await tnm.post(URL, HERE)

    assert (answer.http_status, answer.status_code) == (200, 1000)
    assert answer.data == {"allowed": allowed, "token": a_token(OWM), "info": text}


@pytest.mark.requirement("TOK-A-03")
async def test_a_token_that_is_not_valid_is_blocked(server: Server, tnm: Caller) -> None:
    blocked = (await server.operator.delete(API)).json()

    assert (await tnm.post(URL)).data == {"allowed": "BLOCKED", "token": blocked}


@pytest.mark.requirement("TOK-A-04")
@pytest.mark.parametrize("rules", [{"location_required": True}, {"locations": [{"location_id": "LOC1"}]}])
async def test_a_missing_location_that_is_needed_is_2002(tnm: Caller, limit: Limit, rules: JsonObject) -> None:
    await limit(**rules)

    without = await tnm.post(URL)
    with_one = await tnm.post(URL, HERE)

    assert (without.http_status, without.status_code) == (200, 2002)
    assert (with_one.data["allowed"], with_one.data["location"]) == ("ALLOWED", HERE)


@pytest.mark.requirement("TOK-A-05")
async def test_only_the_evses_where_it_may_be_used_are_returned(tnm: Caller, limit: Limit) -> None:
    rules = {"locations": [{"country_code": "NL", "party_id": "TNM", "location_id": "loc1", "evse_uids": ["3256"]}]}
    assert await limit(**rules) == rules

    partly = await tnm.post(URL, HERE)
    nowhere = await tnm.post(URL, {"location_id": "LOC1", "evse_uids": ["3257"]})
    elsewhere = await tnm.post(URL, {"location_id": "LOC2"})

    assert (partly.data["allowed"], partly.data["location"]) == ("ALLOWED", HERE | {"evse_uids": ["3256"]})
    assert [one.data["allowed"] for one in (nowhere, elsewhere)] == ["NOT_ALLOWED", "NOT_ALLOWED"]
    assert "location" not in nowhere.data | elsewhere.data


@pytest.mark.requirement("TOK-A-05")
async def test_a_limit_to_the_location_of_another_cpo_does_not_fit(tnm: Caller, limit: Limit) -> None:
    await limit(locations=[{"country_code": "FR", "party_id": "CCC", "location_id": "LOC1"}])

    assert (await tnm.post(URL, HERE)).data["allowed"] == "NOT_ALLOWED"


@pytest.mark.requirement("TOK-A-06", "TOK-A-07")
async def test_neither_status_nor_opening_hours_nor_an_unknown_location_speak_against_it(tnm: Caller) -> None:
    closed = a_location(evses=[an_evse(status="OUTOFORDER")], opening_times={"twentyfourseven": False})
    await tnm.put("/locations/NL/TNM/LOC1", closed)

    broken = await tnm.post(URL, {"location_id": "LOC1", "evse_uids": ["3256"]})
    unknown = await tnm.post(URL, {"location_id": "AT-HOME"})

    assert [one.data["allowed"] for one in (broken, unknown)] == ["ALLOWED", "ALLOWED"]
    assert unknown.data["location"] == {"location_id": "AT-HOME"}


@pytest.mark.requirement("TOK-A-10")
async def test_of_several_own_parties_ocpi_to_says_which_is_meant(server: Server, tnm: Caller) -> None:
    other = PartyId("NL", "OWN")
    await server.add_party("NL", "OWN", "EMSP")
    await server.operator.put("/api/tokens/NL/OWN/012345678", json=a_token(other))
    anybody = Caller(server.app, tnm.token, tnm.partner, ("NL", "TNM"), None, "emsp")

    unclear = await anybody.post(URL)
    clear = await tnm.speaking(("NL", "TNM"), ("NL", "OWN"), "emsp").post(URL)

    assert (unclear.http_status, unclear.status_code) == (200, 2002)
    assert clear.data["token"]["party_id"] == "OWN"


@pytest.mark.requirement("TOK-A-01")
@pytest.mark.parametrize("body", [{"evse_uids": ["1"]}, {"location_id": 7}, [1]])
async def test_a_body_that_is_no_location_is_refused(tnm: Caller, body: Any) -> None:
    answer = await tnm.post(URL, body)

    assert (answer.http_status, answer.status_code) == (200, 2001)


async def test_a_token_that_no_cpo_is_told_of_is_authorized_and_one_of_others_is_unknown(
    server: Server, tnm: Caller
) -> None:
    undated = {name: value for name, value in a_token(OWM).items() if name != "last_updated"}
    await server.operator.put(f"{API}?audience=-", json=undated)
    hidden = await tnm.post(URL)
    await server.operator.put(f"{API}?audience=FR*CCC", json=undated)
    others = await tnm.post(URL)

    assert (hidden.data["allowed"], others.http_status) == ("ALLOWED", 404)


async def test_a_rule_that_nobody_knows_is_refused(server: Server, tnm: Caller) -> None:
    odd = await server.operator.put(f"{API}/rules", json={"location": []})
    wrong = await server.operator.put(f"{API}/rules", json={"allowed": "ALLOWED"})
    unknown = await server.operator.put("/api/tokens/NL/OWM/999/rules", json={})

    assert [one.status_code for one in (odd, wrong, unknown)] == [422, 422, 404]
