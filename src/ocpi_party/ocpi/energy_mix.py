"""Where the energy comes from. OCPI 2.2.1, Locations, "EnergyMix class"."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ocpi_party.ocpi.fields import Descriptive, FreeText, Many, Number
from ocpi_party.ocpi.types import House


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
