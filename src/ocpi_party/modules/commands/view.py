"""Commands as the operator sees them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from ocpi_party.database import ReadTx, Row
from ocpi_party.modules.commands.sessions import started_by
from ocpi_party.ocpi.command import CommandResponseType, CommandType
from ocpi_party.ocpi.types import JsonObject, PartyId, decode, fold, now, wire_time

START_WITHIN: Final = timedelta(minutes=15)
"""A session that has not begun by then will not: so long is the token of a command good at the charge point."""


def _json(text: str | None) -> Any:
    return None if text is None else decode(text.encode())


def _party(written: str) -> JsonObject | None:
    if not written:
        return None
    country_code, party_id = PartyId.parse(written)
    return {"country_code": country_code, "party_id": party_id}


def _common(row: Row, direction: str) -> JsonObject:
    return {
        "id": row["id"],
        "direction": direction,
        "command": row["kind"],
        "state": row["state"],
        "partner": row["partner_id"],
        "ours": _party(row["ours"]),
        "theirs": _party(row["theirs"]),
        "request": _json(row["request"]),
        "response": _json(row["response"]),
        "deadline": wire_time(row["deadline"]),
    }


def inbound_view(row: Row) -> JsonObject:
    """A command that a charge point of ours must carry out. reservation  the id that the station is told instead of the eMSP's"""
    view = _common(row, "inbound") | {"received_at": wire_time(row["received_at"]), "result": _json(row["result"])}
    if row["number"] is not None:
        view["reservation"] = row["number"]
    if row["delivery"] is not None:
        view["delivery"] = {"state": row["delivery"], "attempts": row["attempts"], "error": row["error"]}
    return view


async def outbound_views(tx: ReadTx, rows: Sequence[Row]) -> list[JsonObject]:
    """Commands that we sent, with the Sessions that they led to."""
    requests = {row["id"]: _json(row["request"]) for row in rows}
    references = {id_: fold(one.get("authorization_reference") or "") for id_, one in requests.items()}
    sessions = await started_by(tx, [one for one in references.values() if one])
    return [_outbound(row, sessions.get((row["partner_id"], references[row["id"]]))) for row in rows]


def _outbound(row: Row, session: bytes | None) -> JsonObject:
    results = _json(row["results"])
    view = _common(row, "outbound") | {
        "sent_at": wire_time(row["sent_at"]),
        "error": row["error"],
        "result": results[-1]["result"] if results else None,
        "results": results,
    }
    if row["kind"] == CommandType.START_SESSION:
        # Only the Session tells that it has begun, neither the response nor the result (CMD-S-06).
        view["session"] = None if session is None else decode(session)
        view["started"] = True if session is not None else False if _is_over(row, results) else None
    return view


def _is_over(row: Row, results: list[JsonObject]) -> bool:
    if row["state"] in ("REFUSED", "FAILED"):
        return True
    refused = bool(results) and results[-1]["result"]["result"] not in (CommandResponseType.ACCEPTED, "TIMEOUT")
    return refused or now() > row["deadline"] + START_WITHIN


def reservation_view(row: Row) -> JsonObject:
    """A reservation at a charge point of ours. id  what the station is told"""
    return {
        "id": row["id"],
        "state": row["state"],
        "partner": row["partner_id"],
        "ours": _party(row["ours"]),
        "theirs": _party(row["theirs"]),
        "command": row["request_id"],
        "request": _json(row["document"]),
        "expires_at": wire_time(row["expires_at"]),
    }
