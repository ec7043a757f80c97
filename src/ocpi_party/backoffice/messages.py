"""The OCPI messages exchanged with partners, secrets masked."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from ocpi_party.backoffice.answers import as_json
from ocpi_party.backoffice.authorization import READ, CurrentBuilding
from ocpi_party.backoffice.lists import LISTED, answer, asked_for
from ocpi_party.database import Row
from ocpi_party.messages import repository
from ocpi_party.messages.repository import Wanted
from ocpi_party.ocpi.errors import InvalidParameter, UnknownObject, UnreadableJson
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, decode, wire_time
from ocpi_party.transport.asked import Building

router = APIRouter(prefix="/messages", tags=["messages"], dependencies=[READ])

Text = Annotated[str | None, Query(max_length=300)]
Number = Annotated[int | None, Query(ge=1, le=2**62)]


@router.get("", dependencies=[LISTED])
async def list_messages(
    request: Request,
    building: CurrentBuilding,
    partner: Number = None,
    direction: Annotated[Literal["inbound", "outbound"] | None, Query(description="who asked: they, or we")] = None,
    module: ModuleId | None = None,
    about: Annotated[
        str | None,
        Query(alias="object", max_length=300, description="COUNTRY*PARTY/id, or its beginning up to a slash"),
    ] = None,
    correlation_id: Text = None,
    request_id: Text = None,
    status: Annotated[str | None, Query(description="ok, failed, or a status code of HTTP or OCPI")] = None,
) -> Response:
    """Messages without bodies, newest first. X-Total-Count counts to 10000 and no further."""
    asked = asked_for(request, building)
    wanted = Wanted(
        partner, direction, module, about, correlation_id, request_id, *_status(status), asked.date_from, asked.date_to,
        before=asked.after,
    )  # fmt: skip
    await written(building)
    skip = 0 if asked.after is not None else asked.offset
    async with building.database.read() as tx:
        rows = await repository.page(tx, wanted, offset=skip, limit=asked.limit + 1)
        total = await repository.count(tx, replace(wanted, before=None))
    shown = rows[: asked.limit]
    last = shown[-1]["id"] if shown else None
    views = [view(row) for row in shown]
    return answer(request, building, asked, views, total, last=last, goes_on=len(rows) > asked.limit)


@router.get("/{message_id}")
async def get_message(building: CurrentBuilding, message_id: Annotated[int, Path(ge=1, le=2**62)]) -> Response:
    """One message with its bodies: as JSON where they are JSON, else as text."""
    await written(building)
    async with building.database.read() as tx:
        row = await repository.get(tx, message_id)
    if row is None:
        raise UnknownObject(f"message {message_id}")
    bodies = {"body": _body(row, "body"), "answer": _body(row, "answer")}
    return as_json(view(row) | bodies)


async def written(building: Building) -> None:
    """What this process has seen by now can be read."""
    if building.messages is not None:
        await building.messages.flush()


def view(row: Row) -> JsonObject:
    """A message as the operator reads it; seconds is how long it took."""
    named = ("id", "direction", "module", "method", "url", "request_id", "correlation_id", "http_status", "ocpi_status")
    return {name: row[name] for name in named} | {
        "at": wire_time(row["at"]),
        "partner": row["partner_id"],
        "object": row["ref"],
        "from": row["sender"],
        "to": row["receiver"],
        "ok": row["ok"],
        "error": row["error"],
        "seconds": round(row["seconds"], 6),
        "body_bytes": row["body_bytes"],
        "answer_bytes": row["answer_bytes"],
    }


def _body(row: Row, name: str) -> Any:
    kept: bytes = row[name]
    if not kept:
        return None
    try:
        return decode(kept)
    except UnreadableJson:
        return kept.decode("utf-8", "replace")


def _status(status: str | None) -> tuple[bool | None, int | None]:
    if status is None or status in ("ok", "failed"):
        return (None if status is None else status == "ok"), None
    if not status.isascii() or not status.isdigit() or len(status) > 4:
        raise InvalidParameter("status", "must be ok, failed, or a status code")
    return None, int(status)
