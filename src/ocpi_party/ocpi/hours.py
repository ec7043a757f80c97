"""Opening hours as they are given. OCPI 2.2.1, Locations, "Hours class"."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from ocpi_party.ocpi.fields import DateTime, Integer, Many, TimeOfDay
from ocpi_party.ocpi.types import House, broken


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
