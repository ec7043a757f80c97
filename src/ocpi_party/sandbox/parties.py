"""The parties of the sandbox, and what they have when it starts."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ocpi_party.ocpi.modules import Role
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.partners.partner import Party

CPO = Party("XX", "SBC", Role.CPO, {"name": "Sandbox Charge Points"})
EMSP = Party("XX", "SBE", Role.EMSP, {"name": "Sandbox Mobility"})
PARTIES = {"cpo": CPO, "emsp": EMSP}

POWER_KW = 11
AMPERE_KW = Decimal("0.69")
"""What one ampere is on three phases of 230 V."""
PRICE = "0.40"
TARIFF_ID = "SB-ENERGY"

_PLACES = (
    ("Utrecht", "Stationsplein 1", "3511 CE", "52.089000", "5.110000"),
    ("Amersfoort", "Stationsplein 12", "3818 LE", "52.154000", "5.374000"),
    ("Gouda", "Markt 10", "2801 JJ", "52.011500", "4.710500"),
    ("Delft", "Phoenixstraat 22", "2611 AL", "52.012500", "4.354000"),
    ("Zwolle", "Grote Markt 3", "8011 LV", "52.512500", "6.093500"),
)


def tariff(party: Party) -> JsonObject:
    price = {"type": "ENERGY", "price": float(PRICE), "vat": 21, "step_size": 1}
    return _owned(party) | {"id": TARIFF_ID, "currency": "EUR", "elements": [{"price_components": [price]}]}


def locations(party: Party) -> list[JsonObject]:
    """A handful, each with two EVSEs that are free."""
    return [_location(party, number, *place) for number, place in enumerate(_PLACES, 1)]


def _location(
    party: Party, number: int, city: str, address: str, postal_code: str, latitude: str, longitude: str
) -> JsonObject:
    return _owned(party) | {
        "id": f"SB{number}",
        "publish": True,
        "name": f"Sandbox {city}",
        "address": address,
        "city": city,
        "postal_code": postal_code,
        "country": "NLD",
        "coordinates": {"latitude": latitude, "longitude": longitude},
        "evses": [_evse(party, f"SB{number}-{one}") for one in (1, 2)],
        "time_zone": "Europe/Amsterdam",
    }


def _evse(party: Party, uid: str) -> JsonObject:
    connector = {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 16,
        "tariff_ids": [TARIFF_ID],
    }
    return {
        "uid": uid,
        "evse_id": f"{party.country_code}*{party.party_id}*E{uid.replace('-', '*')}",
        "status": "AVAILABLE",
        "capabilities": [
            "CHARGING_PREFERENCES_CAPABLE",
            "CHARGING_PROFILE_CAPABLE",
            "REMOTE_START_STOP_CAPABLE",
            "RESERVABLE",
            "RFID_READER",
            "UNLOCK_CAPABLE",
        ],
        "connectors": [connector],
    }


@dataclass(frozen=True, slots=True)
class Card:
    """A token of the sandbox. rules  how it is judged when a CPO asks; audience  - for a token that is not in the list"""

    uid: str
    whitelist: str
    valid: bool = True
    type: str = "RFID"
    audience: str | None = None
    rules: dict[str, Any] | None = None

    def token(self, party: Party) -> JsonObject:
        return _owned(party) | {
            "uid": self.uid,
            "type": self.type,
            "contract_id": f"{party.country_code}-{party.party_id}-C{self.uid.removeprefix('SB-').replace('-', '')[:8]}",
            "issuer": "Sandbox Mobility",
            "valid": self.valid,
            "whitelist": self.whitelist,
        }


CARDS = (
    Card("SB-ALWAYS", "ALWAYS"),
    Card("SB-ALLOWED", "ALLOWED"),
    Card("SB-OFFLINE", "ALLOWED_OFFLINE"),
    Card("SB-ASK", "NEVER"),
    Card("SB-NOCREDIT", "NEVER", rules={"allowed": "NO_CREDIT", "info": {"language": "en", "text": "Top up first."}}),
    Card("SB-EXPIRED", "NEVER", rules={"allowed": "EXPIRED"}),
    Card("SB-PLACE", "NEVER", rules={"location_required": True}),
    Card("SB-BLOCKED", "ALLOWED", valid=False),
    Card("SB-APP", "NEVER", type="APP_USER", audience="-"),
)
"""Their names say how the sandbox answers when it is asked whether they may charge."""


def _owned(party: Party) -> JsonObject:
    return {"country_code": party.country_code, "party_id": party.party_id}
