"""A charging session under way or finished, and the wishes of its driver. OCPI 2.2.1, Sessions."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ocpi_party.ocpi.cdr import AuthMethod, CdrToken, ChargingPeriod
from ocpi_party.ocpi.fields import (
    CiString36,
    Control,
    CountryCode,
    Currency,
    DateTime,
    FreeText,
    Id36,
    Many,
    Number,
    PartyCode,
)
from ocpi_party.ocpi.types import House, Price, ProfileType


class SessionStatus(StrEnum):
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    INVALID = "INVALID"
    PENDING = "PENDING"
    RESERVATION = "RESERVATION"


class ChargingPreferencesResponse(StrEnum):
    ACCEPTED = "ACCEPTED"
    DEPARTURE_REQUIRED = "DEPARTURE_REQUIRED"
    ENERGY_NEED_REQUIRED = "ENERGY_NEED_REQUIRED"
    NOT_POSSIBLE = "NOT_POSSIBLE"
    PROFILE_TYPE_NOT_SUPPORTED = "PROFILE_TYPE_NOT_SUPPORTED"


class Session(House):
    country_code: CountryCode
    party_id: PartyCode
    id: Id36
    start_date_time: DateTime
    end_date_time: DateTime | None = None
    kwh: Number
    cdr_token: CdrToken
    auth_method: Annotated[AuthMethod, Control()]
    authorization_reference: CiString36 | None = None
    location_id: Id36
    evse_uid: Id36
    connector_id: Id36
    meter_id: Annotated[str, FreeText(255)] | None = None
    currency: Currency
    charging_periods: Many[ChargingPeriod] = Field(default_factory=list)
    total_cost: Price | None = None
    status: Annotated[SessionStatus, Control(("RESERVED", "RESERVATION"))]
    last_updated: DateTime


class ChargingPreferences(House):
    profile_type: Annotated[ProfileType, Control()]
    departure_time: DateTime | None = None
    energy_need: Number | None = None
    discharge_allowed: bool | None = None
