"""eMSPs tell us of their tokens."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.objects import LATER, a_token
from tests.ocpi.specification import CLASSES, minimum
from tests.partner import Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

TNM = PartyId("DE", "TNM")
URL = "/tokens/DE/TNM/012345678"
EXAMPLES = Path(__file__).parents[2] / "examples" / "2.2.1"
REQUIRED = [field.name for field in CLASSES["Token"] if field.required]


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.json").read_text())


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The eMSP DE/TNM, calling our CPO."""
    roles = (("CPO", "NL", "TNM"), ("EMSP", "DE", "TNM"), ("EMSP", "NL", "TNM"))
    caller = await server.connect(server.internet.add(FakePartner(roles=roles)))
    return caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")


@pytest.mark.requirement("TOK-R-11", "TOK-R-12")
async def test_what_the_specification_advises_against_is_taken_and_noted(server: Server, tnm: Caller) -> None:
    fine = a_token(TNM, type="APP_USER", whitelist="NEVER", group_id="G" * 20)

    answers = [
        await tnm.put(f"{URL}?type=APP_USER", fine),
        await tnm.patch(f"{URL}?type=APP_USER", {"whitelist": "ALLOWED", "last_updated": LATER}),
        await tnm.put(URL, a_token(TNM, group_id="G" * 21)),
    ]

    assert [answer.status_code for answer in answers] == [1000] * 3, answers
    findings = (await server.operator.get("/api/findings", params={"module": "tokens"})).json()
    assert sorted((one["object"], one["pointer"], one["rule"]) for one in findings) == [
        ("DE*TNM/012345678 APP_USER", "/whitelist", "of a token of type APP_USER should be NEVER"),
        (
            "DE*TNM/012345678 RFID",
            "/group_id",
            "has more than 20 characters: OCPP 1.x charge points cannot use it",
        ),
    ]


@pytest.mark.requirement("TOK-R-01", "TOK-R-02", "OWN-19", "OWN-20")
@pytest.mark.parametrize("name", ["token_example_1_app_user", "token_example_2_full_rfid", "token_put_example"])
async def test_official_examples_come_back_as_they_were_put(tnm: Caller, name: str) -> None:
    token = example(name)
    url = f"/tokens/{token['country_code']}/{token['party_id']}/{token['uid']}"

    first = await tnm.put(url, token, params={"type": token["type"]})
    again = await tnm.put(url, token, params={"type": token["type"]})
    seen = await tnm.get(url, params={"type": token["type"]})

    assert (first.http_status, first.status_code, again.http_status) == (201, 1000, 200), first
    assert seen.data == token


@pytest.mark.requirement("TOK-R-05", "TOK-R-06")
async def test_the_official_patch_invalidates_the_token_and_leaves_the_rest(tnm: Caller) -> None:
    token = example("token_put_example")
    await tnm.put("/tokens/NL/TNM/012345678", token)

    answer = await tnm.patch("/tokens/NL/TNM/012345678", example("token_patch_example"))

    assert answer.status_code == 1000, answer
    assert (await tnm.get("/tokens/NL/TNM/012345678")).data == token | example("token_patch_example")


@pytest.mark.requirement("TOK-R-05", "OWN-11")
async def test_a_patch_without_last_updated_changes_nothing(tnm: Caller) -> None:
    await tnm.put(URL, a_token(TNM))

    answer = await tnm.patch(URL, {"valid": False})

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert "last_updated" in answer.message
    assert (await tnm.get(URL)).data == a_token(TNM)


@pytest.mark.requirement("TOK-R-01")
async def test_the_smallest_token_there_can_be_is_taken(tnm: Caller) -> None:
    token = minimum("Token") | {"country_code": "DE", "party_id": "TNM", "uid": "1"}

    answer = await tnm.put("/tokens/DE/TNM/1", token, params={"type": token["type"]})

    assert (answer.http_status, answer.status_code) == (201, 1000), answer
    assert (await tnm.get("/tokens/DE/TNM/1", params={"type": token["type"]})).data == token


@pytest.mark.requirement("TOK-R-09", "OWN-08")
@pytest.mark.parametrize("name", REQUIRED)
async def test_a_missing_required_field_is_named_and_nothing_is_changed(tnm: Caller, name: str) -> None:
    await tnm.put(URL, a_token(TNM))
    without = {field: value for field, value in a_token(TNM, issuer="other").items() if field != name}

    answer = await tnm.put(URL, without)

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert name in answer.message
    assert (await tnm.get(URL)).data == a_token(TNM)


@pytest.mark.requirement("TOK-R-02")
async def test_the_same_uid_as_another_type_or_of_another_emsp_is_another_token(tnm: Caller) -> None:
    card, app = a_token(TNM), a_token(TNM, type="APP_USER", whitelist="NEVER")
    other = a_token(PartyId("NL", "TNM"), issuer="another")

    codes = [
        (await tnm.put(URL, card)).http_status,
        (await tnm.put(URL, app, params={"type": "APP_USER"})).http_status,
        (await tnm.put("/tokens/NL/TNM/012345678", other)).http_status,
    ]

    assert codes == [201, 201, 201]
    assert (await tnm.get(URL)).data == card
    assert (await tnm.get(URL, params={"type": "APP_USER"})).data == app
    assert (await tnm.get("/tokens/NL/TNM/012345678")).data == other


@pytest.mark.requirement("TOK-R-03")
async def test_a_type_in_the_url_that_is_not_that_of_the_body_is_refused(tnm: Caller) -> None:
    answer = await tnm.put(URL, a_token(TNM, type="APP_USER"), params={"type": "RFID"})

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert (await tnm.get(URL)).http_status == 404


@pytest.mark.requirement("TOK-R-04")
async def test_without_a_type_a_put_means_that_of_the_body_and_others_the_only_token(tnm: Caller) -> None:
    app = a_token(TNM, type="APP_USER")

    put = await tnm.put(URL, app)
    patched = await tnm.patch(URL, {"valid": False, "last_updated": LATER})

    changed = app | {"valid": False, "last_updated": LATER}
    assert (put.http_status, patched.status_code) == (201, 1000)
    assert (await tnm.get(URL)).data == changed
    assert (await tnm.get(URL, params={"type": "RFID"})).status_code == 2004


@pytest.mark.requirement("TOK-R-04")
async def test_without_a_type_a_card_comes_first_and_of_several_others_none_is_guessed(tnm: Caller) -> None:
    for one in ("APP_USER", "OTHER"):
        await tnm.put(URL, a_token(TNM, type=one), params={"type": one})

    guessed = await tnm.get(URL)
    await tnm.put(URL, a_token(TNM))
    card = await tnm.get(URL)

    assert (guessed.http_status, guessed.status_code) == (404, 2004)
    assert card.data["type"] == "RFID"


@pytest.mark.requirement("TOK-R-01", "OWN-15")
async def test_an_unknown_token_is_404_and_2004(tnm: Caller) -> None:
    seen = await tnm.get(URL)
    patched = await tnm.patch(URL, {"valid": False, "last_updated": LATER})

    assert [(one.http_status, one.status_code) for one in (seen, patched)] == [(404, 2004), (404, 2004)]
    assert "data" not in seen.body


@pytest.mark.requirement("TOK-R-06", "TOK-R-07", "OWN-07")
async def test_tokens_are_neither_posted_nor_deleted(tnm: Caller) -> None:
    await tnm.put(URL, a_token(TNM))

    answers = [await tnm.delete(URL), await tnm.post(URL, a_token(TNM))]

    assert [one.http_status for one in answers] == [405, 405]
    assert (await tnm.get(URL)).data == a_token(TNM)


@pytest.mark.requirement("TOK-R-08", "OWN-04")
async def test_a_uid_in_another_case_names_the_same_token(tnm: Caller) -> None:
    await tnm.put("/tokens/DE/TNM/04ab12", a_token(TNM, uid="04ab12"))

    again = await tnm.put("/tokens/de/tnm/04AB12", a_token(TNM, uid="04AB12"))

    assert again.http_status == 200, again
    assert (await tnm.get("/tokens/DE/TNM/04aB12")).data["uid"] == "04AB12"


@pytest.mark.requirement("OWN-03", "OWN-02", "OWN-14")
@pytest.mark.parametrize("changes", [{"uid": "9"}, {"country_code": "FR"}, {"party_id": "XXX"}, {"type": "OTHER"}])
async def test_identifiers_are_those_of_the_url(tnm: Caller, changes: dict[str, str]) -> None:
    await tnm.put(URL, a_token(TNM))

    put = await tnm.put(URL, a_token(TNM, **changes), params={"type": "RFID"})
    patched = await tnm.patch(URL, {"last_updated": LATER, **changes})

    assert [(one.http_status, one.status_code) for one in (put, patched)] == [(200, 2001), (200, 2001)]
    assert (await tnm.get(URL)).data == a_token(TNM)


@pytest.mark.requirement("OWN-05")
async def test_a_token_of_somebody_else_cannot_be_put(tnm: Caller) -> None:
    answer = await tnm.put("/tokens/FR/CCC/012345678", a_token(PartyId("FR", "CCC")))

    assert answer.http_status == 404


@pytest.mark.requirement("OWN-17")
async def test_an_older_state_is_not_applied(tnm: Caller) -> None:
    await tnm.put(URL, a_token(TNM, last_updated=LATER))

    answer = await tnm.put(URL, a_token(TNM, valid=False))

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert (await tnm.get(URL)).data["valid"] is True
