"""Requests about charging profiles as the operator sees them."""

from typing import Any

from ocpi_party.database import Row
from ocpi_party.ocpi.types import JsonObject, PartyId, decode, wire_time


def _json(text: str | None) -> Any:
    return None if text is None else decode(text.encode())


def _party(written: str) -> JsonObject | None:
    return PartyId.parse(written)._asdict() if written else None


def _common(row: Row, direction: str) -> JsonObject:
    return {
        "id": row["id"],
        "direction": direction,
        "kind": row["kind"],
        "state": row["state"],
        "partner": row["partner_id"],
        "ours": _party(row["ours"]),
        "theirs": _party(row["theirs"]),
        "request": _json(row["request"]),
        "response": _json(row["response"]),
        "deadline": wire_time(row["deadline"]),
    }


def inbound_view(row: Row) -> JsonObject:
    """What a Sender asked of an EVSE of ours."""
    view = _common(row, "inbound") | {"received_at": wire_time(row["received_at"]), "result": _json(row["result"])}
    if row["delivery"] is not None:
        view["delivery"] = {"state": row["delivery"], "attempts": row["attempts"], "error": row["error"]}
    return view


def outbound_view(row: Row) -> JsonObject:
    """What we asked of a CPO."""
    results = _json(row["results"])
    return _common(row, "outbound") | {
        "sent_at": wire_time(row["sent_at"]),
        "error": row["error"],
        "result": results[-1]["result"] if results else None,
        "results": results,
    }
