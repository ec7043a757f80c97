"""Start and end "unknown": 1970-01-01T00:00:00Z, by agreement only. OCPI 2.2.1, CDRs, "CDR Object", start_date_time."""

from collections.abc import Mapping
from typing import Any

from ocpi_party.dialects.dialect import Dialect, Reading
from ocpi_party.ocpi.cdr import Cdr

UNKNOWN = "1970-01-01T00:00:00Z"
_SPELLINGS = (UNKNOWN, "1970-1-1T00:00:00Z")
_KNOWN = "2000-01-01T00:00:00Z"


def read_cdr(spoken: Dialect, wire: object, quirks: Mapping[str, Any]) -> Reading:
    """A partner's CDR in the house form. With the quirk `unknown_times` its times may be unknown. Raises InvalidObject"""
    agreed = bool(quirks.get("unknown_times"))
    if not agreed or not isinstance(wire, dict):
        return spoken.read(Cdr, wire)
    unknown = [name for name in ("start_date_time", "end_date_time") if wire.get(name) in _SPELLINGS]
    # The check sees a moment in their place, so that all the rest is checked as ever.
    reading = spoken.read(Cdr, wire | dict.fromkeys(unknown, _KNOWN))
    return Reading(reading.document | dict.fromkeys(unknown, UNKNOWN), reading.findings)
