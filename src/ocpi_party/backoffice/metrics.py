"""What happens in this server as Prometheus reads it.

Requests are counted in the process that answered them; of several processes of one `serve` any one tells the sum. What is
pending and delivered is asked of the database at each scrape, and is therefore true for all processes on all machines.
Partners stand here by their id alone: whoever reaches the port may read this.
"""

import os
from collections.abc import Iterable, Iterator
from functools import cache
from time import perf_counter

from fastapi import APIRouter
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocpi_party.backoffice.authorization import CurrentBuilding
from ocpi_party.database import Row
from ocpi_party.messages.recorder import Recorder
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.outbox import overview
from ocpi_party.partners.exchange import Exchange
from ocpi_party.pull import overview as pulls
from ocpi_party.webhooks import repository as webhooks

router = APIRouter(tags=["health"])

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the directory where several processes count together."""

_MODULES = frozenset(ModuleId)
_NONE = "none"
_Family = type[CounterMetricFamily] | type[GaugeMetricFamily]
API = "/api"
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus-client leaves it untyped
_registry = CollectorRegistry()
_requests = Counter(
    "ocpi_party_requests",
    "Requests answered",
    ["side", "module", "method", "route", "status"],
    registry=_registry,
)
_seconds = Histogram(
    "ocpi_party_request_seconds",
    "Time to answer a request",
    ["side", "module", "method"],
    registry=_registry,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_calls = Counter(
    "ocpi_party_partner_calls",
    "Requests that we sent to a partner, by HTTP status, `none` without an answer",
    ["partner", "method", "status"],
    registry=_registry,
)
ProcessCollector(registry=_registry)


def place_of(scope: Scope) -> tuple[str, str]:
    """The template of the path that a request was answered at, and its module; `none` where there is none."""
    route = scope.get("route")
    template = _prefix(scope) + route.path if route is not None else _NONE
    return template, _module_in(template)


@cache
def _module_in(template: str) -> str:
    return next((part for part in template.split("/") if part in _MODULES), _NONE)


def count_request(side: str, scope: Scope, http_status: int, seconds: float) -> None:
    """side  ocpi or api"""
    requests, times = _counters(side, *place_of(scope), scope["method"], http_status)
    requests.inc()
    times.observe(seconds)


@cache
def _counters(side: str, template: str, module: str, method: str, http_status: int) -> tuple[Counter, Histogram]:
    # To look them up by their labels costs more than to count. They are as many as our routes, the methods and statuses of HTTP.
    return _requests.labels(side, module, method, template, http_status), _seconds.labels(side, module, method)


def _prefix(scope: Scope) -> str:
    """What stands before the path of the route: a mount tells it, a router that FastAPI includes does not."""
    mounted: str = scope.get("root_path", "")
    return mounted or (API if scope["path"].startswith(API + "/") else "")


def count_call(exchange: Exchange) -> None:
    status = exchange.http_status or _NONE
    partner = _NONE if exchange.partner_id is None else exchange.partner_id
    _calls.labels(partner, exchange.method, status).inc()


class CountRequests:
    """Counts what the operator's side answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = 500, perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            count_request("api", scope, status, perf_counter() - started)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(building: CurrentBuilding) -> Response:
    """Everything in the text format of Prometheus."""
    in_use, is_open = building.database.in_use
    async with building.database.read() as tx:
        lanes, ages, lags = await overview.lanes(tx), await pulls.ages(tx), await webhooks.lags(tx)
    asked = CollectorRegistry()
    found = [*_pool(in_use, is_open), *_lanes(lanes), *_pulls(ages), *_webhooks(lags), *_messages(building.messages)]
    asked.register(_Asked(found))
    text = generate_latest(_counted()) + generate_latest(asked)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _counted() -> CollectorRegistry:
    if not os.environ.get(SHARED):
        return _registry
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # prometheus-client leaves it untyped
    return shared


class _Asked:
    """What was found out for this one scrape."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = list(found)

    def collect(self) -> Iterator[Metric]:
        yield from self._found


def _pool(in_use: int, is_open: int) -> Iterator[Metric]:
    connections = GaugeMetricFamily(
        "ocpi_party_database_connections", "Connections of the process that answers this", labels=["state"]
    )
    connections.add_metric(["in_use"], in_use)
    connections.add_metric(["idle"], is_open - in_use)
    yield connections


def _lanes(lanes: list[Row]) -> Iterator[Metric]:
    yield _by_partner(CounterMetricFamily, "deliveries", "Changes that the partner was told", lanes, "delivered")
    yield _by_partner(GaugeMetricFamily, "pending", "Objects whose newest state it does not know", lanes, "pending")
    yield _by_partner(
        GaugeMetricFamily, "paused", "Objects that it is not told of, by the operator's will", lanes, "paused"
    )
    yield _by_partner(GaugeMetricFamily, "refused", "Objects that it refused", lanes, "refused")
    yield _by_partner(GaugeMetricFamily, "lag_seconds", "Age of the oldest change it was not told", lanes, "lag")
    yield _by_partner(GaugeMetricFamily, "breaker_open", "1 while we wait before we try it again", lanes, "broken")


def _pulls(ages: list[Row]) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "ocpi_party_pull_age_seconds", "Age of what was fetched of a list", labels=["partner", "module"]
    )
    for row in ages:
        age.add_metric([str(row["partner_id"]), row["module"]], row["age"])
    yield age


def _webhooks(lags: list[Row]) -> Iterator[Metric]:
    pending = GaugeMetricFamily("ocpi_party_events_pending", "Events that a webhook was not told", labels=["webhook"])
    lag = GaugeMetricFamily(
        "ocpi_party_events_lag_seconds", "Age of the oldest event that a webhook was not told", labels=["webhook"]
    )
    for row in lags:
        pending.add_metric([str(row["id"])], float(row["pending"]))
        lag.add_metric([str(row["id"])], row["lag"])
    yield from (pending, lag)


def _messages(recorder: Recorder | None) -> Iterator[Metric]:
    """Of the process that answers this, as its connections are."""
    if recorder is not None:
        waiting = "Messages that are not written yet, of the process that answers this"
        dropped = "Messages that were never written, since there were too many, of the process that answers this"
        yield GaugeMetricFamily("ocpi_party_messages_waiting", waiting, recorder.waiting)
        yield CounterMetricFamily("ocpi_party_messages_dropped", dropped, recorder.dropped)


def _by_partner(family: _Family, name: str, words: str, lanes: list[Row], column: str) -> Metric:
    metric = family(f"ocpi_party_{name}", words, labels=["partner", "party"])
    for lane in lanes:
        metric.add_metric([str(lane["partner_id"]), lane["party"]], float(lane[column]))
    return metric
