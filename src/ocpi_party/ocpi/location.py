"""Where one can charge. OCPI 2.2.1, Locations, "Location Object"."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from ocpi_party.ocpi.energy_mix import EnergyMix
from ocpi_party.ocpi.evse import Evse
from ocpi_party.ocpi.fields import (
    CiString36,
    Country,
    CountryCode,
    DateTime,
    Descriptive,
    Dispensable,
    FreeText,
    Id36,
    Many,
    PartyCode,
    Text,
)
from ocpi_party.ocpi.geo_location import AdditionalGeoLocation, GeoLocation
from ocpi_party.ocpi.hours import Hours
from ocpi_party.ocpi.token import TokenType
from ocpi_party.ocpi.types import BusinessDetails, DisplayText, House, Image, broken


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


class ParkingType(StrEnum):
    ALONG_MOTORWAY = "ALONG_MOTORWAY"
    PARKING_GARAGE = "PARKING_GARAGE"
    PARKING_LOT = "PARKING_LOT"
    ON_DRIVEWAY = "ON_DRIVEWAY"
    ON_STREET = "ON_STREET"
    UNDERGROUND_GARAGE = "UNDERGROUND_GARAGE"


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
    related_locations: Annotated[Many[AdditionalGeoLocation], Dispensable()] = Field(default_factory=list)
    parking_type: Annotated[ParkingType, Descriptive()] | None = None
    evses: Many[Evse] = Field(default_factory=list)
    directions: Annotated[Many[DisplayText], Dispensable()] = Field(default_factory=list)
    operator: Annotated[BusinessDetails | None, Dispensable()] = None
    suboperator: Annotated[BusinessDetails | None, Dispensable()] = None
    owner: Annotated[BusinessDetails | None, Dispensable()] = None
    facilities: Many[Annotated[Facility, Descriptive()]] = Field(default_factory=list)
    time_zone: Annotated[str, Text(255)]
    opening_times: Annotated[Hours | None, Dispensable()] = None
    charging_when_closed: bool | None = None
    images: Annotated[Many[Image], Dispensable()] = Field(default_factory=list)
    energy_mix: Annotated[EnergyMix | None, Dispensable()] = None
    last_updated: DateTime
