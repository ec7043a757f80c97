"""Requests with a result, as the operator sees them: what commands and charging profiles have in common."""

from typing import Any

from ocpi_party.database import Row
from ocpi_party.ocpi.types import JsonObject, PartyId, decode, wire_time


def json_of(text: str | None) -> Any:
    return None if text is None else decode(text.encode())


def party_of(written: str) -> JsonObject | None:
    return PartyId.parse(written)._asdict() if written else None


def inbound_view(row: Row, kind: str) -> JsonObject:
    """What a partner asked of us. kind  under which name its kind is shown"""
    view = _common(row, "inbound", kind)
    view |= {"received_at": wire_time(row["received_at"]), "result": json_of(row["result"])}
    if row["delivery"] is not None:
        view["delivery"] = {"state": row["delivery"], "attempts": row["attempts"], "error": row["error"]}
    return view


def outbound_view(row: Row, kind: str) -> JsonObject:
    """What we asked of a partner. kind  under which name its kind is shown"""
    results = json_of(row["results"])
    return _common(row, "outbound", kind) | {
        "sent_at": wire_time(row["sent_at"]),
        "error": row["error"],
        "result": results[-1]["result"] if results else None,
        "results": results,
    }


def _common(row: Row, direction: str, kind: str) -> JsonObject:
    return {
        "id": row["id"],
        "direction": direction,
        kind: row["kind"],
        "state": row["state"],
        "partner": row["partner_id"],
        "ours": party_of(row["ours"]),
        "theirs": party_of(row["theirs"]),
        "request": json_of(row["request"]),
        "response": json_of(row["response"]),
        "deadline": wire_time(row["deadline"]),
    }
