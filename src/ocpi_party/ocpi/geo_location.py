"""Where something is. OCPI 2.2.1, Locations, "GeoLocation" and "AdditionalGeoLocation"."""

from typing import Annotated

from ocpi_party.ocpi.fields import Coordinate, Dispensable
from ocpi_party.ocpi.types import DisplayText, House


class GeoLocation(House):
    latitude: Annotated[str, Coordinate(90)]
    longitude: Annotated[str, Coordinate(180)]


class AdditionalGeoLocation(House):
    latitude: Annotated[str, Coordinate(90)]
    longitude: Annotated[str, Coordinate(180)]
    name: Annotated[DisplayText | None, Dispensable()] = None
