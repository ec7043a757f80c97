"""Ids are compared without regard to case, and shown as their owner spells them: in events and in what the operator watches."""

from typing import Any

import pytest
from tests.commanding import an_emsp
from tests.objects import (
    OUR_DRIVER,
    a_cdr,
    a_cdr_token,
    a_charging_profile,
    a_connector,
    a_location,
    a_session,
    a_tariff,
    a_token,
    an_evse,
)
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server, start_server

from ocpi_party.ocpi.types import PartyId

OWA, OWM, DE_TNM = PartyId("NL", "OWA"), PartyId("NL", "OWM"), PartyId("DE", "TNM")
PLAN = {"start_date_time": "2026-03-01T12:00:00Z", "charging_profile": a_charging_profile()}
AT_ONCE = {"start_minutes": 0, "silence_minutes": 0, "cdr_minutes": 0, "push_minutes": 0, "since_days": 3650}


@pytest.fixture
async def server(database_url: str) -> Any:
    async with start_server(database_url, message_log_days=30) as running:
        await running.add_party("NL", "OWA", "CPO")
        await running.add_party("NL", "OWM", "EMSP")
        yield running


@pytest.fixture
async def cpo(server: Server) -> Caller:
    """The CPO NL/TNM, calling our eMSP."""
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


async def _events(server: Server, **only: Any) -> list[tuple[str, str]]:
    answer = await server.operator.get("/api/events", params={"limit": 1000} | only)
    assert answer.status_code == 200, answer.text
    return [(one["type"], one["subject"]) for one in answer.json()]


async def test_an_event_names_an_object_as_its_owner_spells_it(server: Server, cpo: Caller) -> None:
    for method, path, body in (
        ("PUT", "/tariffs/nl/tnm/TARIFF-x", a_tariff(id="Tariff-X")),
        ("PUT", "/sessions/nl/tnm/SESSION-x", a_session(id="Session-X")),
        ("PATCH", "/sessions/nl/tnm/session-x", {"kwh": 5, "last_updated": "2026-03-02T00:00:00Z"}),
        ("PUT", "/chargingprofiles/SESSION-x", PLAN),
        ("POST", "/cdrs", a_cdr(id="Cdr-X", cdr_token=a_cdr_token(OWM))),
        ("POST", "/cdrs", a_cdr(id="CDR-x", cdr_token=a_cdr_token(OWM), total_energy=1)),
        ("DELETE", "/tariffs/nl/tnm/TARIFF-X", None),
    ):
        answer = await cpo.request(method, path, body)
        assert answer.http_status < 300, answer

    assert await _events(server, type=["object.*", "cdr.*"]) == [
        ("object.received", "tariffs/NL*TNM/Tariff-X"),
        ("object.received", "sessions/NL*TNM/Session-X"),
        ("object.changed", "sessions/NL*TNM/Session-X"),
        ("object.changed", "chargingprofiles/NL*TNM/Session-X"),
        ("cdr.received", "cdrs/NL*TNM/Cdr-X"),
        ("cdr.refused", "cdrs/NL*TNM/Cdr-X"),
        ("object.removed", "tariffs/NL*TNM/Tariff-X"),
    ]
    data = [one["data"] for one in (await server.operator.get("/api/events?type=object.*&type=cdr.*")).json()]
    assert [one["id"] for one in data] == [
        "Tariff-X",
        "Session-X",
        "Session-X",
        "Session-X",
        "Cdr-X",
        "Cdr-X",
        "Tariff-X",
    ]


async def test_parts_of_a_location_are_spelt_so_too(server: Server, cpo: Caller) -> None:
    location = a_location(id="Loc-X", evses=[an_evse(uid="Evse-X", connectors=[a_connector(id="Con-X")])])
    later = {"last_updated": "2026-03-02T00:00:00Z"}
    await cpo.put("/locations/NL/TNM/LOC-X", location)
    await cpo.patch("/locations/NL/TNM/loc-x", {"name": "x"} | later)
    await cpo.patch("/locations/NL/TNM/loc-x/EVSE-x", {"status": "CHARGING"} | later)
    await cpo.put("/locations/NL/TNM/loc-x/evse-x", an_evse(uid="Evse-X", connectors=[a_connector(id="Con-X")]) | later)
    await cpo.patch("/locations/NL/TNM/loc-x/evse-x/CON-X", {"max_amperage": 16} | later)
    await cpo.put("/locations/NL/TNM/loc-x/evse-x/CON-X", a_connector(id="Con-X") | later)

    told = (await server.operator.get("/api/events?type=object.*")).json()

    evse, connector = "locations/NL*TNM/Loc-X/Evse-X", "locations/NL*TNM/Loc-X/Evse-X/Con-X"
    location_ = "locations/NL*TNM/Loc-X"
    assert [one["subject"] for one in told] == [location_, location_, evse, evse, connector, connector]
    assert {one["data"]["id"] for one in told} == {"Loc-X"}
    assert told[-1]["data"]["part"] == ["Evse-X", "Con-X"]


async def test_a_list_that_is_fetched_tells_the_spelling_too(server: Server, cpo: Caller) -> None:
    cpo.partner.on("GET", "/tariffs", envelope([a_tariff(id="Tariff-X"), a_tariff(id="Tariff-Y", currency="?")]))
    cpo.partner.on("GET", "/locations", envelope([a_location(id="Loc-X")]))
    for module in ("tariffs", "locations"):
        answer = await server.operator.post("/api/partners/1/pull", json={"module": module})
        assert answer.status_code == 202, answer.text
    await server.app.pulling.pull_due()

    assert sorted(await _events(server, type=["object.*", "finding.*"])) == [
        ("finding.recorded", "tariffs/NL*TNM/Tariff-Y"),
        ("object.received", "locations/NL*TNM/Loc-X"),
        ("object.received", "tariffs/NL*TNM/Tariff-X"),
    ]


async def test_what_a_whole_list_does_not_show_is_named_as_its_owner_spells_it(server: Server, cpo: Caller) -> None:
    await cpo.put("/tariffs/NL/TNM/Tariff-X", a_tariff(id="Tariff-X"))
    cpo.partner.on("GET", "/tariffs", envelope([a_tariff(id="Tariff-Y")]))
    await server.operator.post("/api/partners/1/pull", json={"module": "tariffs", "full": True})
    await server.app.pulling.pull_due()

    findings = (await server.operator.get("/api/findings?module=tariffs")).json()

    assert [one["object"] for one in findings] == ["NL*TNM/Tariff-X"]
    assert await _events(server, type="finding.*") == [("finding.recorded", "tariffs/NL*TNM/Tariff-X")]


async def test_what_a_driver_prefers_is_told_of_the_session_as_we_spell_it(server: Server) -> None:
    caller = await an_emsp(server)
    location = a_location(OWA, evses=[an_evse(capabilities=["CHARGING_PREFERENCES_CAPABLE"])])
    location["evses"][0]["connectors"][0]["tariff_ids"] = []
    await server.operator.put("/api/locations/NL/OWA/LOC1", json=location)
    session = a_session(OWA, id="Session-X", cdr_token=a_cdr_token(DE_TNM))
    await server.operator.put("/api/sessions/NL/OWA/Session-X", json=session)

    answer = await caller.put("/sessions/SESSION-x/charging_preferences", {"profile_type": "CHEAP"})

    assert answer.data == "ACCEPTED", answer
    assert await _events(server, type="chargingpreferences.*") == [
        ("chargingpreferences.received", "sessions/NL*OWA/Session-X")
    ]


async def test_a_token_keeps_its_spelling_and_names_its_type(server: Server) -> None:
    caller = await an_emsp(server)
    emsp = caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
    await emsp.put("/tokens/DE/TNM/token-X?type=rfid", a_token(DE_TNM, uid="Token-X"))

    (told,) = (await server.operator.get("/api/events?type=object.*")).json()

    assert told["subject"] == "tokens/DE*TNM/Token-X RFID"
    assert (told["data"]["id"], told["data"]["type"]) == ("Token-X", "RFID")


async def test_events_are_found_by_a_subject_in_any_case(server: Server, cpo: Caller) -> None:
    await cpo.put("/sessions/NL/TNM/Session-X", a_session(id="Session-X", cdr_token=OUR_DRIVER))

    for subject in ("sessions/NL*TNM/Session-X", "SESSIONS/nl*tnm/session-x"):
        assert await _events(server, subject=subject) == [("object.received", "sessions/NL*TNM/Session-X")]


async def test_an_authorization_names_the_token_as_we_spell_it(server: Server, cpo: Caller) -> None:
    await server.operator.put("/api/tokens/NL/OWM/Token-X", json=a_token(OWM, uid="Token-X"))

    assert (await cpo.post("/tokens/TOKEN-x/authorize")).data["allowed"] == "ALLOWED"

    assert await _events(server, type="authorization.*") == [("authorization.asked", "tokens/NL*OWM/Token-X RFID")]


async def test_what_is_not_delivered_is_named_as_we_spell_it(server: Server) -> None:
    tnm = await an_emsp(server)
    location = a_location(OWA, id="Loc-X", evses=[an_evse(uid="Evse-X", connectors=[a_connector(id="Con-X")])])
    for path, body in (
        ("tariffs/NL/OWA/Tariff-X", a_tariff(OWA, id="Tariff-X")),
        ("locations/NL/OWA/Loc-X", location),
        ("sessions/NL/OWA/Session-X", a_session(OWA, id="Session-X", cdr_token=a_cdr_token(DE_TNM))),
        ("cdrs/NL/OWA/Cdr-X", a_cdr(OWA, id="Cdr-X", cdr_token=a_cdr_token(DE_TNM))),
    ):
        assert (await server.operator.put(f"/api/{path}", json=body)).status_code == 201
    await server.operator.patch("/api/locations/NL/OWA/LOC-X/EVSE-X", json={"status": "CHARGING"})
    await server.operator.patch("/api/locations/NL/OWA/LOC-X/EVSE-X/CON-X", json={"max_amperage": 10})

    waiting = (await server.operator.get("/api/deliveries")).json()
    watched = (await server.operator.get("/api/watch", params=AT_ONCE)).json()
    tnm.partner.on("PUT", "/tariffs", envelope(code=2001))
    await server.push()

    names = {f"{one['module']}/{one['object']}" for one in waiting}
    mine = {
        "tariffs/NL*OWA/Tariff-X",
        "locations/NL*OWA/Loc-X",
        "locations/NL*OWA/Loc-X/Evse-X",
        "locations/NL*OWA/Loc-X/Evse-X/Con-X",
        "sessions/NL*OWA/Session-X",
        "cdrs/NL*OWA/Cdr-X",
    }
    assert mine <= names
    assert mine <= {one["object"] for one in watched if one["kind"] == "late_delivery"}
    (given_up,) = (await server.operator.get("/api/events?type=delivery.given_up")).json()
    assert given_up["data"]["object"] == "NL*OWA/Tariff-X"
    (refused,) = (await server.operator.get("/api/deliveries?state=refused")).json()
    assert refused["object"] == "NL*OWA/Tariff-X"


async def test_the_watchdog_and_the_timeline_name_sessions_and_cdrs_as_they_are_spelt(
    server: Server, cpo: Caller
) -> None:
    await cpo.put("/sessions/NL/TNM/Session-X", a_session(id="Session-X", status="ACTIVE"))
    await cpo.post("/cdrs", a_cdr(id="Cdr-X", cdr_token=a_cdr_token(OWM), session_id="Session-X"))
    await cpo.post("/cdrs", a_cdr(id="Cdr-Y", cdr_token=a_cdr_token(OWM), session_id="Session-Y"))

    watched = (await server.operator.get("/api/watch", params=AT_ONCE)).json()
    line = (await server.operator.get("/api/timeline", params={"session": "nl*tnm/session-x"})).json()

    assert {(one["kind"], one["object"]) for one in watched} == {
        ("silent_session", "NL*TNM/Session-X"),
        ("cdr_without_session", "NL*TNM/Cdr-Y"),
    }
    assert any("Session-Y" in one["words"] for one in watched)
    assert {one["object"] for one in line if "object" in one} == {"NL*TNM/Session-X", "NL*TNM/Cdr-X"}
    assert {one["words"] for one in line if one["kind"] == "event"} >= {
        "object.received: sessions/NL*TNM/Session-X",
        "cdr.received: cdrs/NL*TNM/Cdr-X",
    }


@pytest.mark.requirement("TYP-01")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tariffs/nl/owa/Tariff-x", a_tariff(PartyId("nl", "owa"), id="Tariff-x")),
        ("locations/nl/owa/Loc-x", a_location(PartyId("nl", "owa"), id="Loc-x")),
        ("sessions/nl/owa/S-x", a_session(PartyId("nl", "owa"), id="S-x", cdr_token=a_cdr_token(DE_TNM))),
        ("cdrs/nl/owa/Cdr-x", a_cdr(PartyId("nl", "owa"), id="Cdr-x", cdr_token=a_cdr_token(DE_TNM))),
        ("tokens/nl/owm/Token-x", a_token(PartyId("nl", "owm"), uid="Token-x")),
    ],
)
async def test_our_parties_are_named_in_capitals_whoever_writes_them_otherwise(
    server: Server, path: str, body: dict[str, Any]
) -> None:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    capitals = {name: body[name].upper() for name in ("country_code", "party_id")}
    module, *_, own_id = path.split("/")

    put = await server.operator.put(f"/api/{path}", json=body)
    if module != "cdrs":
        assert (await server.operator.patch(f"/api/{path}", json={"country_code": "nl"})).status_code == 200
    await server.push()

    (told,) = partner.requests("PUT", f"/{module}") or partner.requests("POST", f"/{module}")
    assert (put.status_code, put.json()) == (201, body | capitals)
    assert (await server.operator.get(f"/api/{path}")).json() == body | capitals
    if module != "cdrs":
        assert told.url.path.endswith("/".join(["", module, *capitals.values(), own_id]))
