"""What becomes of a session: its status and its end. OCPI 2.2.1, Sessions, "SessionStatus"."""

from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.session import SessionStatus
from ocpi_party.ocpi.types import JsonObject, parse_time

FINAL = frozenset({SessionStatus.COMPLETED, SessionStatus.INVALID})
_BEFORE_CHARGING = frozenset({SessionStatus.PENDING, SessionStatus.RESERVATION})


def must_not_reopen(known: JsonObject, then: JsonObject) -> None:
    """Raise InvalidObject, if a finished session would go on; costs and other late facts may follow its end (AMB-45)."""
    status = then.get("status", known["status"])
    if known["status"] in FINAL and status not in FINAL:
        raise InvalidObject("/status", f"is {known['status']}, and a session that has ended does not become {status}")


def ends_before_its_start(session: JsonObject) -> bool:
    end = session.get("end_date_time")
    return end is not None and parse_time(end) < parse_time(session["start_date_time"])


def starts_charging(known: JsonObject, changes: JsonObject) -> bool:
    """Whether a session that was announced or reserved becomes ACTIVE: then start_date_time becomes that moment."""
    return known["status"] in _BEFORE_CHARGING and changes.get("status") == SessionStatus.ACTIVE
