"""How far a partner may stray, case by case."""

import re
from typing import Any

import pytest
from tests.objects import (
    NOON,
    a_cdr,
    a_client_info,
    a_connector,
    a_location,
    a_role,
    a_session,
    a_start_session,
    a_tariff,
    a_token,
    an_evse,
    credentials,
)

from ocpi_party.dialects.tolerance import Finding
from ocpi_party.dialects.v2_2_1 import V2_2_1
from ocpi_party.ocpi.cdr import Cdr
from ocpi_party.ocpi.client_info import ClientInfo
from ocpi_party.ocpi.command import CommandResponse, CommandResult, StartSession
from ocpi_party.ocpi.credentials import Credentials
from ocpi_party.ocpi.errors import InvalidObject, UnreadableJson
from ocpi_party.ocpi.evse import Evse
from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.ocpi.token import AuthorizationInfo, Token
from ocpi_party.ocpi.types import House, encode


def component(**changes: Any) -> dict[str, Any]:
    price = {"type": "ENERGY", "price": 2, "step_size": 1} | changes
    return {"elements": [{"price_components": [price]}]}


def place(**changes: Any) -> dict[str, Any]:
    return {"cdr_location": a_cdr()["cdr_location"] | changes}


def coordinates(latitude: object, longitude: object = "3.729944") -> dict[str, Any]:
    return {"coordinates": {"latitude": latitude, "longitude": longitude}}


PRICE = "/elements/0/price_components/0"
WITHOUT_EVSE_ID = {field: value for field, value in a_cdr()["cdr_location"].items() if field != "evse_id"}
ELSEWHERE = coordinates("51.047600")["coordinates"]
WITH_LOGO = {"name": "TNM", "logo": {"url": "https://example.com/logo.png", "type": "png"}}
WEEK = {"weekday": 1, "period_begin": "08:00", "period_end": "18:00"}

MENDED: list[Any] = [
    # What was sent, what is kept, where a finding is.
    pytest.param(Tariff, a_tariff(**component(price="2.00")), a_tariff(**component(price=2)), f"{PRICE}/price"),
    pytest.param(
        Tariff, a_tariff(**component(step_size="60")), a_tariff(**component(step_size=60)), f"{PRICE}/step_size"
    ),
    pytest.param(
        Tariff, a_tariff(**component(step_size=60.0)), a_tariff(**component(step_size=60)), f"{PRICE}/step_size"
    ),
    pytest.param(
        Location, a_location(**coordinates(51.0476)), a_location(**coordinates("51.047600")), "/coordinates/latitude"
    ),
    pytest.param(
        Location,
        a_location(**coordinates("51.1", "-123.123456789")),
        a_location(**coordinates("51.100000", "-123.123457")),
        "/coordinates/latitude /coordinates/longitude",
    ),
    pytest.param(Location, a_location(parking_type=""), a_location(), "/parking_type"),
    pytest.param(Session, a_session(end_date_time=""), a_session(), "/end_date_time"),
    pytest.param(Tariff, a_tariff(tariff_alt_url=""), a_tariff(), "/tariff_alt_url"),
    pytest.param(Token, a_token(language=""), a_token(), "/language"),
    pytest.param(Session, a_session(status="RESERVED"), a_session(status="RESERVATION"), "/status"),
    pytest.param(Session, a_session(last_updated="2026-03-01T12:00:00"), a_session(), ""),
    pytest.param(Session, a_session(last_updated="2026-03-01T12:00:00+00:00"), a_session(), "/last_updated"),
    pytest.param(Session, a_session(last_updated="2026-03-01T12:00:00.000000Z"), a_session(), "/last_updated"),
    pytest.param(Session, a_session(last_updated="2026-03-01T12:00:00z"), a_session(), "/last_updated"),
    pytest.param(Session, a_session(charging_periods=[]), a_session(), ""),
    pytest.param(Session, a_session(total_cost=None, meter_id=None), a_session(), ""),
]

KEPT: list[tuple[type[House], dict[str, Any], str]] = [
    (Location, a_location(name="x" * 300), "/name"),
    (Location, a_location(name="two\nlines"), "/name"),
    (Location, a_location(name="Bäckerei 充電 ⚡ & <b>co</b>"), ""),
    (Location, a_location(parking_type="ON_ROOF"), "/parking_type"),
    (Location, a_location(facilities=["HOTEL", "SAUNA"]), "/facilities/1"),
    (Location, a_location(time_zone="Nowhere/City"), ""),
    (Location, a_location(operator={"name": "TNM", "website": "www.example.com"}), "/operator/website"),
    (Location, a_location(opening_times={}), "/opening_times/twentyfourseven"),
    (Location, a_location(opening_times={"twentyfourseven": False}), "/opening_times/regular_hours"),
    (Location, a_location(opening_times="always"), "/opening_times"),
    (
        Location,
        a_location(opening_times={"twentyfourseven": False, "regular_hours": [WEEK | {"period_end": "24:00"}]}),
        "/opening_times/regular_hours/0/period_end",
    ),
    (Location, a_location(related_locations=[ELSEWHERE | {"name": "Exit"}]), "/related_locations/0/name"),
    (Location, a_location(related_locations=[{"latitude": "51.047600"}]), "/related_locations/0/longitude"),
    (Location, a_location(directions=["Behind the station"]), "/directions/0"),
    (Location, a_location(directions="Behind the station"), "/directions"),
    (Location, a_location(operator={"website": "https://example.com"}), "/operator/name"),
    (Location, a_location() | {"owner": "TNM"}, "/owner"),
    (Location, a_location(images=[{"url": "https://example.com/a.png"}]), "/images/0/category /images/0/type"),
    (Location, a_location(energy_mix={}), "/energy_mix/is_green_energy"),
    (Evse, an_evse(directions="Left"), "/directions"),
    (Evse, an_evse(status_schedule=[{"status": "PLANNED"}]), "/status_schedule/0/period_begin"),
    (Tariff, a_tariff(tariff_alt_text="Free on Sundays"), "/tariff_alt_text"),
    (Tariff, a_tariff(energy_mix="green"), "/energy_mix"),
    (Location, a_location(evses=[an_evse(status="LEVITATING")]), "/evses/0/status"),
    (Evse, an_evse(capabilities=["RESERVABLE", "XYZ"]), "/capabilities/1"),
    (Evse, an_evse(connectors=[a_connector(standard="MCS")]), "/connectors/0/standard"),
    (Token, a_token(type="EMAID"), "/type"),
    (Token, a_token(whitelist="SOMETIMES"), "/whitelist"),
    (CommandResult, {"result": "OUT_OF_COFFEE"}, "/result"),
    (CommandResult, {"result": "ACCEPTED", "message": {"language": "en", "text": "Welcome"}}, "/message"),
    (CommandResult, {"result": "FAILED", "message": [{"language": "english", "text": "x"}]}, "/message/0/language"),
    (CommandResponse, {"result": "REJECTED", "timeout": 5, "message": "Occupied"}, "/message"),
    (AuthorizationInfo, {"allowed": "ALLOWED", "token": a_token(), "info": [{"language": "en", "text": "x"}]}, "/info"),
    (
        AuthorizationInfo,
        {"allowed": "ALLOWED", "token": a_token(), "info": {"language": "en-GB", "text": "x"}},
        "/info/language",
    ),
    (Credentials, credentials("t", a_role(), a_role(role="PTP")), "/roles/1/role"),
    (Credentials, credentials("t", a_role(business_details=WITH_LOGO)), "/roles/0/business_details/logo/category"),
    (Tariff, a_tariff(**component(step_size=0)), ""),
    (Cdr, a_cdr(**place(address="x" * 46, state="y" * 21)), "/cdr_location/address /cdr_location/state"),
    (Cdr, a_cdr(cdr_location=WITHOUT_EVSE_ID), "/cdr_location/evse_id"),
    (Cdr, a_cdr(**place(evse_uid="#NA", evse_id="#NA", connector_id="#NA")), ""),
]

REFUSED: list[tuple[type[House], Any, str]] = [
    (Session, [], ""),
    (Session, "x", ""),
    (Session, None, ""),
    (Session, a_session(status="active"), "/status"),
    (Session, a_session(status="DREAMING"), "/status"),
    (Session, a_session(auth_method="HANDSHAKE"), "/auth_method"),
    (Session, a_session(kwh="many"), "/kwh"),
    (Session, a_session(kwh="1,5"), "/kwh"),
    (Session, a_session(kwh=True), "/kwh"),
    (Session, a_session(kwh=None), "/kwh"),
    (Session, a_session(last_updated="2026-03-01"), "/last_updated"),
    (Session, a_session(last_updated="2026-02-30T00:00:00Z"), "/last_updated"),
    (Session, a_session(last_updated=""), "/last_updated"),
    (Session, a_session(last_updated=1772366400), "/last_updated"),
    (Session, a_session(id="x" * 37), "/id"),
    (Session, a_session(id="Ü1"), "/id"),
    (Session, a_session(id="a\tb"), "/id"),
    (Session, a_session(id=""), "/id"),
    (Session, a_session(id=101), "/id"),
    (Session, a_session(currency="EURO"), "/currency"),
    (Session, a_session(total_cost={"incl_vat": 1}), "/total_cost/excl_vat"),
    (Session, a_session(charging_periods={}), "/charging_periods"),
    (Token, a_token(valid="true"), "/valid"),
    (Token, a_token(valid=1), "/valid"),
    (Evse, an_evse(connectors=[a_connector(max_voltage=230.5)]), "/connectors/0/max_voltage"),
    (Evse, an_evse(connectors=[a_connector(tariff_ids=["12", None])]), "/connectors/0/tariff_ids/1"),
    (Location, a_location(name="x" * 2551), "/name"),
    (Location, a_location(**coordinates("91.000000")), "/coordinates/latitude"),
    (Location, a_location(**coordinates("51.047599", 180.5)), "/coordinates/longitude"),
    (Location, a_location(**coordinates("north")), "/coordinates/latitude"),
    (StartSession, a_start_session(response_url="/relative"), "/response_url"),
    (StartSession, a_start_session(response_url="https://example.com/" + "x" * 236), "/response_url"),
    (StartSession, a_start_session(token=a_token(language="") | {"uid": ""}), "/token/uid"),
    # What can be mended does not hide what cannot, nor a rule about several fields.
    (Cdr, a_cdr(remark="x" * 300, credit=True), "/credit_reference_id"),
    (Cdr, a_cdr(total_time="1.5", start_date_time="1970-1-1T00:00:00Z"), "/start_date_time"),
]


@pytest.mark.requirement("TYP-07", "TYP-09", "TYP-12", "TYP-13", "TYP-15", "TYP-16", "TYP-25", "SES-R-13")
@pytest.mark.parametrize(("kind", "sent", "kept", "pointers"), MENDED)
def test_what_is_mended(kind: type[House], sent: dict[str, Any], kept: dict[str, Any], pointers: str) -> None:
    body = encode(sent)

    for reading in (V2_2_1.read(kind, sent), V2_2_1.read_body(kind, body)):
        assert reading.document == kept
        assert [finding.pointer for finding in reading.findings] == pointers.split()
    assert encode(sent) == body


@pytest.mark.requirement("TYP-02", "TYP-05", "TYP-19", "TYP-20", "LOC-G-11", "LOC-G-12")
@pytest.mark.parametrize(("kind", "sent", "pointers"), KEPT)
def test_what_is_kept_as_it_is(kind: type[House], sent: dict[str, Any], pointers: str) -> None:
    reading = V2_2_1.read(kind, sent)

    assert reading.document == sent
    assert [finding.pointer for finding in reading.findings] == pointers.split()


@pytest.mark.requirement(
    "TYP-01", "TYP-03", "TYP-05", "TYP-09", "TYP-12", "TYP-13", "TYP-14", "TYP-22", "TRN-28", "TRN-29"
)
@pytest.mark.parametrize(("kind", "sent", "pointer"), REFUSED)
def test_what_is_refused(kind: type[House], sent: Any, pointer: str) -> None:
    with pytest.raises(InvalidObject) as refused:
        V2_2_1.read(kind, sent)

    assert refused.value.pointer == pointer


@pytest.mark.requirement("HCI-R-11")
def test_a_client_info_without_last_updated_gets_the_time_of_receipt() -> None:
    sent = a_client_info()
    del sent["last_updated"]

    reading = V2_2_1.read(ClientInfo, sent)

    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", reading.document["last_updated"])
    assert reading.findings == (Finding("/last_updated", "is required; done without"),)


def test_a_finding_says_what_was_made_of_it() -> None:
    reading = V2_2_1.read(Session, a_session(kwh="1.50"))

    assert reading.findings == (Finding("/kwh", "must be a number; the string was read as one"),)
    assert encode(reading.document["kwh"]) == b"1.50"


def test_a_refusal_names_other_faults_too() -> None:
    with pytest.raises(InvalidObject, match=r"/kwh: must be a number \(also wrong: /currency, /status\)"):
        V2_2_1.read(Session, a_session(kwh="a", currency="€", status=""))


@pytest.mark.requirement("TRN-27")
def test_a_body_that_is_not_json() -> None:
    with pytest.raises(UnreadableJson):
        V2_2_1.read_body(Session, b'{"id": ')


@pytest.mark.requirement("OWN-12")
def test_a_patch_loses_its_nulls_and_nothing_else() -> None:
    wire: dict[str, Any] = {
        "name": None,
        "directions": [],
        "operator": {"name": "TNM", "logo": None},
        "last_updated": NOON,
    }

    changes = V2_2_1.changes(Location, wire)

    assert changes == {"directions": [], "operator": {"name": "TNM"}, "last_updated": NOON}
    assert wire["name"] is None
    with pytest.raises(InvalidObject):
        V2_2_1.changes(Location, [])


@pytest.mark.requirement("TYP-26")
def test_a_location_of_five_hundred_evses() -> None:
    sent = a_location(
        evses=[an_evse(uid=str(i), connectors=[a_connector(id=str(j)) for j in range(4)]) for i in range(500)]
    )

    assert V2_2_1.read_body(Location, encode(sent)).document == sent
