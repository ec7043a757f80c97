"""What a Sender asks for, and what each kind gets as its result. OCPI 2.2.1, ChargingProfiles, "Receiver Interface"."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ocpi_party.ocpi.charging_profile import ActiveChargingProfileResult, ChargingProfileResult, ClearProfileResult
from ocpi_party.ocpi.types import House


class Kind(StrEnum):
    """The methods GET, PUT and DELETE by what they do."""

    ACTIVE = "ACTIVE_CHARGING_PROFILE"
    SET = "SET_CHARGING_PROFILE"
    CLEAR = "CLEAR_CHARGING_PROFILE"


METHOD: Final[Mapping[Kind, str]] = {Kind.ACTIVE: "GET", Kind.SET: "PUT", Kind.CLEAR: "DELETE"}
RESULTS: Final[Mapping[str, type[House]]] = {
    Kind.ACTIVE: ActiveChargingProfileResult,
    Kind.SET: ChargingProfileResult,
    Kind.CLEAR: ClearProfileResult,
}
"""The body of a result is decided by the original request, not guessed (CHP-S-01)."""
