"""Locations, EVSEs and Connectors, told by their owner. OCPI 2.2.1, Locations, "Receiver Interface"."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import BOTH
from tests.objects import LATER, NOON, a_connector, a_location, an_evse
from tests.partner import Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

URL = "/locations/NL/TNM/LOC1"
EVSE = f"{URL}/3256"
CONNECTOR = f"{EVSE}/1"
LATEST = "2026-03-01T13:00:00Z"
EARLY = "2026-03-01T11:00:00Z"
EXAMPLES = Path(__file__).parents[2] / "examples" / "2.2.1"


@pytest.fixture
async def tnm(server: Server) -> Caller:
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


@pytest.fixture
async def known(tnm: Caller) -> Caller:
    """NL/TNM, of whom we know LOC1 with two EVSEs."""
    other = an_evse(uid="3257", evse_id="NL*TNM*E3257", connectors=[a_connector(), a_connector(id="2")])
    await tnm.put(URL, a_location(evses=[an_evse(), other]))
    return tnm


@BOTH
@pytest.mark.requirement("LOC-R-01", "LOC-S-04", "STS-01", "LOC-R-11")
async def test_each_level_is_read_by_itself_and_what_is_unknown_is_2003(known: Caller) -> None:
    location = (await known.get(URL)).data

    assert (await known.get(EVSE)).data == location["evses"][0]
    assert (await known.get(CONNECTOR)).data == location["evses"][0]["connectors"][0]
    for url in ("/locations/NL/TNM/NONE", f"{URL}/NONE", f"{EVSE}/NONE", f"{URL}/NONE/1"):
        for answer in (
            await known.get(url),
            await known.patch(url, {"last_updated": LATER}),
        ):
            assert (answer.http_status, answer.status_code) == (404, 2003), url
    orphan = [
        await known.put("/locations/NL/TNM/NONE/3256", an_evse()),
        await known.put(f"{URL}/NONE/1", a_connector()),
    ]
    assert [(answer.http_status, answer.status_code) for answer in orphan] == [(404, 2003)] * 2
    assert (await known.get(URL)).data == location


@pytest.mark.requirement("OWN-08", "LOC-R-02", "LOC-R-03", "OWN-19")
async def test_a_put_replaces_the_whole_tree(server: Server, known: Caller) -> None:
    smaller = {k: v for k, v in a_location(last_updated=LATER).items() if k != "name"}

    await known.put(URL, smaller)

    assert (await known.get(URL)).data == smaller
    assert (await known.get(f"{URL}/3257")).http_status == 404
    assert len(await server.rows("SELECT * FROM evses")) == 2  # Sessions and CDRs may still refer to it.


@pytest.mark.requirement("LOC-R-04", "LOC-R-05", "LOC-R-06", "LOC-R-07", "LOC-G-03")
async def test_put_of_a_part_creates_or_replaces_it_and_moves_what_is_around_it(known: Caller) -> None:
    evse = {k: v for k, v in an_evse(uid="3258", last_updated=LATER).items() if k != "evse_id"}

    new = await known.put(f"{URL}/3258", evse)
    again = await known.put(f"{URL}/3258", evse)
    location = (await known.get(URL)).data
    connector = await known.put(f"{URL}/3258/2", a_connector(id="2", last_updated=LATEST))
    after = (await known.get(URL)).data

    assert (new.http_status, again.http_status, connector.http_status) == (201, 200, 201)
    assert [one["uid"] for one in location["evses"]] == ["3256", "3257", "3258"]
    assert location["last_updated"] == LATER
    assert after["evses"][:2] == location["evses"][:2]
    assert [one["id"] for one in after["evses"][2]["connectors"]] == ["1", "2"]
    assert (after["last_updated"], after["evses"][2]["last_updated"]) == (LATEST, LATEST)


@pytest.mark.requirement("LOC-R-01", "TYP-01")
async def test_two_evses_of_a_location_and_two_connectors_of_an_evse_have_ids_of_their_own(known: Caller) -> None:
    before = (await known.get(URL)).data
    twice = an_evse(connectors=[a_connector(id="a"), a_connector(id="A")], last_updated=LATER)
    other = an_evse(uid="3257", last_updated=LATER)

    answers = [
        await known.put(URL, a_location(evses=[other, other], last_updated=LATER)),
        await known.put(URL, a_location(evses=[other, twice], last_updated=LATER)),
        await known.put(EVSE, twice),
    ]

    assert [answer.status_code for answer in answers] == [2001, 2001, 2001]
    assert "/evses/1/connectors" in answers[1].message
    assert (await known.get(URL)).data == before


@pytest.mark.requirement("LOC-R-08", "LOC-R-07", "OWN-17")
async def test_a_parent_never_goes_back_in_time(known: Caller) -> None:
    await known.patch(EVSE, {"status": "CHARGING", "last_updated": LATEST})

    answer = await known.patch(CONNECTOR, {"max_amperage": 16, "last_updated": LATER})

    location = (await known.get(URL)).data
    assert answer.status_code == 1000
    assert location["evses"][0]["connectors"][0]["max_amperage"] == 16
    assert (location["last_updated"], location["evses"][0]["last_updated"]) == (LATEST, LATEST)


@BOTH
@pytest.mark.requirement("OWN-17", "OWN-18", "LOC-R-20")
async def test_what_is_older_is_refused_at_each_level(known: Caller) -> None:
    before = (await known.get(URL)).data

    answers = [
        await known.put(URL, a_location(name="Old", last_updated=EARLY, evses=[])),
        await known.patch(URL, {"name": "Old", "last_updated": EARLY}),
        await known.put(EVSE, an_evse(status="BLOCKED", last_updated=EARLY)),
        await known.patch(EVSE, {"status": "BLOCKED", "last_updated": EARLY}),
        await known.put(CONNECTOR, a_connector(last_updated=EARLY)),
        await known.patch(CONNECTOR, {"max_amperage": 1, "last_updated": EARLY}),
    ]

    assert [(answer.http_status, answer.status_code) for answer in answers] == [(200, 2001)] * 6
    assert (await known.get(URL)).data == before
    assert (await known.patch(EVSE, {"status": "BLOCKED", "last_updated": NOON})).status_code == 1000  # equal times


@pytest.mark.requirement("OWN-18")
async def test_a_clock_far_ahead_blocks_nothing(known: Caller) -> None:
    for url, changes in ((URL, {"name": "x"}), (EVSE, {"status": "BLOCKED"}), (CONNECTOR, {"max_amperage": 1})):
        await known.patch(url, changes | {"last_updated": "2099-01-01T00:00:00Z"})

    put = await known.put(EVSE, an_evse(last_updated=LATER))
    whole = await known.put(URL, a_location(last_updated=LATER))

    assert (put.status_code, whole.status_code) == (1000, 1000)
    assert (await known.get(URL)).data["last_updated"] == LATER


@pytest.mark.requirement("OWN-18", "LOC-R-06", "LOC-R-07")
@pytest.mark.parametrize("ahead", [EVSE, CONNECTOR])
@pytest.mark.parametrize("right", [EVSE, CONNECTOR])
async def test_once_a_clock_is_right_again_the_parents_are_right_as_well(known: Caller, ahead: str, right: str) -> None:
    changes: dict[str, dict[str, Any]] = {EVSE: {"status": "BLOCKED"}, CONNECTOR: {"max_amperage": 1}}
    await known.patch(ahead, changes[ahead] | {"last_updated": "2099-01-01T00:00:00Z"})

    answer = await known.patch(right, changes[right] | {"last_updated": LATER})

    location = (await known.get(URL)).data
    assert answer.status_code == 1000
    assert (location["last_updated"], location["evses"][0]["last_updated"]) == (LATER, LATER)


@pytest.mark.requirement("OWN-17", "OWN-18")
async def test_once_a_clock_is_right_again_what_is_older_is_refused_again(known: Caller) -> None:
    await known.patch(URL, {"name": "Ahead", "last_updated": "2099-01-01T00:00:00Z"})
    right = await known.patch(URL, {"name": "Right", "last_updated": LATER})
    older = await known.patch(URL, {"name": "Old", "last_updated": EARLY})

    assert (right.status_code, older.status_code) == (1000, 2001)
    location = (await known.get(URL)).data
    assert (location["name"], location["last_updated"]) == ("Right", LATER)


@pytest.mark.requirement("OWN-10", "OWN-11", "OWN-12", "OWN-13", "LOC-R-09", "LOC-R-13")
async def test_a_patch_changes_what_it_names_and_nothing_else(known: Caller) -> None:
    before = (await known.get(URL)).data

    for url in (URL, EVSE, CONNECTOR):
        without = await known.patch(url, {})
        assert (without.http_status, without.status_code) == (200, 2001)
        assert (await known.patch(url, {"last_updated": NOON})).status_code == 1000
    assert (await known.get(URL)).data == before

    await known.patch(URL, {"name": None, "city": "Brugge", "last_updated": LATER})
    await known.patch(CONNECTOR, {"tariff_ids": ["15"], "last_updated": NOON})
    await known.patch(EVSE, {"capabilities": ["RESERVABLE"], "last_updated": NOON})

    after = (await known.get(URL)).data
    evse = before["evses"][0]
    connector = evse["connectors"][0] | {"tariff_ids": ["15"]}
    changed = evse | {"capabilities": ["RESERVABLE"], "connectors": [connector]}
    assert after == before | {"city": "Brugge", "last_updated": LATER, "evses": [changed, before["evses"][1]]}


@BOTH
@pytest.mark.requirement("OWN-14", "OWN-02", "OWN-03")
async def test_identifiers_must_be_those_of_the_url(known: Caller) -> None:
    before = (await known.get(URL)).data
    later = {"last_updated": LATER}

    answers = [
        await known.put(URL, a_location(id="LOC2")),
        await known.put(URL, a_location(PartyId("NL", "XXX"))),
        await known.put(URL, a_location(country_code="BE")),
        await known.put(EVSE, an_evse(uid="9")),
        await known.put(CONNECTOR, a_connector(id="9")),
        await known.patch(URL, later | {"id": "LOC2"}),
        await known.patch(URL, later | {"party_id": "XXX"}),
        await known.patch(EVSE, later | {"uid": "9"}),
        await known.patch(CONNECTOR, later | {"id": "9"}),
    ]

    assert [(answer.http_status, answer.status_code) for answer in answers] == [(200, 2001)] * 9
    assert (await known.get(URL)).data == before
    same = await known.patch(URL, later | {"id": "loc1", "country_code": "nl", "party_id": "TNM"})
    assert same.status_code == 1000


@pytest.mark.requirement("OWN-04", "TYP-01")
async def test_ids_are_the_same_in_any_case(server: Server, known: Caller) -> None:
    lower = a_location(id="loc1", last_updated=LATER, evses=[an_evse(uid="abc"), an_evse(uid="3256")])

    put = await known.put("/locations/nl/tnm/loc1", lower)
    part = await known.patch("/locations/Nl/Tnm/lOC1/ABC", {"status": "BLOCKED", "last_updated": LATER})

    assert (put.http_status, part.status_code) == (200, 1000)
    assert (await known.get(URL)).data["id"] == "loc1"
    assert len(await server.rows("SELECT * FROM locations")) == 1


@pytest.mark.requirement("LOC-R-12")
async def test_evses_in_a_patch_of_the_location_are_merged_by_uid(known: Caller) -> None:
    before = (await known.get(URL)).data
    changes = [{"uid": "3256", "status": "CHARGING"}, an_evse(uid="NEW", last_updated=LATER)]

    done = await known.patch(URL, {"evses": changes, "last_updated": LATER})
    half = await known.patch(URL, {"evses": [{"uid": "HALF", "status": "CHARGING"}], "last_updated": LATER})

    after = (await known.get(URL)).data
    assert (done.status_code, half.http_status, half.status_code) == (1000, 200, 2001)
    assert [evse["uid"] for evse in after["evses"]] == ["3256", "3257", "NEW"]
    assert after["evses"][0] == before["evses"][0] | {"status": "CHARGING", "last_updated": LATER}
    assert after["evses"][1] == before["evses"][1]


@pytest.mark.requirement("LOC-R-12", "OWN-17")
async def test_an_evse_in_a_patch_of_the_location_keeps_the_newer_state_that_we_know(known: Caller) -> None:
    await known.patch(EVSE, {"status": "CHARGING", "last_updated": LATER})
    newer = (await known.get(EVSE)).data

    done = await known.patch(
        URL,
        {"name": "New", "last_updated": LATEST, "evses": [{"uid": "3256", "status": "BLOCKED", "last_updated": NOON}]},
    )

    assert done.status_code == 1000
    location = (await known.get(URL)).data
    assert (location["name"], location["last_updated"], location["evses"][0]) == ("New", LATEST, newer)


@pytest.mark.requirement("LOC-R-12", "LOC-R-07")
async def test_a_connector_that_changes_with_its_evse_changed_when_that_did(known: Caller) -> None:
    both = [{"id": "1"}, {"id": "2", "max_amperage": 63}]

    await known.patch(f"{URL}/3257", {"connectors": both, "last_updated": LATER})

    same, changed = (await known.get(f"{URL}/3257")).data["connectors"]
    assert (same["last_updated"], changed["last_updated"], changed["max_amperage"]) == (NOON, LATER, 63)


@pytest.mark.requirement("LOC-R-12", "TRN-28")
@pytest.mark.parametrize("no_list", [{}, "", 0, False, {"uid": "3256"}])
async def test_evses_in_a_patch_that_are_no_list_are_refused(known: Caller, no_list: object) -> None:
    before = (await known.get(URL)).data

    answer = await known.patch(URL, {"evses": no_list, "last_updated": LATER})

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert "/evses" in answer.message
    assert (await known.get(URL)).data == before


@pytest.mark.requirement("LOC-R-14", "LOC-R-09")
async def test_the_official_examples_of_patches(tnm: Caller) -> None:
    location = json.loads((EXAMPLES / "location_example.json").read_text())
    caller = tnm
    owner = f"{location['country_code']}/{location['party_id']}"
    caller.partner.roles = (("CPO", location["country_code"], location["party_id"]),)
    await caller.put("/ocpi/2.2.1/credentials", caller.partner.credentials())
    caller = caller.speaking((location["country_code"], location["party_id"]), ("NL", "OWM"), "emsp")
    url = f"/locations/{owner}/{location['id']}"
    assert (await caller.put(url, location)).http_status == 201

    named = await caller.patch(url, json.loads((EXAMPLES / "location_patch_example_location.json").read_text()))
    removed = await caller.patch(
        f"{url}/3255" if any(e["uid"] == "3255" for e in location["evses"]) else f"{url}/{location['evses'][0]['uid']}",
        json.loads((EXAMPLES / "location_patch_example_remove_evse.json").read_text()),
    )
    added = await caller.put(f"{url}/3258", json.loads((EXAMPLES / "location_put_example_add_evse.json").read_text()))

    assert (named.status_code, removed.status_code) == (1000, 1000), (named, removed)
    assert (added.http_status, added.status_code) == (200, 2001)
    assert len((await caller.get(url)).data["evses"]) == len(location["evses"])


@pytest.mark.requirement("LOC-R-20", "LOC-G-02")
async def test_a_removed_evse_stays_and_may_come_back(known: Caller) -> None:
    await known.patch(EVSE, {"status": "REMOVED", "last_updated": LATER})
    removed = (await known.get(EVSE)).data["status"]

    await known.put(URL, a_location(last_updated=LATEST, evses=[an_evse(last_updated=LATEST)]))

    assert removed == "REMOVED"
    assert (await known.get(EVSE)).data["status"] == "AVAILABLE"


@BOTH
@pytest.mark.requirement("LOC-R-10")
async def test_a_hundred_patches_at_once_lose_nothing(tnm: Caller) -> None:
    uids = [f"E{number}" for number in range(50)]
    await tnm.put(URL, a_location(evses=[an_evse(uid=uid) for uid in uids]))
    changes = [(uid, change) for uid in uids for change in ({"status": "CHARGING"}, {"floor_level": "2"})]

    answers = await asyncio.gather(
        *(
            tnm.patch(f"{URL}/{uid}", change | {"last_updated": f"2026-03-01T12:30:{number % 60:02}Z"})
            for number, (uid, change) in enumerate(changes)
        )
    )

    refused = [
        (uid, change) for (uid, change), answer in zip(changes, answers, strict=True) if answer.status_code != 1000
    ]
    evses = {evse["uid"]: evse for evse in (await tnm.get(URL)).data["evses"]}
    assert {answer.http_status for answer in answers} == {200}
    for uid, change in changes:
        if (uid, change) not in refused:
            assert change.items() <= evses[uid].items()
    assert len(refused) <= 50  # The second of two for one EVSE may have been the older one.
    assert (await tnm.get(URL)).data["last_updated"] == "2026-03-01T12:30:59Z"


@BOTH
@pytest.mark.requirement("OWN-19")
async def test_first_puts_at_once_make_one_object(server: Server, tnm: Caller) -> None:
    answers = await asyncio.gather(*(tnm.put(URL, a_location()) for _ in range(8)))

    assert sorted(answer.http_status for answer in answers) == [200] * 7 + [201]
    assert (await tnm.get(URL)).data == a_location()
    assert len(await server.rows("SELECT * FROM evses")) == 1


@pytest.mark.requirement("LOC-G-19")
async def test_tariffs_that_nobody_knows_yet_are_no_reason_to_refuse(tnm: Caller) -> None:
    location = a_location(evses=[an_evse(connectors=[a_connector(tariff_ids=["not", "yet"])])])

    assert (await tnm.put(URL, location)).http_status == 201
    assert (await tnm.get(CONNECTOR)).data["tariff_ids"] == ["not", "yet"]
