"""What a partner's CDRs may lack, by agreement only: times, the EVSE, the party of the driver. OCPI 2.2.1, CDRs, "CDR Object"."""

from collections.abc import Mapping
from typing import Any

from ocpi_party.dialects.dialect import Dialect, Reading
from ocpi_party.dialects.tolerance import Finding
from ocpi_party.modules.drivers import with_driver
from ocpi_party.ocpi.cdr import Cdr
from ocpi_party.ocpi.types import JsonObject

UNKNOWN = "1970-01-01T00:00:00Z"
_SPELLINGS = (UNKNOWN, "1970-1-1T00:00:00Z")
_KNOWN = "2000-01-01T00:00:00Z"
_NO_EVSE = Finding("/cdr_location/evse_uid", "is required; taken without it, as agreed")


def read_cdr(spoken: Dialect, wire: object, quirks: Mapping[str, Any]) -> Reading:
    """A partner's CDR in the house form. Raises InvalidObject

    quirks  with `unknown_times` its times may be unknown, with `cdrs_without_evse_uid` its cdr_location may name no EVSE,
            with `cdr_tokens_of` its cdr_token no party
    """
    if not isinstance(wire, dict):
        return spoken.read(Cdr, wire)
    wire, without_driver = with_driver(wire, quirks)
    unknown = _unknown_times(wire) if quirks.get("unknown_times") else {}
    without_evse = bool(quirks.get("cdrs_without_evse_uid")) and _names_no_evse(wire)
    # The check sees something in their place, so that all the rest is checked as ever.
    stand_in = wire | dict.fromkeys(unknown, _KNOWN)
    if without_evse:
        stand_in |= {"cdr_location": wire["cdr_location"] | {"evse_uid": "unknown"}}
    reading = spoken.read(Cdr, stand_in)
    document, findings = reading.document | unknown, (*reading.findings, *without_driver)
    if without_evse:
        place = {name: value for name, value in document["cdr_location"].items() if name != "evse_uid"}
        document, findings = document | {"cdr_location": place}, (*findings, _NO_EVSE)
    return Reading(document, findings)


def _unknown_times(wire: JsonObject) -> dict[str, str]:
    return {name: UNKNOWN for name in ("start_date_time", "end_date_time") if wire.get(name) in _SPELLINGS}


def _names_no_evse(wire: JsonObject) -> bool:
    place = wire.get("cdr_location")
    return isinstance(place, dict) and place.get("evse_uid") is None
