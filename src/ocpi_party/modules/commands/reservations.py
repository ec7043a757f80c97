"""Reservations at our charge points: one for each id of an eMSP at a Location, under a number of ours (CMD-R-15, CMD-R-16)."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.dialects.dialect import read_own
from ocpi_party.modules.callbacks import inbound
from ocpi_party.ocpi.command import CommandResult, CommandResultType, CommandType
from ocpi_party.ocpi.errors import Refusal, UnknownObject
from ocpi_party.ocpi.types import JsonObject, encode, fold, now, parse_time
from ocpi_party.owned.listing import Window


class NotCancelable(Refusal):
    """The reservation has no result yet, is over, or was canceled before."""


@dataclass(frozen=True, slots=True)
class Whose:
    """An eMSP behind a connection, "" if it did not say which, and the CPO of ours it deals with."""

    partner_id: int
    ours: str
    theirs: str


_IN_FORCE = "r.state = 'ACTIVE' AND r.expires_at > now()"
_CLAIM = Statement(
    f"""INSERT INTO reservations AS r
         (partner_id, ours, theirs, location_key, reservation_key, document, expires_at)
       VALUES (:partner_id, :ours, :theirs, :location_key, :reservation_key, CAST(:document AS json), :expires_at)
       ON CONFLICT ON CONSTRAINT reservations_key DO UPDATE
          SET state = CASE WHEN {_IN_FORCE} THEN r.state ELSE excluded.state END,
              document = CASE WHEN {_IN_FORCE} THEN r.document ELSE excluded.document END,
              expires_at = CASE WHEN {_IN_FORCE} THEN r.expires_at ELSE excluded.expires_at END
       RETURNING id"""
)
_ASK = Statement("UPDATE reservations SET request_id = :request_id WHERE id = :id AND state = 'REQUESTED'")
_FIND = Statement(
    """SELECT id, document ->> 'location_id' AS location_id FROM reservations
        WHERE partner_id = :partner_id AND ours = :ours AND (:theirs = '' OR theirs = :theirs) AND reservation_key = :key
          AND state IN ('REQUESTED', 'ACTIVE') AND expires_at > now() ORDER BY id"""
)
# The eMSP may have canceled it before the result came: only a RESERVE_NOW that comes after that makes it anew.
_ACCEPTED = Statement(
    """UPDATE reservations SET state = 'ACTIVE', request_id = :request_id, document = q.request,
              expires_at = CAST(q.request ->> 'expiry_date' AS timestamptz)
         FROM inbound_requests q
        WHERE reservations.id = :id AND q.id = :request_id AND reservations.state <> 'WITHDRAWN'"""
)
_FAILED = Statement(
    "UPDATE reservations SET state = 'FAILED' WHERE id = :id AND request_id = :request_id AND state = 'REQUESTED'"
)
_WITHDRAWN = Statement(
    "UPDATE reservations SET state = 'WITHDRAWN' WHERE id = :id AND state IN ('REQUESTED', 'ACTIVE')"
)


async def claim(tx: WriteTx, whose: Whose, command: JsonObject) -> int:
    """Our number for the reservation of a RESERVE_NOW: the one it has already, or a new one."""
    number: int = await tx.value(
        _CLAIM,
        partner_id=whose.partner_id,
        ours=whose.ours,
        theirs=whose.theirs,
        location_key=fold(command["location_id"]),
        reservation_key=fold(command["reservation_id"]),
        document=encode(command).decode(),
        expires_at=parse_time(command["expiry_date"]),
    )
    return number


async def asked_by(tx: WriteTx, number: int, request_id: int) -> None:
    """The RESERVE_NOW that made it. One that is active keeps the old one until the new one is accepted."""
    await tx.run(_ASK, id=number, request_id=request_id)


async def find(tx: ReadTx, whose: Whose, reservation_id: str) -> dict[int, str]:
    """An eMSP's reservations with this id that are not over: our number of each, and its Location.

    There are several, if the eMSP used the id at several Locations, or did not say which of its parties it is.
    """
    rows = await tx.rows(
        _FIND, partner_id=whose.partner_id, ours=whose.ours, theirs=whose.theirs, key=fold(reservation_id)
    )
    return {row["id"]: row["location_id"] for row in rows}


async def resulted(tx: WriteTx, request: Row, result: str) -> None:
    """A RESERVE_NOW or CANCEL_RESERVATION has its result."""
    if request["number"] is None:
        return
    accepted, given = result == CommandResultType.ACCEPTED, {"id": request["number"], "request_id": request["id"]}
    if request["kind"] == CommandType.RESERVE_NOW:
        await tx.run(_ACCEPTED if accepted else _FAILED, **given)
    elif accepted:
        await tx.run(_WITHDRAWN, id=request["number"])


class ReservationState(StrEnum):
    """How far it is. TIMED_OUT: nobody knows whether the station took it; WITHDRAWN by the eMSP, CANCELED by us"""

    REQUESTED = "REQUESTED"
    TIMED_OUT = "TIMED_OUT"
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"
    WITHDRAWN = "WITHDRAWN"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


CANCELABLE: Final = (ReservationState.ACTIVE, ReservationState.TIMED_OUT)
"""What a station may be keeping an EVSE for."""

# A reservation ends, and its command times out, without anybody touching its row.
_STATE = """CASE WHEN r.state NOT IN ('REQUESTED', 'ACTIVE') THEN r.state
                 WHEN r.expires_at <= now() THEN 'EXPIRED'
                 WHEN r.state = 'REQUESTED' AND q.state = 'TIMED_OUT' THEN 'TIMED_OUT'
                 ELSE r.state END"""
_COLUMNS = f"r.id, r.partner_id, r.ours, r.theirs, {_STATE} AS state, r.request_id, r.document, r.expires_at"
_FROM = "reservations r LEFT JOIN inbound_requests q ON q.id = r.request_id"
_LOCK = Statement(f"SELECT {_COLUMNS} FROM {_FROM} WHERE r.id = :id FOR UPDATE OF r")
_CANCEL = Statement("UPDATE reservations SET state = 'CANCELED' WHERE id = :id")
_WHERE = f"""(CAST(:state AS text) IS NULL OR {_STATE} = :state)
            AND r.expires_at >= COALESCE(CAST(:date_from AS timestamptz), '-infinity')
            AND r.expires_at < COALESCE(CAST(:date_to AS timestamptz), 'infinity')"""
_PAGE = Statement(f"SELECT {_COLUMNS} FROM {_FROM} WHERE {_WHERE} ORDER BY r.id DESC OFFSET :offset LIMIT :limit")
_COUNT = Statement(f"SELECT count(*) FROM {_FROM} WHERE {_WHERE}")


async def cancel(tx: WriteTx, number: int, body: JsonObject, keep_trying: timedelta) -> None:
    """We cancel a reservation, which is not to be taken lightly: the eMSP hears of it where it heard of the RESERVE_NOW.

    body    message for the driver, or nothing
    Raises  UnknownObject; NotCancelable; InvalidObject
    """
    result = read_own(CommandResult, body | {"result": CommandResultType.CANCELED_RESERVATION})
    row = await tx.row(_LOCK, id=number)
    if row is None:
        raise UnknownObject(f"reservation {number}")
    if row["state"] not in CANCELABLE:
        raise NotCancelable("the reservation is not in force: it has no result yet, is over, or was ended before")
    await tx.run(_CANCEL, id=number)
    give_up_at = max(now() + keep_trying, row["expires_at"])
    await inbound.add_result(tx, row["request_id"], encode(result), give_up_at)


async def page(tx: ReadTx, wanted: Window, *, state: ReservationState | None) -> tuple[list[Row], int]:
    """Reservations that end in a window, newest first, and how many there are."""
    given: dict[str, Any] = {"state": state, "date_from": wanted.date_from, "date_to": wanted.date_to}
    return await tx.rows(_PAGE, **given, offset=wanted.offset, limit=wanted.limit), await tx.value(_COUNT, **given)
