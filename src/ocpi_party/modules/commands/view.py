"""Commands as the operator sees them."""

from collections.abc import Sequence

from ocpi_party.database import ReadTx, Row
from ocpi_party.modules.callbacks import view
from ocpi_party.modules.callbacks.view import json_of, party_of
from ocpi_party.modules.charge import BEGINS_WITHIN
from ocpi_party.modules.commands.sessions import started_by
from ocpi_party.ocpi.command import CommandResponseType, CommandType
from ocpi_party.ocpi.types import JsonObject, decode, now, wire_time


def inbound_view(row: Row) -> JsonObject:
    """A command that a charge point of ours must carry out.

    error        why the operator's system did not say whether it takes it; the eMSP is only told that it is rejected
    reservation  the id that the station is told instead of the eMSP's
    """
    reservation = {} if row["number"] is None else {"reservation": row["number"]}
    return view.inbound_view(row, "command") | {"error": row["silence"]} | reservation


async def outbound_views(tx: ReadTx, rows: Sequence[Row]) -> list[JsonObject]:
    """Commands that we sent, with the Sessions that they led to."""
    requests = {row["id"]: json_of(row["request"]) for row in rows}
    references = {
        id_: one["authorization_reference"] for id_, one in requests.items() if "authorization_reference" in one
    }
    sessions = await started_by(tx, references)
    return [_outbound(row, sessions.get(row["id"])) for row in rows]


def _outbound(row: Row, session: bytes | None) -> JsonObject:
    sent = view.outbound_view(row, "command")
    if row["kind"] == CommandType.START_SESSION:
        # Only the Session tells that it has begun, neither the response nor the result (CMD-S-06).
        sent["session"] = None if session is None else decode(session)
        sent["started"] = True if session is not None else False if _is_over(row, sent["results"]) else None
    return sent


def _is_over(row: Row, results: list[JsonObject]) -> bool:
    if row["state"] in ("REFUSED", "FAILED"):
        return True
    refused = bool(results) and results[-1]["result"]["result"] not in (CommandResponseType.ACCEPTED, "TIMEOUT")
    return refused or now() > row["deadline"] + BEGINS_WITHIN


def reservation_view(row: Row) -> JsonObject:
    """A reservation at a charge point of ours. id  what the station is told"""
    return {
        "id": row["id"],
        "state": row["state"],
        "partner": row["partner_id"],
        "ours": party_of(row["ours"]),
        "theirs": party_of(row["theirs"]),
        "command": row["request_id"],
        "request": json_of(row["document"]),
        "expires_at": wire_time(row["expires_at"]),
    }
