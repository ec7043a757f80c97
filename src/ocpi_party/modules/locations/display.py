"""What of a Location may be shown to whom. OCPI 2.2.1, Locations, "Location Object" and "PublishTokenType class"."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ocpi_party.ocpi.opening_hours import is_open
from ocpi_party.ocpi.types import PartyId, fold
from ocpi_party.partners.partner import Party

_CASELESS = ("uid", "group_id")
_FIELDS = ("uid", "type", "visual_number", "issuer", "group_id")


@dataclass(frozen=True, slots=True)
class Display:
    """shown  whether an app may show the Location; open  None if the Location does not say"""

    shown: bool
    why: str
    open: bool | None
    charging_when_closed: bool
    operator: Mapping[str, Any]


def display(
    location: Mapping[str, Any],
    *,
    listed: bool,
    token: Mapping[str, str] | None,
    at: datetime,
    parties: Iterable[Party],
) -> Display:
    """What an app may make of a Location.

    listed   its owner still lists it: what its list does not show is not valid any more ("GET List: Response Data")
    token    of the one who looks: uid, type, visual_number, issuer, group_id as far as they are known; None for anybody
    parties  of partners: the owner's business details stand in for a missing operator
    """
    shown, why = _shown(location, token) if listed else (False, "its owner does not list it any more")
    opened = is_open(location.get("opening_times"), location["time_zone"], at)
    charging = location.get("charging_when_closed")
    return Display(shown, why, opened, charging is not False, _operator(location, parties))


def _shown(location: Mapping[str, Any], token: Mapping[str, str] | None) -> tuple[bool, str]:
    if all(evse.get("status") == "REMOVED" for evse in location.get("evses") or ()):
        return False, "every EVSE is removed: the Location has expired"
    if location["publish"]:
        return True, "it is published"
    if token and any(_matches(entry, token) for entry in location.get("publish_allowed_to") or ()):
        return True, "it is not published, but allowed for this token"
    return False, "it is not published"


def _matches(entry: Mapping[str, Any], token: Mapping[str, str]) -> bool:
    """All fields that the entry sets must match."""
    given = [name for name in _FIELDS if entry.get(name) is not None]
    return bool(given) and all(_same(name, entry[name], token.get(name)) for name in given)


def _same(name: str, one: str, other: str | None) -> bool:
    if other is None:
        return False
    return fold(one) == fold(other) if name in _CASELESS else one == other


def _operator(location: Mapping[str, Any], parties: Iterable[Party]) -> Mapping[str, Any]:
    operator = location.get("operator")
    if isinstance(operator, Mapping) and operator.get("name"):  # What is wrong in it is kept as it came.
        return operator
    owner = PartyId(location["country_code"], location["party_id"]).folded()
    known = (party.business_details for party in parties if party.key == owner and party.business_details)
    return next(known, {"name": str(owner)})
