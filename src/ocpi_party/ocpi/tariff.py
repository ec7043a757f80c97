"""What charging costs. OCPI 2.2.1, Tariffs."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ocpi_party.ocpi.energy_mix import EnergyMix
from ocpi_party.ocpi.fields import (
    CountryCode,
    Currency,
    DateTime,
    Descriptive,
    Dispensable,
    Id36,
    Int,
    LocalDate,
    Many,
    Number,
    PartyCode,
    Some,
    TimeOfDay,
    Url,
)
from ocpi_party.ocpi.types import DisplayText, House, Price


class DayOfWeek(StrEnum):
    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


class ReservationRestrictionType(StrEnum):
    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


class TariffDimensionType(StrEnum):
    ENERGY = "ENERGY"
    FLAT = "FLAT"
    PARKING_TIME = "PARKING_TIME"
    TIME = "TIME"


class TariffType(StrEnum):
    AD_HOC_PAYMENT = "AD_HOC_PAYMENT"
    PROFILE_CHEAP = "PROFILE_CHEAP"
    PROFILE_FAST = "PROFILE_FAST"
    PROFILE_GREEN = "PROFILE_GREEN"
    REGULAR = "REGULAR"


class PriceComponent(House):
    """An absent vat means that no VAT applies, which is not 0 %; a step_size of 0 means 1."""

    type: Annotated[TariffDimensionType, Descriptive()]
    price: Number
    vat: Number | None = None
    step_size: Int


class TariffRestrictions(House):
    """All that are given have to hold. Beginnings and minima are inclusive, ends and maxima exclusive."""

    start_time: TimeOfDay | None = None
    end_time: TimeOfDay | None = None
    start_date: LocalDate | None = None
    end_date: LocalDate | None = None
    min_kwh: Number | None = None
    max_kwh: Number | None = None
    min_current: Number | None = None
    max_current: Number | None = None
    min_power: Number | None = None
    max_power: Number | None = None
    min_duration: Int | None = None
    max_duration: Int | None = None
    day_of_week: Many[Annotated[DayOfWeek, Descriptive()]] = Field(default_factory=list)
    reservation: Annotated[ReservationRestrictionType, Descriptive()] | None = None


class TariffElement(House):
    price_components: Some[PriceComponent]
    restrictions: TariffRestrictions | None = None


class Tariff(House):
    """Owned by a CPO. The first element that matches counts, dimension by dimension."""

    country_code: CountryCode
    party_id: PartyCode
    id: Id36
    currency: Currency
    type: Annotated[TariffType, Descriptive()] | None = None
    tariff_alt_text: Annotated[Many[DisplayText], Dispensable()] = Field(default_factory=list)
    tariff_alt_url: Url | None = None
    min_price: Price | None = None
    max_price: Price | None = None
    elements: Some[TariffElement]
    start_date_time: DateTime | None = None
    end_date_time: DateTime | None = None
    energy_mix: Annotated[EnergyMix | None, Dispensable()] = None
    last_updated: DateTime
