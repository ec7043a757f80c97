"""What an app may show of a partner's Location."""

from typing import Any

import pytest
from tests.objects import a_location, an_evse
from tests.partner import Caller, FakePartner
from tests.server import Server

URL = "/api/display/locations/NL/TNM/LOC1"
HIDDEN: dict[str, Any] = {"publish": False, "publish_allowed_to": [{"visual_number": "12345", "issuer": "TNM"}]}


@pytest.fixture
async def tnm(server: Server) -> Caller:
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


@pytest.mark.requirement("LOC-G-08")
async def test_an_unpublished_location_is_for_those_who_match_all_fields_of_an_entry(
    server: Server, tnm: Caller
) -> None:
    await tnm.put("/locations/NL/TNM/LOC1", a_location(**HIDDEN))

    async def shown(**token: str) -> bool:
        answer = await server.operator.get(URL, params=token)
        return bool(answer.json()["shown"])

    assert not await shown()
    assert not await shown(visual_number="12345")
    assert not await shown(issuer="TNM")
    assert await shown(visual_number="12345", issuer="TNM")


@pytest.mark.requirement("LOC-G-02")
async def test_a_location_whose_evses_are_all_removed_is_not_shown_but_there(server: Server, tnm: Caller) -> None:
    await tnm.put("/locations/NL/TNM/LOC1", a_location(evses=[an_evse(status="REMOVED")]))

    display = (await server.operator.get(URL)).json()

    assert (display["shown"], "expired" in display["why"]) == (False, True)
    assert (await tnm.get("/locations/NL/TNM/LOC1")).http_status == 200


@pytest.mark.requirement("LOC-G-15", "LOC-G-17")
async def test_defaults_stand_in_for_what_is_missing(server: Server, tnm: Caller) -> None:
    await tnm.put("/locations/NL/TNM/LOC1", a_location())
    missing = (await server.operator.get(URL)).json()
    await tnm.put("/locations/NL/TNM/LOC1", a_location(operator={"name": "Operator"}, charging_when_closed=False))

    given = (await server.operator.get(URL)).json()
    await tnm.put("/locations/NL/TNM/LOC1", a_location(operator={"website": "https://example.com"}))
    nameless = (await server.operator.get(URL)).json()

    assert (missing["charging_when_closed"], missing["operator"]) == (True, {"name": "NL/TNM"})
    assert nameless["operator"] == {"name": "NL/TNM"}
    assert (given["charging_when_closed"], given["operator"]) == (False, {"name": "Operator"})


@pytest.mark.requirement("LOC-G-16")
async def test_a_schedule_is_not_a_status(server: Server, tnm: Caller) -> None:
    schedule = [{"period_begin": "2020-01-01T00:00:00Z", "status": "OUTOFORDER"}]
    location = a_location(evses=[an_evse(status="AVAILABLE", status_schedule=schedule)])
    await tnm.put("/locations/NL/TNM/LOC1", location)

    seen = (await tnm.get("/locations/NL/TNM/LOC1")).data["evses"][0]

    assert (seen["status"], seen["status_schedule"]) == ("AVAILABLE", schedule)
