"""Valid documents for tests: each builder gives a realistic minimum, then your changes."""

from typing import Any

from ocpi_party.ocpi.types import JsonObject, PartyId

CPO = PartyId("NL", "TNM")
EMSP = PartyId("DE", "ABC")
NOON = "2026-03-01T12:00:00Z"
LATER = "2026-03-01T12:30:00Z"


def _owned_by(owner: PartyId) -> JsonObject:
    return {"country_code": owner.country_code, "party_id": owner.party_id}


def a_connector(**changes: Any) -> JsonObject:
    return {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 32,
        "tariff_ids": ["12"],
        "last_updated": NOON,
    } | changes


def an_evse(**changes: Any) -> JsonObject:
    return {
        "uid": "3256",
        "evse_id": "NL*TNM*E3256",
        "status": "AVAILABLE",
        "capabilities": ["REMOTE_START_STOP_CAPABLE", "RFID_READER"],
        "connectors": [a_connector()],
        "last_updated": NOON,
    } | changes


def a_location(owner: PartyId = CPO, **changes: Any) -> JsonObject:
    return {
        **_owned_by(owner),
        "id": "LOC1",
        "publish": True,
        "name": "Gent Zuid",
        "address": "F.Rooseveltlaan 3A",
        "city": "Gent",
        "postal_code": "9000",
        "country": "BEL",
        "coordinates": {"latitude": "51.047599", "longitude": "3.729944"},
        "evses": [an_evse()],
        "time_zone": "Europe/Brussels",
        "last_updated": NOON,
    } | changes


def a_tariff(owner: PartyId = CPO, **changes: Any) -> JsonObject:
    return {
        **_owned_by(owner),
        "id": "12",
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.25, "vat": 20, "step_size": 1}]}],
        "last_updated": NOON,
    } | changes


def a_cdr_token(owner: PartyId = EMSP, **changes: Any) -> JsonObject:
    return {**_owned_by(owner), "uid": "012345678", "type": "RFID", "contract_id": "DE8ACC12E46L89"} | changes


def a_charging_period(**changes: Any) -> JsonObject:
    return {
        "start_date_time": NOON,
        "dimensions": [{"type": "ENERGY", "volume": 4.2}, {"type": "TIME", "volume": 0.5}],
        "tariff_id": "12",
    } | changes


OUR_DRIVER = a_cdr_token(PartyId("NL", "OWM"))
"""Of the eMSP that a server of ours is in tests."""


def a_session(owner: PartyId = CPO, **changes: Any) -> JsonObject:
    return {
        **_owned_by(owner),
        "id": "101",
        "start_date_time": NOON,
        "kwh": 0,
        "cdr_token": a_cdr_token(),
        "auth_method": "WHITELIST",
        "location_id": "LOC1",
        "evse_uid": "3256",
        "connector_id": "1",
        "currency": "EUR",
        "status": "ACTIVE",
        "last_updated": NOON,
    } | changes


def a_cdr(owner: PartyId = CPO, **changes: Any) -> JsonObject:
    return {
        **_owned_by(owner),
        "id": "CDR1",
        "start_date_time": NOON,
        "end_date_time": LATER,
        "session_id": "101",
        "cdr_token": a_cdr_token(),
        "auth_method": "WHITELIST",
        "cdr_location": {
            "id": "LOC1",
            "address": "F.Rooseveltlaan 3A",
            "city": "Gent",
            "postal_code": "9000",
            "country": "BEL",
            "coordinates": {"latitude": "51.047599", "longitude": "3.729944"},
            "evse_uid": "3256",
            "evse_id": "NL*TNM*E3256",
            "connector_id": "1",
            "connector_standard": "IEC_62196_T2",
            "connector_format": "SOCKET",
            "connector_power_type": "AC_3_PHASE",
        },
        "currency": "EUR",
        "tariffs": [a_tariff(owner)],
        "charging_periods": [a_charging_period()],
        "total_cost": {"excl_vat": 1.05, "incl_vat": 1.26},
        "total_energy": 4.2,
        "total_time": 0.5,
        "last_updated": LATER,
    } | changes


def a_token(owner: PartyId = EMSP, **changes: Any) -> JsonObject:
    return {
        **_owned_by(owner),
        "uid": "012345678",
        "type": "RFID",
        "contract_id": "DE8ACC12E46L89",
        "issuer": "ABC Charging",
        "valid": True,
        "whitelist": "ALLOWED",
        "last_updated": NOON,
    } | changes


def a_start_session(**changes: Any) -> JsonObject:
    return {
        "response_url": "https://emsp.example.com/ocpi/emsp/2.2.1/commands/START_SESSION/1234",
        "token": a_token(),
        "location_id": "LOC1",
        "evse_uid": "3256",
    } | changes


def a_client_info(party: PartyId = CPO, role: str = "CPO", **changes: Any) -> JsonObject:
    return {**_owned_by(party), "role": role, "status": "CONNECTED", "last_updated": NOON} | changes


def a_charging_profile(**changes: Any) -> JsonObject:
    return {
        "charging_rate_unit": "A",
        "charging_profile_period": [{"start_period": 0, "limit": 16}, {"start_period": 900, "limit": 8.5}],
    } | changes


def a_role(party: PartyId = CPO, role: str = "CPO", **changes: Any) -> JsonObject:
    return {**_owned_by(party), "role": role, "business_details": {"name": f"{party} {role}"}} | changes


def credentials(token: str = "a-credentials-token", *roles: JsonObject, **changes: Any) -> JsonObject:
    """Those of a CPO, unless roles are given."""
    return {
        "token": token,
        "url": "https://cpo.example.com/ocpi/versions",
        "roles": list(roles) or [a_role()],
    } | changes
