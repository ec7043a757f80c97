"""Limits over time for the power of a session. OCPI 2.2.1, ChargingProfiles."""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from ocpi_party.ocpi.fields import Control, DateTime, Descriptive, Int, Integer, Many, Rate, Url
from ocpi_party.ocpi.types import House, broken


class ChargingRateUnit(StrEnum):
    W = "W"
    A = "A"


class ChargingProfileResponseType(StrEnum):
    ACCEPTED = "ACCEPTED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    TOO_OFTEN = "TOO_OFTEN"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


class ChargingProfileResultType(StrEnum):
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


class ChargingProfilePeriod(House):
    start_period: Int
    limit: Rate


class ChargingProfile(House):
    start_date_time: DateTime | None = None
    duration: Annotated[int, Integer(at_least=0)] | None = None
    charging_rate_unit: Annotated[ChargingRateUnit, Control()]
    min_charging_rate: Rate | None = None
    charging_profile_period: Many[ChargingProfilePeriod] = Field(default_factory=list)

    @model_validator(mode="after")
    def _periods_in_order(self) -> Self:
        starts = [period.start_period for period in self.charging_profile_period]
        if starts and starts[0] != 0:
            raise broken("charging_profile_period", "must begin with start_period 0")
        if any(late <= early for early, late in pairwise(starts)):
            raise broken("charging_profile_period", "must be in ascending order of start_period")
        return self


class ActiveChargingProfile(House):
    start_date_time: DateTime
    charging_profile: ChargingProfile


class SetChargingProfile(House):
    charging_profile: ChargingProfile
    response_url: Url


class ChargingProfileResponse(House):
    result: Annotated[ChargingProfileResponseType, Descriptive(ChargingProfileResponseType.REJECTED)]
    timeout: Int


class ActiveChargingProfileResult(House):
    result: Annotated[ChargingProfileResultType, Descriptive(ChargingProfileResultType.UNKNOWN)]
    profile: ActiveChargingProfile | None = None


class ChargingProfileResult(House):
    result: Annotated[ChargingProfileResultType, Descriptive(ChargingProfileResultType.UNKNOWN)]


class ClearProfileResult(House):
    result: Annotated[ChargingProfileResultType, Descriptive(ChargingProfileResultType.UNKNOWN)]
