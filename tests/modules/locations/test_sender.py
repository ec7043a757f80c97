"""Partners read our Locations. OCPI 2.2.1, Locations, "Sender Interface"."""

import pytest
from tests.conftest import BOTH
from tests.objects import an_evse
from tests.own import publish, report
from tests.partner import Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import parse_time


@pytest.fixture
async def emsp(server: Server) -> Caller:
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")


@BOTH
@pytest.mark.requirement("LOC-S-04", "LOC-S-05", "STS-01", "TRN-18")
async def test_each_level_is_read_by_itself(server: Server, emsp: Caller) -> None:
    await publish(server)
    await publish(server, "LOC2", evses=[an_evse(uid="OTHER")])

    location = (await emsp.get("/locations/LOC1")).data

    assert (await emsp.get("/locations")).data[0] == location
    assert (await emsp.get("/locations/LOC1/3256")).data == location["evses"][0]
    assert (await emsp.get("/locations/LOC1/3256/1")).data == location["evses"][0]["connectors"][0]
    for url in ("/locations/NONE", "/locations/LOC1/OTHER", "/locations/LOC1/3256/9", "/locations/NONE/3256/1"):
        answer = await emsp.get(url)
        assert (answer.http_status, answer.status_code) == (404, 2003), url


@pytest.mark.requirement("LOC-S-01", "LOC-S-02", "LOC-S-03", "LOC-G-04", "LOC-G-06")
async def test_a_changed_location_is_listed_with_all_its_evses(server: Server, emsp: Caller) -> None:
    await publish(server, evses=[an_evse(uid=f"E{number}") for number in range(6)])
    await publish(server, "LOC2")
    for uid in ("E1", "E4"):
        await report(server, "CHARGING", evse_uid=uid)
    since = (await emsp.get("/locations/LOC1/E1")).data["last_updated"]

    (changed,) = (await emsp.get("/locations", params={"date_from": since})).data

    assert [evse["uid"] for evse in changed["evses"]] == [f"E{number}" for number in range(6)]
    assert changed["last_updated"] == max((evse["last_updated"] for evse in changed["evses"]), key=parse_time)


@pytest.mark.requirement("LOC-S-07", "LOC-G-01")
async def test_a_removed_evse_stays_in_the_list(server: Server, emsp: Caller) -> None:
    await publish(server)

    await report(server, "REMOVED")

    (location,) = (await emsp.get("/locations")).data
    assert [evse["status"] for evse in location["evses"]] == ["REMOVED"]
