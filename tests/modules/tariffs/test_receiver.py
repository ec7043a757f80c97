"""Partners tell us of their Tariffs."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.objects import LATER, NOON, a_tariff
from tests.ocpi.specification import CLASSES, minimum
from tests.partner import Caller, FakePartner
from tests.server import Server

URL = "/tariffs/NL/TNM/12"
EXAMPLES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[2] / "examples" / "2.2.1").glob("tariff_*.json"))
    if path.stem != "tariff_put_example"  # It lacks last_updated, which is required.
}


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The CPO NL/TNM, calling our eMSP."""
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


@pytest.mark.requirement("TAR-R-01", "TAR-R-02", "STS-02", "STS-03")
async def test_a_tariff_put_is_there_as_it_was_sent(tnm: Caller) -> None:
    first = await tnm.put(URL, a_tariff())
    again = await tnm.put(URL, a_tariff(currency="CHF", last_updated=LATER))
    seen = await tnm.get(URL)

    assert (first.http_status, first.status_code, again.http_status) == (201, 1000, 200), first
    assert seen.data == a_tariff(currency="CHF", last_updated=LATER)
    assert "data" not in first.body


@pytest.mark.requirement("TAR-R-01", "TAR-R-02", "TAR-R-11")
@pytest.mark.parametrize("tariff", EXAMPLES.values(), ids=EXAMPLES)
async def test_an_example_of_the_specification_comes_back_as_it_was_put(server: Server, tariff: dict[str, Any]) -> None:
    owner = (tariff["country_code"], tariff["party_id"])
    partner = server.internet.add(FakePartner(roles=(("CPO", *owner),)))
    caller = (await server.connect(partner)).speaking(owner, ("NL", "OWM"), "emsp")
    url = f"/tariffs/{owner[0]}/{owner[1]}/{tariff['id']}"

    answer = await caller.put(url, tariff)

    assert (answer.http_status, answer.status_code) == (201, 1000), answer
    assert (await caller.get(url)).data == tariff


@pytest.mark.requirement("TAR-R-02")
async def test_the_required_fields_alone_are_enough(tnm: Caller) -> None:
    tariff = minimum("Tariff") | {"country_code": "NL", "party_id": "TNM", "id": "12"}

    assert (await tnm.put(URL, tariff)).http_status == 201
    assert (await tnm.get(URL)).data == tariff


@pytest.mark.requirement("TAR-R-02", "TAR-R-11")
@pytest.mark.parametrize(
    "field", [f.name for f in CLASSES["Tariff"] if f.required and f.name not in ("country_code", "party_id", "id")]
)
async def test_a_missing_required_field_is_named_and_nothing_changes(tnm: Caller, field: str) -> None:
    await tnm.put(URL, a_tariff())
    lacking = {name: value for name, value in a_tariff(last_updated=LATER).items() if name != field}

    answer = await tnm.put(URL, lacking)

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert f"/{field}" in answer.message
    assert (await tnm.get(URL)).data == a_tariff()


def _components(*components: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"price_components": list(components)}]


@pytest.mark.requirement("TAR-R-11")
@pytest.mark.parametrize(
    ("elements", "pointer"),
    [
        ([], "/elements"),
        (_components(), "/elements/0/price_components"),
        (_components({"price": 1, "step_size": 1}), "/elements/0/price_components/0/type"),
        (_components({"type": "FLAT", "step_size": 1}), "/elements/0/price_components/0/price"),
        (_components({"type": "FLAT", "price": 1}), "/elements/0/price_components/0/step_size"),
    ],
)
async def test_a_tariff_needs_elements_with_whole_price_components(tnm: Caller, elements: Any, pointer: str) -> None:
    answer = await tnm.put(URL, a_tariff(elements=elements))

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert pointer in answer.message
    assert (await tnm.get(URL)).http_status == 404


@pytest.mark.requirement("TAR-R-03", "TAR-R-04", "OWN-07")
@pytest.mark.parametrize(
    ("method", "url"), [("PATCH", URL), ("POST", URL), ("POST", "/tariffs"), ("PATCH", "/tariffs")]
)
async def test_there_is_no_patch_and_no_post(tnm: Caller, method: str, url: str) -> None:
    await tnm.put(URL, a_tariff())

    answer = await tnm.request(method, url, a_tariff(currency="CHF", last_updated=LATER))

    assert (answer.http_status, answer.status_code) == (405, 2000)
    assert "PUT" in answer.headers["allow"]
    assert (await tnm.get(URL)).data == a_tariff()


@pytest.mark.requirement("TAR-R-05", "TAR-R-08")
async def test_a_deleted_tariff_is_gone_until_it_is_put_again(tnm: Caller) -> None:
    await tnm.put(URL, a_tariff())

    deleted = await tnm.delete(URL)
    gone = await tnm.get(URL)
    again = await tnm.put(URL, a_tariff())

    assert (deleted.http_status, deleted.status_code) == (200, 1000)
    assert (gone.http_status, gone.status_code) == (404, 2001)
    assert again.http_status == 201
    assert (await tnm.get(URL)).data == a_tariff()


@pytest.mark.requirement("TAR-R-06", "TAR-R-01")
async def test_a_tariff_that_we_do_not_have_cannot_be_deleted(tnm: Caller) -> None:
    answer = await tnm.delete(URL)

    assert (answer.http_status, answer.status_code) == (404, 2001)


@pytest.mark.requirement("OWN-03", "OWN-04")
async def test_nobody_touches_the_tariff_of_another_party(server: Server, tnm: Caller) -> None:
    await tnm.put(URL, a_tariff())
    other = await server.connect(
        server.internet.add(FakePartner("xyz", "xyz.example", "token-of-xyz", roles=(("CPO", "FR", "XYZ"),)))
    )
    xyz = other.speaking(("FR", "XYZ"), ("NL", "OWM"), "emsp")

    assert (await xyz.get(URL)).http_status == 404
    assert (await xyz.delete(URL)).http_status == 404
    assert (await xyz.put(URL, a_tariff(last_updated=LATER))).http_status == 404
    assert (await tnm.put(URL, a_tariff(id="13"))).status_code == 2001
    assert (await tnm.get(URL)).data == a_tariff()


@pytest.mark.requirement("OWN-17")
async def test_an_older_state_does_not_take_the_place_of_a_newer_one(tnm: Caller) -> None:
    await tnm.put(URL, a_tariff(last_updated=LATER))

    answer = await tnm.put(URL, a_tariff(currency="CHF", last_updated=NOON))

    assert answer.status_code == 2001
    assert (await tnm.get(URL)).data["currency"] == "EUR"


async def test_a_tariff_that_contradicts_itself_is_taken_and_is_a_finding(server: Server, tnm: Caller) -> None:
    tariff = a_tariff(min_price={"excl_vat": 5}, max_price={"excl_vat": 4})

    answer = await tnm.put(URL, tariff)

    found = (await server.operator.get("/api/findings")).json()
    assert (answer.http_status, answer.status_code) == (201, 1000)
    assert (await tnm.get(URL)).data == tariff
    assert [(f["module"], f["object"], f["pointer"], f["rule"]) for f in found] == [
        ("tariffs", "NL*TNM/12", "/min_price/excl_vat", "must not be above max_price, 4")
    ]
