"""What happened: a feed to read by sequence, and a stream of server-sent events."""

import json
import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from ocpi_party.backoffice.authorization import READ, CurrentBuilding
from ocpi_party.backoffice.errors import problem
from ocpi_party.backoffice.filters import TypeOfEvents
from ocpi_party.backoffice.lists import LISTED, answer, window_asked
from ocpi_party.database import DatabaseUnavailable, Row
from ocpi_party.events import repository
from ocpi_party.transport.asked import Building

log = logging.getLogger(__name__)

router = APIRouter(prefix="/events", tags=["events"], dependencies=[READ])

_BATCH = 200
_MOST, _LIMIT_MAX = 100, 1000
_KEEP_ALIVE_SECONDS = 15.0

After = Annotated[int, Query(ge=0, le=2**62, description="id of the last event that is known; 0: from the beginning")]
Types = Annotated[
    list[TypeOfEvents] | None, Query(alias="type", description="only these types; a * at the end matches the rest")
]


@router.get("", dependencies=[LISTED])
async def get_events(
    request: Request,
    building: CurrentBuilding,
    after: After = 0,
    types: Types = None,
    subject: Annotated[str | None, Query(max_length=200, description="only events about this object")] = None,
) -> Response:
    """The next events behind one, in order; ask again with the id of the last one. X-Total-Count counts to 10000."""
    page = window_asked(request, size=_MOST, size_max=_LIMIT_MAX)
    wanted = repository.Wanted(repository.patterns(types), subject, page.date_from, page.date_to)
    upto = await building.decided.upto()
    async with building.database.read() as tx:
        rows = await repository.after(tx, after, upto=upto, most=page.limit + 1, wanted=wanted, offset=page.offset)
        total = await repository.count(tx, after, upto=upto, wanted=wanted)
        if not rows:
            await repository.must_be_given(tx, after, "after")
    shown = [repository.cloud_event(row, building.public_url) for row in rows[: page.limit]]
    return answer(request, building, page, shown, total, goes_on=len(rows) > page.limit)


@router.get("/stream", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream_events(
    request: Request,
    building: CurrentBuilding,
    types: Types = None,
    after: Annotated[int | None, Query(ge=0, le=2**62, description="by default only what happens from now on")] = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$")] = None,
) -> Response:
    """Server-sent events; a client that reconnects with Last-Event-ID misses none."""
    if building.happenings.closed:
        return problem(503, "Stopping", "this process is stopping", headers={"retry-after": "1"})
    start, parameter = (after, "after") if last_event_id is None else (int(last_event_id), "last-event-id")
    async with building.database.read() as tx:
        if start is None:
            start = await repository.last(tx)
        else:
            await repository.must_be_given(tx, start, parameter)
    stream = _Stream(building, start, repository.Wanted(repository.patterns(types)))
    # Before the first byte: without a database the answer is 503, and no stream that breaks off.
    await stream.look()
    return StreamingResponse(
        stream.told(),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@dataclass(slots=True)
class _Stream:
    """Each reader has its own place in the sequence: a slow one delays nobody.

    rows  found behind that place, and not told yet
    turn  of what happens, before the last look
    """

    building: Building
    after: int
    wanted: repository.Wanted
    rows: Sequence[Row] = ()
    turn: int = 0

    async def look(self) -> None:
        self.turn = self.building.happenings.turn
        upto = await self.building.decided.upto()
        async with self.building.database.read() as tx:
            self.rows = await repository.after(tx, self.after, upto=upto, most=_BATCH, wanted=self.wanted)

    async def told(self) -> AsyncIterator[bytes]:
        yield b": ocpi-party\n\n"
        quiet_since = time.monotonic()
        while True:
            for row in self.rows:
                self.after = row["seq"]
                event = json.dumps(repository.cloud_event(row, self.building.public_url))
                yield f"id: {self.after}\nevent: {row['type']}\ndata: {event}\n\n".encode()
            if self.rows:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > _KEEP_ALIVE_SECONDS:
                quiet_since = time.monotonic()
                yield b": still here\n\n"
            happenings = self.building.happenings
            if happenings.closed or (not self.rows and not await happenings.wait(self.turn)):
                return
            try:
                await self.look()
            except DatabaseUnavailable as fault:
                # Whoever reads comes back with the id of the last event, and is told then that there is no database.
                log.warning("a stream of events ends at %d: %s", self.after, fault)
                return
