"""Rules that tie several fields together: broken, they name the field to mend."""

from typing import Any

import pytest
from tests import objects
from tests.objects import EMSP, a_cdr, a_charging_profile, a_location, a_role, a_session, a_start_session, credentials

from ocpi_party.dialects.dialect import read_own
from ocpi_party.ocpi.cdr import Cdr
from ocpi_party.ocpi.charging_profile import ChargingProfile
from ocpi_party.ocpi.client_info import ClientInfo
from ocpi_party.ocpi.command import StartSession
from ocpi_party.ocpi.credentials import Credentials
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.evse import Evse
from ocpi_party.ocpi.hours import Hours
from ocpi_party.ocpi.location import Location, PublishTokenType
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.ocpi.token import Token
from ocpi_party.ocpi.types import House

DAY = {"weekday": 1, "period_begin": "08:00", "period_end": "18:00"}

VALID: list[tuple[type[House], Any]] = [
    (Location, a_location()),
    (Evse, objects.an_evse()),
    (Tariff, objects.a_tariff()),
    (Session, a_session()),
    (Cdr, a_cdr()),
    (Token, objects.a_token()),
    (StartSession, a_start_session()),
    (StartSession, a_start_session(connector_id="1")),
    (ClientInfo, objects.a_client_info()),
    (ChargingProfile, a_charging_profile()),
    (ChargingProfile, a_charging_profile(charging_profile_period=[])),
    (Credentials, credentials()),
    (Credentials, credentials("!" * 64, a_role(), a_role(role="EMSP"), a_role(EMSP))),
    (Cdr, a_cdr(id="a" * 39, credit=True, credit_reference_id="CDR1", total_cost={"excl_vat": -1.05})),
    (Session, a_session(evse_uid="#NA", connector_id="#NA")),
    (Hours, {"twentyfourseven": True}),
    (Hours, {"twentyfourseven": False, "regular_hours": [DAY]}),
    (PublishTokenType, {"uid": "1", "type": "RFID"}),
    (PublishTokenType, {"visual_number": "1", "issuer": "ABC"}),
]

BROKEN: list[tuple[type[House], Any, str]] = [
    (StartSession, a_start_session(evse_uid=None, connector_id="1"), "/evse_uid"),
    (Cdr, a_cdr(credit=True), "/credit_reference_id"),
    (Cdr, a_cdr(id="a" * 37), "/id"),
    (Cdr, a_cdr(start_date_time="1970-01-01T00:00:00Z"), "/start_date_time"),
    (Cdr, a_cdr(end_date_time="1970-1-1T00:00:00Z"), "/end_date_time"),
    (Credentials, credentials("t", a_role(), a_role(country_code="nl")), "/roles"),
    (Credentials, credentials("with blank"), "/token"),
    (Credentials, credentials(""), "/token"),
    (Credentials, credentials("é"), "/token"),
    (ChargingProfile, a_charging_profile(min_charging_rate=1.25), "/min_charging_rate"),
    (
        ChargingProfile,
        a_charging_profile(charging_profile_period=[{"start_period": 1, "limit": 1}]),
        "/charging_profile_period",
    ),
    (
        ChargingProfile,
        a_charging_profile(
            charging_profile_period=[{"start_period": 0, "limit": 1}, {"start_period": 0, "limit": 2}],
        ),
        "/charging_profile_period",
    ),
    (PublishTokenType, {}, "/uid"),
    (PublishTokenType, {"uid": "1"}, "/type"),
    (PublishTokenType, {"visual_number": "1"}, "/issuer"),
    (Hours, {"twentyfourseven": False}, "/regular_hours"),
    (Hours, {"twentyfourseven": True, "regular_hours": [DAY]}, "/regular_hours"),
    (Hours, {"twentyfourseven": False, "regular_hours": [DAY | {"weekday": 8}]}, "/regular_hours/0/weekday"),
    (
        Hours,
        {"twentyfourseven": False, "regular_hours": [DAY | {"period_end": "24:00"}]},
        "/regular_hours/0/period_end",
    ),
    (
        Hours,
        {"twentyfourseven": False, "regular_hours": [DAY | {"period_end": "08:00"}]},
        "/regular_hours/0/period_end",
    ),
    (Location, a_location(opening_times={"twentyfourseven": False}), "/opening_times/regular_hours"),
]


@pytest.mark.requirement("TYP-20", "TYP-22", "CDR-R-13")
@pytest.mark.parametrize(("kind", "document"), VALID)
def test_what_keeps_the_rules(kind: type[House], document: Any) -> None:
    assert read_own(kind, document).keys() <= document.keys()


@pytest.mark.requirement("CDR-R-08", "CDR-R-10", "CDR-R-24", "LOC-G-11", "LOC-G-12", "CHP-R-16")
@pytest.mark.parametrize(("kind", "document", "pointer"), BROKEN)
def test_what_breaks_one(kind: type[House], document: Any, pointer: str) -> None:
    with pytest.raises(InvalidObject) as refused:
        read_own(kind, document)

    assert refused.value.pointer == pointer
