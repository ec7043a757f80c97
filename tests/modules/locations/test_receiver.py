"""Partners tell us of their Locations."""

import pytest
from tests.objects import LATER, a_location
from tests.partner import Caller, FakePartner
from tests.server import Server


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The CPO NL/TNM, calling our eMSP."""
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


@pytest.mark.requirement("LOC-R-01", "LOC-R-02", "STS-02", "STS-03", "OWN-20", "HUB-08")
async def test_a_location_put_is_there_as_it_was_sent(tnm: Caller) -> None:
    location = a_location()

    first = await tnm.put("/locations/NL/TNM/LOC1", location)
    again = await tnm.put("/locations/NL/TNM/LOC1", location)
    seen = await tnm.get("/locations/NL/TNM/LOC1")

    assert (first.http_status, first.status_code, again.http_status) == (201, 1000, 200), first
    assert seen.data == location
    assert seen.headers["ocpi-to-party-id"] == "TNM"
    assert seen.headers["ocpi-from-party-id"] == "OWM"


@pytest.mark.requirement("LOC-R-06", "LOC-R-09", "LOC-R-10")
async def test_the_status_of_an_evse_travels_up(tnm: Caller) -> None:
    location = a_location()
    await tnm.put("/locations/NL/TNM/LOC1", location)
    uid = location["evses"][0]["uid"]

    answer = await tnm.patch(f"/locations/NL/TNM/LOC1/{uid}", {"status": "CHARGING", "last_updated": LATER})

    seen = (await tnm.get("/locations/NL/TNM/LOC1")).data
    assert answer.status_code == 1000, answer
    assert seen["evses"][0]["status"] == "CHARGING"
    assert seen["last_updated"] == LATER
    assert seen["evses"][0] == (await tnm.get(f"/locations/NL/TNM/LOC1/{uid}")).data
