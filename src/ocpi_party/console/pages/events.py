"""What happened, newest first, and what happens now."""

from typing import Any

from starlette.responses import Response

from ocpi_party.console.visit import Place, Visit
from ocpi_party.events import repository

_MOST = 100


async def listing(visit: Visit) -> Response:
    """The newest events of the kind that is wanted, or those behind one; further ones come in by themselves."""
    only = {name: visit.query.get(name, "") for name in ("type", "subject")}
    after = visit.query.get("after", "")
    wanted = repository.Wanted(repository.patterns([only["type"]] if only["type"] else None), only["subject"] or None)
    database = visit.building.database
    async with database.read() as tx:
        last = await repository.last(tx)
        start = (
            int(after) if after.isdigit() else await repository.newest(tx, upto=last, most=_MOST, wanted=wanted) or 0
        )
    found = await _behind(visit, start, only)  # The API says what is no place to begin.
    async with database.read() as tx:
        earlier = await repository.newest(tx, upto=start, most=_MOST, wanted=wanted)
    reached = int(found[-1]["id"]) if found else max(start, last)
    types = sorted({str(kind).partition(".")[0] for kind in repository.EventType})
    return visit.page(
        "events.html", found=list(reversed(found)), after=reached, earlier=earlier, only=only, types=types
    )


async def newer(visit: Visit) -> Response:
    """What happened since the page last asked, as rows to put on top."""
    only = {name: visit.query.get(name, "") for name in ("type", "subject")}
    after = visit.query.get("after", "0")
    found = await _behind(visit, int(after) if after.isdigit() else 0, only)
    reached = found[-1]["id"] if found else after
    return visit.page("events_newer.html", found=list(reversed(found)), after=reached, only=only)


async def _behind(visit: Visit, after: int, only: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await visit.api.get("/api/events", only | {"after": after, "limit": _MOST})).data
    return found


PLACES = (Place("/events", listing), Place("/events/newer", newer))
