"""What charges one vehicle at a time, with its Connectors. OCPI 2.2.1, Locations, "EVSE Object"."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ocpi_party.ocpi.connector import Connector
from ocpi_party.ocpi.fields import CiString48, DateTime, Descriptive, Dispensable, FreeText, Id36, Many, Some
from ocpi_party.ocpi.geo_location import GeoLocation
from ocpi_party.ocpi.types import DisplayText, House, Image


class Capability(StrEnum):
    CHARGING_PROFILE_CAPABLE = "CHARGING_PROFILE_CAPABLE"
    CHARGING_PREFERENCES_CAPABLE = "CHARGING_PREFERENCES_CAPABLE"
    CHIP_CARD_SUPPORT = "CHIP_CARD_SUPPORT"
    CONTACTLESS_CARD_SUPPORT = "CONTACTLESS_CARD_SUPPORT"
    CREDIT_CARD_PAYABLE = "CREDIT_CARD_PAYABLE"
    DEBIT_CARD_PAYABLE = "DEBIT_CARD_PAYABLE"
    PED_TERMINAL = "PED_TERMINAL"
    REMOTE_START_STOP_CAPABLE = "REMOTE_START_STOP_CAPABLE"
    RESERVABLE = "RESERVABLE"
    RFID_READER = "RFID_READER"
    START_SESSION_CONNECTOR_REQUIRED = "START_SESSION_CONNECTOR_REQUIRED"
    TOKEN_GROUP_CAPABLE = "TOKEN_GROUP_CAPABLE"  # noqa: S105 - the name of a capability
    UNLOCK_CAPABLE = "UNLOCK_CAPABLE"


class ParkingRestriction(StrEnum):
    EV_ONLY = "EV_ONLY"
    PLUGGED = "PLUGGED"
    DISABLED = "DISABLED"
    CUSTOMERS = "CUSTOMERS"
    MOTORCYCLES = "MOTORCYCLES"


class Status(StrEnum):
    AVAILABLE = "AVAILABLE"
    BLOCKED = "BLOCKED"
    CHARGING = "CHARGING"
    INOPERATIVE = "INOPERATIVE"
    OUTOFORDER = "OUTOFORDER"
    PLANNED = "PLANNED"
    REMOVED = "REMOVED"
    RESERVED = "RESERVED"
    UNKNOWN = "UNKNOWN"


class StatusSchedule(House):
    period_begin: DateTime
    period_end: DateTime | None = None
    status: Annotated[Status, Descriptive(Status.UNKNOWN)]


class Evse(House):
    """One vehicle at a time. It goes by the status REMOVED, and an unknown status counts as UNKNOWN."""

    uid: Id36
    evse_id: CiString48 | None = None
    status: Annotated[Status, Descriptive(Status.UNKNOWN)]
    status_schedule: Annotated[Many[StatusSchedule], Dispensable()] = Field(default_factory=list)
    capabilities: Many[Annotated[Capability, Descriptive()]] = Field(default_factory=list)
    connectors: Some[Connector]
    floor_level: Annotated[str, FreeText(4)] | None = None
    coordinates: GeoLocation | None = None
    physical_reference: Annotated[str, FreeText(16)] | None = None
    directions: Annotated[Many[DisplayText], Dispensable()] = Field(default_factory=list)
    parking_restrictions: Many[Annotated[ParkingRestriction, Descriptive()]] = Field(default_factory=list)
    images: Annotated[Many[Image], Dispensable()] = Field(default_factory=list)
    last_updated: DateTime
