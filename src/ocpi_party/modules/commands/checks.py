"""What we answer to a command at once: whether we pass it on to the charge point. OCPI 2.2.1, Commands, "CommandResponse".

Raised is what is malformed (2001); what is well formed and yet not done is a Verdict (AMB-54).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ocpi_party.database import ReadTx
from ocpi_party.modules.commands import reservations
from ocpi_party.modules.commands.kinds import AT_LOCATION, NEEDED, WITH_TOKEN
from ocpi_party.modules.commands.reservations import Whose
from ocpi_party.modules.commands.sessions import own_session
from ocpi_party.modules.locations import repository as locations
from ocpi_party.ocpi.command import CommandResponseType, CommandType
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.evse import Capability, Status
from ocpi_party.ocpi.session import SessionStatus
from ocpi_party.ocpi.types import JsonObject, PartyId, decode, fold, now, parse_time
from ocpi_party.transport.asked import Asked

_OVER: Final = (SessionStatus.COMPLETED, SessionStatus.INVALID)


@dataclass(frozen=True, slots=True)
class Verdict:
    """why  in words, "" for a command that is passed on; unknown_location  told with status code 2003"""

    result: CommandResponseType
    why: str = ""
    unknown_location: bool = False


ACCEPTED: Final = Verdict(CommandResponseType.ACCEPTED)


def _rejected(why: str) -> Verdict:
    return Verdict(CommandResponseType.REJECTED, why)


async def verdict(tx: ReadTx, asked: Asked, command: CommandType, document: JsonObject) -> Verdict:
    """Raises InvalidObject, if a connector is missing that this EVSE requires"""
    if command in WITH_TOKEN and not _is_own_token(asked, document["token"]):
        return _rejected("the token belongs to another eMSP")
    if command is CommandType.RESERVE_NOW and parse_time(document["expiry_date"]) <= now():
        return _rejected("expiry_date has passed")
    if command in AT_LOCATION:
        return await _at_location(tx, asked, command, document)
    if command is CommandType.STOP_SESSION:
        return await _of_session(tx, asked, document["session_id"])
    if command is CommandType.CANCEL_RESERVATION:
        return await _of_reservation(tx, asked, document["reservation_id"])
    return ACCEPTED


def _is_own_token(asked: Asked, token: Mapping[str, Any]) -> bool:
    # Whether the token is valid, or known, is none of our business: the eMSP has authorized it (CMD-R-11).
    owner = PartyId(token["country_code"], token["party_id"]).folded()
    return owner == asked.sender if asked.sender is not None else asked.may_own(owner)


async def _of_session(tx: ReadTx, asked: Asked, session_id: str) -> Verdict:
    session = await own_session(tx, str(asked.addressee), session_id)
    if session is None:
        return Verdict(CommandResponseType.UNKNOWN_SESSION, "we have no such session")
    if session["audience"] not in asked.asking:
        return _rejected("the session belongs to another eMSP")
    return _rejected("the session is over") if session["status"] in _OVER else ACCEPTED


async def _of_reservation(tx: ReadTx, asked: Asked, reservation_id: str) -> Verdict:
    # One that is unknown is the result, and no refusal (CMD-R-19). The ids of an eMSP are kept apart by Location, but the
    # command names none: another driver must not lose a reservation because somebody guessed.
    whose = Whose(asked.partner.id, str(asked.addressee), str(asked.sender or ""))
    places = (await reservations.find(tx, whose, reservation_id)).values()
    if len(places) < 2:
        return ACCEPTED
    if not whose.theirs:
        return _rejected("several reservations have this id: OCPI-from must say whose is meant")
    return _rejected(f"several reservations have this id, at {' and '.join(places)}")


def _unknown(why: str) -> Verdict:
    return Verdict(CommandResponseType.REJECTED, why, unknown_location=True)


async def _at_location(tx: ReadTx, asked: Asked, command: CommandType, document: JsonObject) -> Verdict:
    found = await locations.own(tx, document["location_id"], None, [str(asked.addressee)], asked.audiences)
    if not found:
        return _unknown("we have no such location")
    location: Any = decode(found[0])
    evses = [evse for evse in location.get("evses", []) if evse["status"] != Status.REMOVED]
    uid = document.get("evse_uid")
    if uid is not None:
        evses = [evse for evse in evses if fold(evse["uid"]) == fold(uid)]
        if not evses:
            return _unknown("the location has no such EVSE")
        connector = _of_connector(command, evses[0], document.get("connector_id"))
        if connector is not None:
            return connector
    capability = NEEDED[command]
    if not any(capability in evse.get("capabilities", []) for evse in evses):
        return Verdict(CommandResponseType.NOT_SUPPORTED, f"no EVSE that is meant is {capability}")
    return ACCEPTED


def _of_connector(command: CommandType, evse: JsonObject, connector_id: str | None) -> Verdict | None:
    if connector_id is None:
        required = Capability.START_SESSION_CONNECTOR_REQUIRED in evse.get("capabilities", [])
        if command is CommandType.START_SESSION and required:
            raise InvalidObject("/connector_id", "is required by this EVSE (START_SESSION_CONNECTOR_REQUIRED)")
        return None
    known = {fold(connector["id"]) for connector in evse["connectors"]}
    return None if fold(connector_id) in known else _unknown("the EVSE has no such connector")
