"""Whether a party behind a hub can be reached. OCPI 2.2.1, HubClientInfo."""

from enum import StrEnum
from typing import Annotated

from ocpi_party.ocpi.fields import Control, CountryCode, DateTime, Descriptive, MayBeMissing, PartyCode
from ocpi_party.ocpi.modules import Role
from ocpi_party.ocpi.types import House, now, wire_time


class ConnectionStatus(StrEnum):
    CONNECTED = "CONNECTED"
    OFFLINE = "OFFLINE"
    PLANNED = "PLANNED"
    SUSPENDED = "SUSPENDED"


class ClientInfo(House):
    """Hubs leave out last_updated, as the example of the specification does: it is the time of receipt then."""

    party_id: PartyCode
    country_code: CountryCode
    role: Annotated[Role, Descriptive(Role.OTHER)]
    status: Annotated[ConnectionStatus, Control()]
    last_updated: Annotated[DateTime, MayBeMissing(lambda: wire_time(now()), kept=True)]
