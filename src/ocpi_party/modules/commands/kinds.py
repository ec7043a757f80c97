"""The commands, and the object of each. OCPI 2.2.1, Commands, "CommandType"."""

from collections.abc import Mapping
from typing import Final

from ocpi_party.ocpi.command import (
    CancelReservation,
    CommandResult,
    CommandType,
    ReserveNow,
    StartSession,
    StopSession,
    UnlockConnector,
)
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.evse import Capability
from ocpi_party.ocpi.types import House, JsonObject, fold

KINDS: Final[Mapping[CommandType, type[House]]] = {
    CommandType.CANCEL_RESERVATION: CancelReservation,
    CommandType.RESERVE_NOW: ReserveNow,
    CommandType.START_SESSION: StartSession,
    CommandType.STOP_SESSION: StopSession,
    CommandType.UNLOCK_CONNECTOR: UnlockConnector,
}
RESULTS: Final[Mapping[str, type[House]]] = {str(command): CommandResult for command in CommandType}
WITH_TOKEN: Final = frozenset({CommandType.START_SESSION, CommandType.RESERVE_NOW})
ENDING: Final = frozenset({CommandType.STOP_SESSION, CommandType.CANCEL_RESERVATION})
"""They end what was begun, and so come through whatever the operator switched off for the partner meanwhile."""
AT_LOCATION: Final = WITH_TOKEN | {CommandType.UNLOCK_CONNECTOR}
NEEDED: Final[Mapping[CommandType, Capability]] = {
    CommandType.START_SESSION: Capability.REMOTE_START_STOP_CAPABLE,
    CommandType.RESERVE_NOW: Capability.RESERVABLE,
    CommandType.UNLOCK_CONNECTOR: Capability.UNLOCK_CAPABLE,
}
"""What an EVSE has to be capable of. Whoever started a session may ask to stop it: the charge point decides."""


def command_named(segment: str) -> CommandType:
    """Raises UnknownObject, if there is no such command (CMD-R-22)."""
    try:
        return CommandType(fold(segment))
    except ValueError:
        raise UnknownObject(f"the command {segment}") from None


def subject_of(command: CommandType, document: JsonObject) -> str:
    """What a command is about: a location's, a session's or a reservation's id."""
    if command in AT_LOCATION:
        return str(document["location_id"])
    return str(document["session_id" if command is CommandType.STOP_SESSION else "reservation_id"])
