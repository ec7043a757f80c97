"""What a driver is billed for, as it was at the start of the session. OCPI 2.2.1, CDRs."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from ocpi_party.ocpi.connector import ConnectorFormat, ConnectorType, PowerType
from ocpi_party.ocpi.fields import (
    CiString32,
    CiString36,
    CiString39,
    CiString48,
    Control,
    Country,
    CountryCode,
    Currency,
    DateTime,
    Descriptive,
    FreeText,
    Id36,
    Id39,
    Int,
    Many,
    MayBeMissing,
    Number,
    PartyCode,
    Some,
)
from ocpi_party.ocpi.geo_location import GeoLocation
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.ocpi.token import TokenType
from ocpi_party.ocpi.types import House, Price, broken


class AuthMethod(StrEnum):
    AUTH_REQUEST = "AUTH_REQUEST"
    COMMAND = "COMMAND"
    WHITELIST = "WHITELIST"


class CdrDimensionType(StrEnum):
    CURRENT = "CURRENT"
    ENERGY = "ENERGY"
    ENERGY_EXPORT = "ENERGY_EXPORT"
    ENERGY_IMPORT = "ENERGY_IMPORT"
    MAX_CURRENT = "MAX_CURRENT"
    MIN_CURRENT = "MIN_CURRENT"
    MAX_POWER = "MAX_POWER"
    MIN_POWER = "MIN_POWER"
    PARKING_TIME = "PARKING_TIME"
    POWER = "POWER"
    RESERVATION_TIME = "RESERVATION_TIME"
    STATE_OF_CHARGE = "STATE_OF_CHARGE"
    TIME = "TIME"


class CdrDimension(House):
    type: Annotated[CdrDimensionType, Descriptive()]
    volume: Number


class CdrLocation(House):
    """A snapshot; its address and state stayed short when those of Location grew."""

    id: Id36
    name: Annotated[str, FreeText(255)] | None = None
    address: Annotated[str, FreeText(45)]
    city: Annotated[str, FreeText(45)]
    postal_code: Annotated[str, FreeText(10)] | None = None
    state: Annotated[str, FreeText(20)] | None = None
    country: Country
    coordinates: GeoLocation
    evse_uid: Id36
    evse_id: Annotated[CiString48, MayBeMissing(lambda: "#NA")]
    connector_id: Id36
    connector_standard: Annotated[ConnectorType, Descriptive()]
    connector_format: Annotated[ConnectorFormat, Descriptive()]
    connector_power_type: Annotated[PowerType, Descriptive()]


class CdrToken(House):
    country_code: CountryCode
    party_id: PartyCode
    uid: Id36
    type: Annotated[TokenType, Descriptive()]
    contract_id: CiString36


class ChargingPeriod(House):
    """Lasts until the next one starts, the last one until the session ends."""

    start_date_time: DateTime
    dimensions: Some[CdrDimension]
    tariff_id: CiString36 | None = None


class SignedValue(House):
    nature: CiString32
    plain_data: Annotated[str, FreeText(5000)]
    signed_data: Annotated[str, FreeText(5000)]


class SignedData(House):
    encoding_method: CiString36
    encoding_method_version: Int | None = None
    public_key: Annotated[str, FreeText(512)] | None = None
    signed_values: Some[SignedValue]
    url: Annotated[str, FreeText(512)] | None = None


class Cdr(House):
    """Owned by a CPO and never changed; a credit CDR takes another one back."""

    country_code: CountryCode
    party_id: PartyCode
    id: Id39
    start_date_time: DateTime
    end_date_time: DateTime
    session_id: CiString36 | None = None
    cdr_token: CdrToken
    auth_method: Annotated[AuthMethod, Control()]
    authorization_reference: CiString36 | None = None
    cdr_location: CdrLocation
    meter_id: Annotated[str, FreeText(255)] | None = None
    currency: Currency
    tariffs: Many[Tariff] = Field(default_factory=list)
    charging_periods: Some[ChargingPeriod]
    signed_data: SignedData | None = None
    total_cost: Price
    total_fixed_cost: Price | None = None
    total_energy: Number
    total_energy_cost: Price | None = None
    total_time: Number
    total_time_cost: Price | None = None
    total_parking_time: Number | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
    remark: Annotated[str, FreeText(255)] | None = None
    invoice_reference_id: CiString39 | None = None
    credit: bool | None = None
    credit_reference_id: CiString39 | None = None
    home_charging_compensation: bool | None = None
    last_updated: DateTime

    @model_validator(mode="after")
    def _credits_another(self) -> Self:
        if self.credit and self.credit_reference_id is None:
            raise broken("credit_reference_id", "must be present in a credit CDR")
        if not self.credit and len(self.id) > 36:
            raise broken("id", "must be 1 to 36 characters; the three more are for credit CDRs")
        return self

    @model_validator(mode="after")
    def _knows_its_times(self) -> Self:
        for field in ("start_date_time", "end_date_time"):
            if getattr(self, field).startswith("1970-01-01"):
                raise broken(field, "must be known; 1970-01-01 in its place takes an agreement")
        return self
