"""Who is connected, what lags, what fails, and how much happens."""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from ocpi_party.console.visit import Place, Visit
from ocpi_party.database import Row
from ocpi_party.events import repository as events
from ocpi_party.ocpi.types import now
from ocpi_party.outbox import overview as outbox

_SPANS = {
    "hour": (timedelta(hours=1), timedelta(minutes=1)),
    "day": (timedelta(days=1), timedelta(minutes=15)),
    "week": (timedelta(days=7), timedelta(hours=2)),
}
_NEWEST = 12
_COUNTED = ("locations", "sessions", "cdrs", "tariffs", "tokens")


async def overview(visit: Visit) -> Response:
    span = visit.query.get("span", "")
    counts = await asyncio.gather(*(visit.api.get(f"/api/{module}", {"limit": 1}) for module in _COUNTED))
    return visit.page(
        "overview.html",
        span=span if span in _SPANS else "hour",
        spans=list(_SPANS),
        counts=dict(zip(_COUNTED, (answer.total for answer in counts), strict=True)),
        **await _numbers(visit),
        **await _lists(visit),
    )


async def live_numbers(visit: Visit) -> Response:
    """A part of the page that is asked for again and again."""
    return visit.page("overview_numbers.html", **await _numbers(visit))


async def live_lists(visit: Visit) -> Response:
    """Likewise."""
    return visit.page("overview_lists.html", **await _lists(visit))


async def _numbers(visit: Visit) -> dict[str, Any]:
    async with visit.building.database.read() as tx:
        lanes = await outbox.lanes(tx)
    waiting = await visit.api.get("/api/commands", {"direction": "inbound", "state": "PENDING", "limit": 1})
    return {
        "total": {name: sum(lane[name] for lane in lanes) for name in ("pending", "refused", "broken")},
        "waiting": waiting.total,
        "lag": max((lane["lag"] for lane in lanes), default=0),
    }


async def _lists(visit: Visit) -> dict[str, Any]:
    async with visit.building.database.read() as tx:
        told = _per_partner(await outbox.lanes(tx))
        newest = await events.last(tx)
        happened = await events.after(tx, max(0, newest - _NEWEST), upto=newest, most=_NEWEST)
    partners = (await visit.api.get("/api/partners")).data
    return {
        "partners": [one | {"told": told[one["id"]]} for one in partners if one["status"] != "UNREGISTERED"],
        "happened": [events.cloud_event(row, visit.building.public_url) for row in reversed(happened)],
    }


def _per_partner(lanes: list[Row]) -> dict[int, dict[str, float]]:
    """Its parties together: sums, and of the lag the worst."""
    found: dict[int, dict[str, float]] = defaultdict(
        lambda: {"pending": 0, "paused": 0, "refused": 0, "broken": 0, "delivered": 0, "lag": 0.0}
    )
    for lane in lanes:
        one = found[lane["partner_id"]]
        for name in ("pending", "paused", "refused", "broken", "delivered"):
            one[name] += lane[name]
        one["lag"] = max(one["lag"], lane["lag"])
    return found


async def throughput(visit: Visit) -> Response:
    """Events in each span of time, a line for each kind: seconds since 1970, and numbers in the same order."""
    length, width = _SPANS.get(visit.query.get("span", ""), _SPANS["hour"])
    since = now() - length
    async with visit.building.database.read() as tx:
        rows = await events.throughput(tx, since, width)
    return JSONResponse(_lines(rows, since, width))


def _lines(rows: list[Row], since: datetime, width: timedelta) -> dict[str, Any]:
    """Spans in which nothing happened count too: as 0."""
    step = int(width.total_seconds())
    first, last = int(since.timestamp()) // step * step, int(now().timestamp()) // step * step
    at = list(range(first, last + step, step))
    lines: dict[str, list[int]] = {}
    for row in rows:
        place = (int(row["at"].timestamp()) - first) // step
        if 0 <= place < len(at):
            lines.setdefault(row["kind"], [0] * len(at))[place] = row["events"]
    return {"at": at, "step": step, "lines": [{"name": name, "values": values} for name, values in lines.items()]}


PLACES = (
    Place("/", overview),
    Place("/live/numbers", live_numbers),
    Place("/live/lists", live_lists),
    Place("/data/throughput", throughput),
)
