"""The operator writes our Locations, and partners hear of it."""

import json

import pytest
from tests.objects import a_location, an_evse
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
