"""Partners read our sessions, and tell what their drivers prefer."""

from typing import Any

import pytest
from tests.objects import LATER, NOON, a_cdr_token, a_location, a_session, a_tariff, an_evse
from tests.partner import Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import JsonObject, PartyId

OWA = PartyId("NL", "OWA")
DE_TNM, DE_ABC = PartyId("DE", "TNM"), PartyId("DE", "ABC")
SINCE = {"date_from": "2026-01-01T00:00:00Z"}
PREFERENCES = "/sessions/101/charging_preferences"
WISH = {"profile_type": "CHEAP", "departure_time": "2099-03-01T18:00:00Z", "energy_need": 20}
RULES = "/api/sessions/charging_preferences/rules/NL/OWA"


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The eMSP DE/TNM, calling our CPO."""
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")


@pytest.fixture
async def abc(server: Server) -> Caller:
    """Another eMSP, DE/ABC."""
    partner = FakePartner("abc", "abc.example", "token-b.for-abc", (("EMSP", "DE", "ABC"),))
    caller = await server.connect(server.internet.add(partner))
    return caller.speaking(("DE", "ABC"), ("NL", "OWA"), "cpo")


async def have_session(server: Server, emsp: PartyId = DE_TNM, **changes: Any) -> JsonObject:
    session = a_session(OWA, cdr_token=a_cdr_token(emsp), **changes)
    answer = await server.operator.put(f"/api/sessions/NL/OWA/{session['id']}", json=session)
    assert answer.status_code in (200, 201), answer.text
    return session


async def have_evse(server: Server, *capabilities: str, **connector: Any) -> None:
    evse = an_evse(capabilities=list(capabilities))
    evse["connectors"][0] |= {"tariff_ids": []} | connector
    answer = await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location(OWA, evses=[evse]))
    assert answer.status_code in (200, 201), answer.text


@pytest.mark.requirement("SES-S-01")
async def test_an_emsp_sees_the_sessions_of_its_own_drivers_in_all_states(
    server: Server, tnm: Caller, abc: Caller
) -> None:
    mine = [await have_session(server, id=f"T{n}", status=status) for n, status in enumerate(["ACTIVE", "COMPLETED"])]
    theirs = await have_session(server, DE_ABC, id="A")

    seen = await tnm.get("/sessions", params=SINCE)

    assert seen.data == mine
    assert seen.headers["x-total-count"] == "2"
    assert (await abc.get("/sessions", params=SINCE)).data == [theirs]


@pytest.mark.requirement("SES-S-01", "PAG-01")
async def test_date_from_is_inclusive_and_date_to_exclusive(server: Server, tnm: Caller) -> None:
    first = await have_session(server, id="1", last_updated=NOON)
    await have_session(server, id="2", last_updated=LATER)

    seen = await tnm.get("/sessions", params={"date_from": NOON, "date_to": LATER, "offset": "0", "limit": "5"})

    assert seen.data == [first]


@pytest.mark.requirement("SES-S-02")
async def test_date_from_is_required_unless_we_agreed_otherwise(server: Server, tnm: Caller) -> None:
    session = await have_session(server)
    refused = await tnm.get("/sessions")
    (partner,) = await server.rows("SELECT id FROM partners")

    await server.operator.patch(
        f"/api/partners/{partner['id']}", json={"quirks": {"sessions_date_from_optional": True}}
    )

    assert (refused.http_status, refused.status_code, "data" in refused.body) == (200, 2001, False)
    assert (await tnm.get("/sessions")).data == [session]


@pytest.mark.requirement("SES-S-03", "SES-S-09")
async def test_there_is_no_single_session_and_no_other_method(server: Server, tnm: Caller) -> None:
    await have_session(server)

    assert (await tnm.get("/sessions/101")).http_status == 404
    assert (await tnm.put("/sessions/101", WISH)).http_status in (404, 405)
    assert (await tnm.post("/sessions", {})).http_status == 405
    for answer in (await tnm.patch(PREFERENCES, WISH), await tnm.delete(PREFERENCES)):
        assert answer.http_status == 405


@pytest.mark.requirement("SES-S-03", "SES-S-06")
async def test_accepted_preferences_are_kept_for_the_operator(server: Server, tnm: Caller) -> None:
    await have_evse(server, "CHARGING_PREFERENCES_CAPABLE")
    await have_session(server)

    answer = await tnm.put(PREFERENCES, WISH)

    seen = (await server.operator.get("/api/sessions/NL/OWA/101/charging_preferences")).json()
    listed = (await server.operator.get("/api/sessions/charging_preferences?own=true")).json()
    assert (answer.http_status, answer.status_code, answer.data) == (200, 1000, "ACCEPTED")
    assert (seen["charging_preferences"], seen["result"]) == (WISH, "ACCEPTED")
    assert listed == [seen]


@pytest.mark.requirement("SES-S-05")
async def test_an_evse_that_takes_no_preferences_is_404_and_2001(server: Server, tnm: Caller) -> None:
    await have_session(server)
    unknown = await tnm.put(PREFERENCES, WISH)
    await have_evse(server, "RFID_READER")

    incapable = await tnm.put(PREFERENCES, WISH)

    assert [(a.http_status, a.status_code) for a in (unknown, incapable)] == [(404, 2001), (404, 2001)]
    assert (await server.operator.get("/api/sessions/NL/OWA/101/charging_preferences")).status_code == 404


@pytest.mark.requirement("SES-S-07")
async def test_a_session_of_another_emsp_is_as_unknown_as_none(server: Server, tnm: Caller) -> None:
    await have_evse(server, "CHARGING_PREFERENCES_CAPABLE")
    await have_session(server, DE_ABC)

    theirs, none = await tnm.put(PREFERENCES, WISH), await tnm.put(PREFERENCES.replace("101", "999"), WISH)

    assert (theirs.http_status, theirs.status_code) == (none.http_status, none.status_code) == (404, 2001)
    assert theirs.message == none.message.replace("999", "101")


@pytest.mark.requirement("SES-S-06", "SES-S-07")
@pytest.mark.parametrize(
    ("status", "wish"),
    [
        ("COMPLETED", WISH),
        ("INVALID", WISH),
        ("RESERVATION", WISH),
        ("ACTIVE", WISH | {"departure_time": "2020-01-01T00:00:00Z"}),
    ],
)
async def test_what_cannot_be_had_is_not_possible(
    server: Server, tnm: Caller, status: str, wish: dict[str, Any]
) -> None:
    await have_evse(server, "CHARGING_PREFERENCES_CAPABLE")
    await have_session(server, status=status)

    answer = await tnm.put(PREFERENCES, wish)

    assert (answer.http_status, answer.status_code, answer.data) == (200, 1000, "NOT_POSSIBLE")
    assert await server.rows("SELECT * FROM charging_preferences") == []


@pytest.mark.requirement("SES-S-06")
async def test_the_operator_rules_what_a_driver_must_tell(server: Server, tnm: Caller) -> None:
    await have_evse(server, "CHARGING_PREFERENCES_CAPABLE")
    await have_session(server)
    rules = {"departure_time_required": ["CHEAP", "GREEN"], "energy_need_required": ["CHEAP"]}
    assert (await server.operator.put(RULES, json=rules)).json() == rules
    assert (await server.operator.get(RULES)).json() == rules

    answers = [
        await tnm.put(PREFERENCES, {"profile_type": "CHEAP"}),
        await tnm.put(PREFERENCES, {"profile_type": "CHEAP", "departure_time": WISH["departure_time"]}),
        await tnm.put(PREFERENCES, {"profile_type": "FAST"}),
    ]

    assert [answer.data for answer in answers] == ["DEPARTURE_REQUIRED", "ENERGY_NEED_REQUIRED", "ACCEPTED"]


@pytest.mark.requirement("SES-S-06", "SES-S-08")
async def test_a_profile_needs_a_tariff_of_the_connector(server: Server, tnm: Caller) -> None:
    await have_evse(server, "CHARGING_PREFERENCES_CAPABLE", tariff_ids=["1", "2"])
    await have_session(server)
    for tariff_id, kind in (("1", {"type": "PROFILE_CHEAP"}), ("2", {"type": "REGULAR"}), ("3", {})):
        tariff = a_tariff(OWA, id=tariff_id, **kind)
        answer = await server.operator.put(f"/api/tariffs/NL/OWA/{tariff_id}", json=tariff)
        assert answer.status_code == 201, answer.text

    asked = [await tnm.put(PREFERENCES, {"profile_type": profile}) for profile in ("CHEAP", "REGULAR", "GREEN")]
    await have_evse(server, "CHARGING_PREFERENCES_CAPABLE", tariff_ids=["3"])
    asked.append(await tnm.put(PREFERENCES, {"profile_type": "GREEN"}))

    assert [answer.data for answer in asked] == ["ACCEPTED", "ACCEPTED", "PROFILE_TYPE_NOT_SUPPORTED", "ACCEPTED"]


@pytest.mark.requirement("SES-S-04")
@pytest.mark.parametrize("wish", [{}, {"profile_type": "SLOW"}, {"profile_type": "CHEAP", "energy_need": "much"}])
async def test_preferences_that_cannot_be_meant_are_2001(server: Server, tnm: Caller, wish: dict[str, Any]) -> None:
    await have_evse(server, "CHARGING_PREFERENCES_CAPABLE")
    await have_session(server)

    answer = await tnm.put(PREFERENCES, wish)

    assert (answer.http_status, answer.status_code) == (200, 2001), answer
