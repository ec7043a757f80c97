"""A charge at one of our charge points, as far as its Session and its CDR say the same."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ocpi_party.ocpi.types import JsonObject, PartyId, fold
from ocpi_party.pricing.reservation import NOT_AVAILABLE

BEGINS_WITHIN: Final = timedelta(minutes=15)
"""What has not begun by then will not: so long is the token of a command good at the charge point."""

CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""By so much a charge may seem to begin before what led to it, or to end before what came in it."""


@dataclass(frozen=True, slots=True)
class Charge:
    """owner  our CPO, COUNTRY*PARTY; session  its id, "" if it is not known"""

    owner: str
    session: str
    cdr_token: JsonObject
    auth_method: str
    location_id: str
    evse_uid: str
    began: datetime

    @property
    def emsp(self) -> str:
        """The owner of the token, COUNTRY*PARTY."""
        return str(PartyId(self.cdr_token["country_code"], self.cdr_token["party_id"]).folded())

    @property
    def location(self) -> str:
        """As ids are compared."""
        return fold(self.location_id)

    @property
    def evse(self) -> str | None:
        """As ids are compared; None for a reservation that holds none."""
        return None if self.evse_uid == NOT_AVAILABLE else fold(self.evse_uid)
