"""Where one can charge: a Location, its EVSEs and their Connectors. OCPI 2.2.1, Locations."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from ocpi_party.ocpi.fields import (
    CiString36,
    CiString48,
    Coordinate,
    Country,
    CountryCode,
    DateTime,
    Descriptive,
    Dispensable,
    FreeText,
    Id36,
    Int,
    Integer,
    Many,
    Number,
    PartyCode,
    Some,
    Text,
    TimeOfDay,
    Url,
)
from ocpi_party.ocpi.token import TokenType
from ocpi_party.ocpi.types import BusinessDetails, DisplayText, House, Image, broken


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


class ConnectorFormat(StrEnum):
    SOCKET = "SOCKET"
    CABLE = "CABLE"


class ConnectorType(StrEnum):
    CHADEMO = "CHADEMO"
    CHAOJI = "CHAOJI"
    DOMESTIC_A = "DOMESTIC_A"
    DOMESTIC_B = "DOMESTIC_B"
    DOMESTIC_C = "DOMESTIC_C"
    DOMESTIC_D = "DOMESTIC_D"
    DOMESTIC_E = "DOMESTIC_E"
    DOMESTIC_F = "DOMESTIC_F"
    DOMESTIC_G = "DOMESTIC_G"
    DOMESTIC_H = "DOMESTIC_H"
    DOMESTIC_I = "DOMESTIC_I"
    DOMESTIC_J = "DOMESTIC_J"
    DOMESTIC_K = "DOMESTIC_K"
    DOMESTIC_L = "DOMESTIC_L"
    DOMESTIC_M = "DOMESTIC_M"
    DOMESTIC_N = "DOMESTIC_N"
    DOMESTIC_O = "DOMESTIC_O"
    GBT_AC = "GBT_AC"
    GBT_DC = "GBT_DC"
    IEC_60309_2_SINGLE_16 = "IEC_60309_2_single_16"
    IEC_60309_2_THREE_16 = "IEC_60309_2_three_16"
    IEC_60309_2_THREE_32 = "IEC_60309_2_three_32"
    IEC_60309_2_THREE_64 = "IEC_60309_2_three_64"
    IEC_62196_T1 = "IEC_62196_T1"
    IEC_62196_T1_COMBO = "IEC_62196_T1_COMBO"
    IEC_62196_T2 = "IEC_62196_T2"
    IEC_62196_T2_COMBO = "IEC_62196_T2_COMBO"
    IEC_62196_T3A = "IEC_62196_T3A"
    IEC_62196_T3C = "IEC_62196_T3C"
    NEMA_5_20 = "NEMA_5_20"
    NEMA_6_30 = "NEMA_6_30"
    NEMA_6_50 = "NEMA_6_50"
    NEMA_10_30 = "NEMA_10_30"
    NEMA_10_50 = "NEMA_10_50"
    NEMA_14_30 = "NEMA_14_30"
    NEMA_14_50 = "NEMA_14_50"
    PANTOGRAPH_BOTTOM_UP = "PANTOGRAPH_BOTTOM_UP"
    PANTOGRAPH_TOP_DOWN = "PANTOGRAPH_TOP_DOWN"
    TESLA_R = "TESLA_R"
    TESLA_S = "TESLA_S"


class EnergySourceCategory(StrEnum):
    NUCLEAR = "NUCLEAR"
    GENERAL_FOSSIL = "GENERAL_FOSSIL"
    COAL = "COAL"
    GAS = "GAS"
    GENERAL_GREEN = "GENERAL_GREEN"
    SOLAR = "SOLAR"
    WIND = "WIND"
    WATER = "WATER"


class EnvironmentalImpactCategory(StrEnum):
    NUCLEAR_WASTE = "NUCLEAR_WASTE"
    CARBON_DIOXIDE = "CARBON_DIOXIDE"


class Facility(StrEnum):
    HOTEL = "HOTEL"
    RESTAURANT = "RESTAURANT"
    CAFE = "CAFE"
    MALL = "MALL"
    SUPERMARKET = "SUPERMARKET"
    SPORT = "SPORT"
    RECREATION_AREA = "RECREATION_AREA"
    NATURE = "NATURE"
    MUSEUM = "MUSEUM"
    BIKE_SHARING = "BIKE_SHARING"
    BUS_STOP = "BUS_STOP"
    TAXI_STAND = "TAXI_STAND"
    TRAM_STOP = "TRAM_STOP"
    METRO_STATION = "METRO_STATION"
    TRAIN_STATION = "TRAIN_STATION"
    AIRPORT = "AIRPORT"
    PARKING_LOT = "PARKING_LOT"
    CARPOOL_PARKING = "CARPOOL_PARKING"
    FUEL_STATION = "FUEL_STATION"
    WIFI = "WIFI"


class ParkingRestriction(StrEnum):
    EV_ONLY = "EV_ONLY"
    PLUGGED = "PLUGGED"
    DISABLED = "DISABLED"
    CUSTOMERS = "CUSTOMERS"
    MOTORCYCLES = "MOTORCYCLES"


class ParkingType(StrEnum):
    ALONG_MOTORWAY = "ALONG_MOTORWAY"
    PARKING_GARAGE = "PARKING_GARAGE"
    PARKING_LOT = "PARKING_LOT"
    ON_DRIVEWAY = "ON_DRIVEWAY"
    ON_STREET = "ON_STREET"
    UNDERGROUND_GARAGE = "UNDERGROUND_GARAGE"


class PowerType(StrEnum):
    AC_1_PHASE = "AC_1_PHASE"
    AC_2_PHASE = "AC_2_PHASE"
    AC_2_PHASE_SPLIT = "AC_2_PHASE_SPLIT"
    AC_3_PHASE = "AC_3_PHASE"
    DC = "DC"


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


class GeoLocation(House):
    latitude: Annotated[str, Coordinate(90)]
    longitude: Annotated[str, Coordinate(180)]


class AdditionalGeoLocation(House):
    latitude: Annotated[str, Coordinate(90)]
    longitude: Annotated[str, Coordinate(180)]
    name: DisplayText | None = None


class EnergySource(House):
    source: Annotated[EnergySourceCategory, Descriptive()]
    percentage: Number


class EnvironmentalImpact(House):
    category: Annotated[EnvironmentalImpactCategory, Descriptive()]
    amount: Number


class EnergyMix(House):
    is_green_energy: bool
    energy_sources: Many[EnergySource] = Field(default_factory=list)
    environ_impact: Many[EnvironmentalImpact] = Field(default_factory=list)
    supplier_name: Annotated[str, FreeText(64)] | None = None
    energy_product_name: Annotated[str, FreeText(64)] | None = None


class ExceptionalPeriod(House):
    """In UTC, unlike RegularHours."""

    period_begin: DateTime
    period_end: DateTime


class RegularHours(House):
    """In the local time of the Location."""

    weekday: Annotated[int, Integer(1, 7)]
    period_begin: TimeOfDay
    period_end: TimeOfDay

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.period_end <= self.period_begin:
            raise broken("period_end", "must be later than period_begin")
        return self


class Hours(House):
    twentyfourseven: bool
    regular_hours: Many[RegularHours] = Field(default_factory=list)
    exceptional_openings: Many[ExceptionalPeriod] = Field(default_factory=list)
    exceptional_closings: Many[ExceptionalPeriod] = Field(default_factory=list)

    @model_validator(mode="after")
    def _regular_or_round_the_clock(self) -> Self:
        if self.twentyfourseven and self.regular_hours:
            raise broken("regular_hours", "must be absent when twentyfourseven is true")
        if not self.twentyfourseven and not self.regular_hours:
            raise broken("regular_hours", "must be present when twentyfourseven is false")
        return self


class PublishTokenType(House):
    """Who may see a Location that is not published: whose token matches all fields given here."""

    uid: CiString36 | None = None
    type: Annotated[TokenType, Descriptive()] | None = None
    visual_number: Annotated[str, FreeText(64)] | None = None
    issuer: Annotated[str, FreeText(64)] | None = None
    group_id: CiString36 | None = None

    @model_validator(mode="after")
    def _says_whom(self) -> Self:
        if self.uid is None and self.visual_number is None and self.group_id is None:
            raise broken("uid", "must be present, unless visual_number or group_id is")
        if self.uid is not None and self.type is None:
            raise broken("type", "must be present beside uid")
        if self.visual_number is not None and self.issuer is None:
            raise broken("issuer", "must be present beside visual_number")
        return self


class StatusSchedule(House):
    period_begin: DateTime
    period_end: DateTime | None = None
    status: Annotated[Status, Descriptive(Status.UNKNOWN)]


class Connector(House):
    id: Id36
    standard: Annotated[ConnectorType, Descriptive()]
    format: Annotated[ConnectorFormat, Descriptive()]
    power_type: Annotated[PowerType, Descriptive()]
    max_voltage: Int
    max_amperage: Int
    max_electric_power: Int | None = None
    tariff_ids: Many[CiString36] = Field(default_factory=list)
    terms_and_conditions: Url | None = None
    last_updated: DateTime


class Evse(House):
    """One vehicle at a time. It goes by the status REMOVED, and an unknown status counts as UNKNOWN."""

    uid: Id36
    evse_id: CiString48 | None = None
    status: Annotated[Status, Descriptive(Status.UNKNOWN)]
    status_schedule: Many[StatusSchedule] = Field(default_factory=list)
    capabilities: Many[Annotated[Capability, Descriptive()]] = Field(default_factory=list)
    connectors: Some[Connector]
    floor_level: Annotated[str, FreeText(4)] | None = None
    coordinates: GeoLocation | None = None
    physical_reference: Annotated[str, FreeText(16)] | None = None
    directions: Many[DisplayText] = Field(default_factory=list)
    parking_restrictions: Many[Annotated[ParkingRestriction, Descriptive()]] = Field(default_factory=list)
    images: Many[Image] = Field(default_factory=list)
    last_updated: DateTime


class Location(House):
    """Owned by a CPO and never deleted; an absent charging_when_closed means true."""

    country_code: CountryCode
    party_id: PartyCode
    id: Id36
    publish: bool
    publish_allowed_to: Many[PublishTokenType] = Field(default_factory=list)
    name: Annotated[str, FreeText(255)] | None = None
    address: Annotated[str, FreeText(255)]
    city: Annotated[str, FreeText(45)]
    postal_code: Annotated[str, FreeText(10)] | None = None
    state: Annotated[str, FreeText(45)] | None = None
    country: Country
    coordinates: GeoLocation
    related_locations: Many[AdditionalGeoLocation] = Field(default_factory=list)
    parking_type: Annotated[ParkingType, Descriptive()] | None = None
    evses: Many[Evse] = Field(default_factory=list)
    directions: Many[DisplayText] = Field(default_factory=list)
    operator: BusinessDetails | None = None
    suboperator: BusinessDetails | None = None
    owner: BusinessDetails | None = None
    facilities: Many[Annotated[Facility, Descriptive()]] = Field(default_factory=list)
    time_zone: Annotated[str, Text(255)]
    opening_times: Annotated[Hours | None, Dispensable()] = None
    charging_when_closed: bool | None = None
    images: Many[Image] = Field(default_factory=list)
    energy_mix: EnergyMix | None = None
    last_updated: DateTime
