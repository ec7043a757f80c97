"""The operator writes our Locations, and partners hear of it."""

import json
from typing import Any

import pytest
from tests.objects import LATER, NOON, a_connector, a_location, an_evse
from tests.partner import FakePartner, envelope
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWA = PartyId("NL", "OWA")
URL = "/api/locations/NL/OWA/LOC1"


@pytest.fixture
async def tnm(server: Server) -> FakePartner:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.asked.clear()
    return partner


@pytest.mark.requirement("LOC-R-17", "OWN-01", "OWN-02", "HUB-01", "HUB-05", "OPS-02")
async def test_a_new_location_is_put_to_the_partner_as_a_whole(server: Server, tnm: FakePartner) -> None:
    answer = await server.operator.put(URL, json=a_location(OWA))
    await server.push()

    assert answer.status_code == 201, answer.text
    (told,) = tnm.asked
    assert (told.method, told.url.path) == ("PUT", "/ocpi/2.2.1/receiver/locations/NL/OWA/LOC1")
    assert json.loads(told.content) == a_location(OWA)
    assert (told.headers["ocpi-from-party-id"], told.headers["ocpi-to-party-id"]) == ("OWA", "TNM")


@pytest.mark.requirement("LOC-R-17", "LOC-G-04", "OWN-11")
async def test_a_change_of_status_is_patched_with_nothing_else(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=a_location(OWA))
    await server.push()
    tnm.asked.clear()
    uid = an_evse()["uid"]

    answer = await server.operator.patch(f"{URL}/{uid}", json={"status": "CHARGING"})
    await server.push()

    evse = answer.json()
    assert answer.status_code == 200, answer.text
    (told,) = tnm.asked
    assert (told.method, told.url.path) == ("PATCH", f"/ocpi/2.2.1/receiver/locations/NL/OWA/LOC1/{uid}")
    assert json.loads(told.content) == {"status": "CHARGING", "last_updated": evse["last_updated"]}
    assert (await server.operator.get(URL)).json()["last_updated"] == evse["last_updated"]


@pytest.mark.requirement("TYP-11", "LOC-G-05")
async def test_the_same_fraction_with_more_digits_is_no_change(server: Server, tnm: FakePartner) -> None:
    mix = {"is_green_energy": False, "energy_sources": [{"source": "WIND", "percentage": 100 / 3}]}
    first = await server.operator.put(URL, json=a_location(OWA, energy_mix=mix))
    await server.push()
    tnm.asked.clear()

    unstamped = {name: value for name, value in a_location(OWA, energy_mix=mix).items() if name != "last_updated"}
    put = await server.operator.put(URL, json=unstamped)
    patched = await server.operator.patch(URL, json={"energy_mix": mix})
    await server.push()

    assert first.json()["energy_mix"]["energy_sources"][0]["percentage"] == 33.3333
    assert put.json() == first.json()
    assert patched.status_code == 200
    assert tnm.asked == []


@pytest.mark.requirement("TYP-11")
async def test_a_fraction_is_patched_digit_for_digit(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=a_location(OWA))
    await server.push()
    tnm.asked.clear()
    mix = b'{"is_green_energy":false,"energy_sources":[{"source":"WIND","percentage":99.90}]}'

    answer = await server.operator.patch(URL, content=b'{"energy_mix": ' + mix + b"}")
    await server.push()

    assert answer.status_code == 200, answer.text
    (told,) = tnm.asked
    assert (told.method, b'"energy_mix":' + mix in told.content) == ("PATCH", True), told.content


@pytest.mark.requirement("LOC-G-05")
async def test_identical_data_changes_no_time_and_tells_nobody(server: Server, tnm: FakePartner) -> None:
    body = {name: value for name, value in a_location(OWA).items() if name != "last_updated"}
    first = await server.operator.put(URL, json=body)
    await server.push()
    tnm.asked.clear()

    again = await server.operator.put(URL, json=body)
    await server.push()

    assert (again.status_code, again.json()) == (200, first.json())
    assert tnm.asked == []


@pytest.mark.requirement("OWN-16")
async def test_a_partner_that_does_not_know_the_evse_gets_the_whole_location(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=a_location(OWA))
    await server.push()
    tnm.asked.clear()
    uid = an_evse()["uid"]
    tnm.on("*", f"/{uid}", envelope(code=2003, http_status=404))

    await server.operator.patch(f"{URL}/{uid}", json={"status": "CHARGING"})
    await server.push()

    assert [(r.method, r.url.path.rpartition("/")[2]) for r in tnm.asked] == [
        ("PATCH", uid),
        ("GET", uid),
        ("PUT", uid),
        ("PUT", "LOC1"),
    ]
    assert json.loads(tnm.asked[-1].content)["evses"][0]["status"] == "CHARGING"
    assert await server.rows("SELECT * FROM outbox_marks") == []


async def test_lists_ours_and_theirs_with_totals_and_links(server: Server) -> None:
    for number in range(3):
        await server.operator.put(f"/api/locations/NL/OWA/L{number}", json=a_location(OWA, id=f"L{number}"))

    first = await server.operator.get("/api/locations?own=true&limit=2")
    rest = await server.operator.get(first.headers["link"].partition(">")[0][1:])

    assert [one["id"] for one in first.json()] == ["L0", "L1"]
    assert [one["id"] for one in rest.json()] == ["L2"]
    assert (first.headers["x-total-count"], "link" in rest.headers) == ("3", False)
    assert (await server.operator.get("/api/locations?own=false")).json() == []


async def test_only_our_own_objects_can_be_written(server: Server) -> None:
    answer = await server.operator.put("/api/locations/FR/XXX/LOC1", json=a_location(PartyId("FR", "XXX")))

    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")


@pytest.mark.requirement("TYP-15", "TYP-16")
async def test_absent_null_and_empty_lists_are_the_same_for_ours(server: Server, tnm: FakePartner) -> None:
    """Another spelling is no change: nobody is told of it."""
    body = a_location(OWA)
    await server.operator.put(URL, json=body)
    await server.push()
    tnm.asked.clear()

    spellings: list[list[Any] | None] = [[], None]
    for nothing in spellings:
        spelt = body | {"images": nothing, "facilities": nothing, "opening_times": None}
        spelt["evses"] = [an_evse(images=nothing, parking_restrictions=nothing)]
        answer = await server.operator.put(URL, json=spelt)
        assert (answer.status_code, answer.json()) == (200, body)

    assert (await server.operator.get(URL)).json() == body
    assert await server.rows("SELECT * FROM outbox_marks") == []


@pytest.mark.requirement("TYP-16")
async def test_an_empty_list_in_a_patch_empties_the_list(server: Server) -> None:
    await server.operator.put(URL, json=a_location(OWA, facilities=["HOTEL"]))

    answer = await server.operator.patch(URL, json={"facilities": []})

    assert answer.status_code == 200, answer.text
    assert "facilities" not in (await server.operator.get(URL)).json()


@pytest.mark.requirement("OWN-12", "OWN-11")
@pytest.mark.parametrize("nothing", [None, []], ids=["null", "empty"])
async def test_what_a_patch_takes_away_is_told_by_put(server: Server, tnm: FakePartner, nothing: Any) -> None:
    await server.operator.put(URL, json=a_location(OWA, facilities=["HOTEL"], evses=[an_evse(directions=[])]))
    await server.push()
    tnm.asked.clear()

    await server.operator.patch(URL, json={"facilities": nothing})
    await server.push()

    (told,) = tnm.asked
    assert (told.method, "facilities" in json.loads(told.content)) == ("PUT", False)


@pytest.mark.requirement("OWN-12", "OWN-11")
async def test_a_patch_that_is_told_holds_no_null_below_either(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=a_location(OWA))
    await server.push()
    tnm.asked.clear()

    await server.operator.patch(URL, json={"operator": {"name": "OWA", "website": None}})
    await server.push()

    (told,) = tnm.asked
    body = json.loads(told.content)
    assert (told.method, set(body), body["operator"]) == ("PATCH", {"operator", "last_updated"}, {"name": "OWA"})


@pytest.mark.requirement("TYP-17")
async def test_a_list_that_must_not_be_empty_is_refused(server: Server) -> None:
    answer = await server.operator.put(URL, json=a_location(OWA, evses=[an_evse(connectors=[])]))

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/evses/0/connectors")


@pytest.mark.requirement("TYP-14")
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"operator": {"name": "A", "website": "example.com"}}, "/operator/website"),
        ({"owner": {"name": "A", "logo": {"url": "/logo.png", "category": "OWNER", "type": "png"}}}, "/owner/logo/url"),
        ({"images": [{"url": "https://e.x/" + "x" * 244, "category": "ENTRANCE", "type": "png"}]}, "/images/0/url"),
    ],
    ids=["website", "logo", "image"],
)
async def test_we_send_no_url_that_is_none(server: Server, changes: dict[str, Any], pointer: str) -> None:
    await server.operator.put(URL, json=a_location(OWA))

    for answer in (
        await server.operator.put(URL, json=a_location(OWA) | changes),
        await server.operator.patch(URL, json=changes),
    ):
        assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)
    assert (await server.operator.get(URL)).json() == a_location(OWA)


@pytest.mark.requirement("TYP-14")
async def test_nor_in_our_own_credentials(server: Server) -> None:
    details = {"name": "A", "website": "example.com"}
    body = {"country_code": "NL", "party_id": "OWX", "role": "CPO", "business_details": details}

    answer = await server.operator.post("/api/parties", json=body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/business_details/website")


@pytest.mark.requirement("TYP-24")
async def test_a_place_is_in_a_country_and_a_time_zone_that_exist(server: Server) -> None:
    put = await server.operator.put(URL, json=a_location(OWA, country="nld"))

    nowhere = await server.operator.patch(URL, json={"country": "NLQ"})
    never = await server.operator.patch(URL, json={"time_zone": "Foo/Bar"})

    assert (put.status_code, put.json()["country"]) == (201, "NLD")
    assert (nowhere.status_code, nowhere.json()["pointer"]) == (422, "/country")
    assert (never.status_code, never.json()["pointer"]) == (422, "/time_zone")
    assert (await server.operator.get(URL)).json() == put.json()


@pytest.mark.requirement("TYP-24")
async def test_so_is_a_party_of_ours(server: Server) -> None:
    body = {"country_code": "NQ", "party_id": "OWX", "role": "CPO", "business_details": {"name": "A"}}

    answer = await server.operator.post("/api/parties", json=body)

    (error,) = answer.json()["errors"]
    assert answer.status_code == 422
    assert (error["pointer"], error["rule"]) == ("/country_code", "is no country of ISO 3166-1 alpha-2")


@pytest.mark.requirement("TYP-01")
async def test_two_connectors_of_an_evse_have_ids_of_their_own(server: Server, tnm: FakePartner) -> None:
    twice = an_evse(connectors=[a_connector(id="a"), a_connector(id="A")])
    await server.operator.put(URL, json=a_location(OWA))

    whole = await server.operator.put(URL, json=a_location(OWA, evses=[twice], last_updated="2099-01-01T00:00:00Z"))
    evse = await server.operator.put(f"{URL}/3256", json=twice | {"last_updated": "2099-01-01T00:00:00Z"})

    assert (whole.status_code, whole.json()["pointer"]) == (422, "/evses/0/connectors")
    assert (evse.status_code, evse.json()["pointer"]) == (422, "/connectors")
    assert (await server.operator.get(URL)).json() == a_location(OWA)


@pytest.mark.requirement("OWN-18", "LOC-G-04")
async def test_a_report_of_a_clock_far_ahead_blocks_no_later_one(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=a_location(OWA))
    ahead = {"last_updated": "9999-12-31T23:59:59.999Z"}
    parts: dict[str, dict[str, Any]] = {
        URL: {"name": "x"}, f"{URL}/3256": {"status": "BLOCKED"}, f"{URL}/3256/1": {"max_amperage": 1}
    }  # fmt: skip
    for url, changes in parts.items():
        answer = await server.operator.patch(url, json=changes | ahead)
        assert (answer.status_code, "lies in the future" in answer.headers["warning"]) == (200, True)

    reported = await server.operator.patch(f"{URL}/3256", json={"status": "CHARGING", "last_updated": LATER})
    named = await server.operator.patch(URL, json={"name": "y", "last_updated": LATER})
    late = await server.operator.patch(URL, json={"name": "z", "last_updated": NOON})

    assert (reported.status_code, reported.json()["last_updated"]) == (200, LATER)
    assert ["warning" in one.headers for one in (reported, named)] == [False, False]
    assert (named.status_code, named.json()["last_updated"]) == (200, LATER)
    assert (late.status_code, late.json()["title"]) == (409, "Older than known")


@pytest.mark.requirement("LOC-G-04", "LOC-G-06")
@pytest.mark.parametrize(("connector_id", "created"), [("2", 201), ("1", 200)])
async def test_a_connector_may_be_older_than_what_changed_in_its_evse_since(
    server: Server, tnm: FakePartner, connector_id: str, created: int
) -> None:
    await server.operator.put(URL, json=a_location(OWA))
    before = (await server.operator.patch(f"{URL}/3256", json={"status": "CHARGING"})).json()["last_updated"]

    put = await server.operator.put(
        f"{URL}/3256/{connector_id}", json=a_connector(id=connector_id, max_amperage=63, last_updated=LATER)
    )

    location = (await server.operator.get(URL)).json()
    assert (put.status_code, put.json()["last_updated"]) == (created, LATER), put.text
    assert location["evses"][0]["connectors"][-1]["last_updated"] == LATER
    assert location["last_updated"] >= location["evses"][0]["last_updated"] > before
    assert location["evses"][0]["status"] == "CHARGING"


@pytest.mark.requirement("LOC-G-04", "LOC-G-05")
async def test_a_connector_that_changes_in_a_patch_of_its_evse_changes_all_three_times(
    server: Server, tnm: FakePartner
) -> None:
    await server.operator.put(
        URL, json=a_location(OWA, evses=[an_evse(connectors=[a_connector(), a_connector(id="2")])])
    )

    changes = {"connectors": [{"id": "1"}, {"id": "2", "max_amperage": 63}]}
    evse = (await server.operator.patch(f"{URL}/3256", json=changes)).json()

    location = (await server.operator.get(URL)).json()
    assert location["last_updated"] == evse["last_updated"] == evse["connectors"][1]["last_updated"] > LATER
    assert evse["connectors"][0] == a_connector()


@pytest.mark.requirement("LOC-G-04", "LOC-G-06", "LOC-S-01")
@pytest.mark.parametrize("part", ["3257", "3257/1"])
async def test_a_late_report_is_found_by_a_partner_that_asks_what_changed_since_its_last_visit(
    server: Server, tnm: FakePartner, part: str
) -> None:
    old = {"last_updated": NOON, "connectors": [a_connector(last_updated=NOON)]}
    await server.operator.put(URL, json=a_location(OWA, evses=[an_evse(), an_evse(uid="3257", evse_id=None, **old)]))
    await server.operator.patch(f"{URL}/3256", json={"status": "CHARGING"})
    visited = (await server.operator.get(URL)).json()["last_updated"]

    change = {"max_amperage": 16} if "/" in part else {"status": "CHARGING"}
    late = await server.operator.patch(f"{URL}/{part}", json=change | {"last_updated": LATER})

    assert (late.status_code, late.json()["last_updated"]) == (200, LATER)
    assert (await server.operator.get(URL)).json()["last_updated"] > visited
    (found,) = (await server.operator.get("/api/locations", params={"date_from": visited, "own": True})).json()
    assert found["evses"][1]["last_updated"] == LATER
