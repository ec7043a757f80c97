"""create_app(): every dialect × every module, and the operator's side beside them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import httpx
from fastapi import APIRouter, FastAPI
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from ocpi_party.backoffice import metrics
from ocpi_party.backoffice.app import OFF, backoffice
from ocpi_party.backoffice.health import Life
from ocpi_party.console import handshake
from ocpi_party.console.app import add_console
from ocpi_party.database import Database, DatabaseUnavailable, LockTimeout
from ocpi_party.dialects.v2_2_1 import V2_2_1
from ocpi_party.events.decided import Decided
from ocpi_party.events.happenings import Happenings
from ocpi_party.messages import days
from ocpi_party.messages.recorder import Recorder
from ocpi_party.modules import retention
from ocpi_party.modules.registry import MODULES, PULLED, PUSHED, RESULTS, credentials, versions
from ocpi_party.modules.tariffs.expiry import withdraw_expired
from ocpi_party.ocpi.modules import FUNCTIONAL, InterfaceRole, ModuleId, Role, role_with
from ocpi_party.ocpi.types import now
from ocpi_party.owned.documents import DocumentCache
from ocpi_party.owned.listing_counts import fold_counts
from ocpi_party.partners import repository as partners
from ocpi_party.partners.client import OcpiClient
from ocpi_party.partners.directory import Directory
from ocpi_party.partners.observed import message_of as asked_message
from ocpi_party.partners.secrets import Vault
from ocpi_party.pull.repository import want
from ocpi_party.pull.worker import PullWorker
from ocpi_party.push.renewal import RenewalWorker
from ocpi_party.push.results import ResultWorker
from ocpi_party.push.worker import PushWorker
from ocpi_party.settings import Settings, shown
from ocpi_party.tracing.client import TracedClient
from ocpi_party.tracing.database import TracedDatabase
from ocpi_party.tracing.describing import describe_handled
from ocpi_party.tracing.export import Export
from ocpi_party.tracing.requests import TracedRequests
from ocpi_party.transport.asked import Authorizing, Building
from ocpi_party.transport.errors import answer_errors
from ocpi_party.transport.front import OcpiFront
from ocpi_party.transport.observed import message_of as handled_message
from ocpi_party.transport.paths import Interface, as_sent
from ocpi_party.webhooks.worker import WebhookWorker, answers_within

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

log = logging.getLogger(__name__)

DIALECTS = {str(dialect.version): dialect for dialect in (V2_2_1,)}
_AS_SENT = ("/api/", "/console")
_SIDES = {Role.CPO: "cpo", Role.EMSP: "emsp"}
_RECEIVED = {ModuleId.SESSIONS: "received_session", ModuleId.CDRS: "received_cdr"}
_MOST_FREQUENT = (ModuleId.LOCATIONS, ModuleId.TOKENS, ModuleId.SESSIONS)


@dataclass(slots=True)
class App:
    """The whole server as an ASGI application; OCPI requests take the short way.

    export   where spans go; None if nobody wants them
    entrance what stands around the answering of requests; None for nothing
    further  jobs that this process has beside those of every server, begun and ended with it
    """

    settings: Settings
    building: Building
    front: OcpiFront
    pushing: PushWorker
    pulling: PullWorker
    results: ResultWorker
    webhooks: WebhookWorker
    renewing: RenewalWorker
    api: FastAPI
    life: Life
    export: Export | None = None
    entrance: ASGIApp | None = None
    further: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.entrance or self.answer)(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/ocpi"):
            await self.front(scope, receive, send)
        else:
            if scope["type"] == "http" and scope["path"].startswith(_AS_SENT):
                as_sent(scope)
            await self.api(scope, receive, send)

    @asynccontextmanager
    async def running(self, *, workers: bool) -> AsyncIterator[None]:
        """Open what the server needs, and close it again. Raises DatabaseUnavailable"""
        building = self.building
        if self.export is not None:
            self.export.open()
        await building.database.open()
        try:
            await building.directory.open()
            await building.client.open()
            await self.webhooks.open()
            jobs = [self._housekeeping, *self.further]
            if building.messages is not None:
                jobs.append(building.messages.run)
            if workers:
                jobs += [self.pushing.run, self.pulling.run, self.results.run, self.webhooks.run, self.renewing.run]
                jobs.append(self._tidying)
            self.tasks = [asyncio.create_task(_kept_up(job)) for job in jobs]
            yield
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await self.webhooks.close()
            await building.client.close()
            if building.messages is not None:
                await building.messages.close()
            await building.directory.close()
            await building.database.close()
            if self.export is not None:
                await self.export.close()

    async def _housekeeping(self) -> None:
        """Small things that need no moment of their own."""
        while True:
            await asyncio.sleep(5)
            with suppress(DatabaseUnavailable):
                await self.building.directory.listen_again()
                seen, self.front.seen = self.front.seen, set()
                async with self.building.database.write() as tx:
                    if seen:
                        await partners.touch(tx, sorted(seen))
                    await withdraw_expired(tx)
                    await fold_counts(tx)

    async def _tidying(self) -> None:
        while True:
            with suppress(DatabaseUnavailable, LockTimeout):
                await self.tidy()
            await asyncio.sleep(3600)

    async def tidy(self) -> None:
        """Forget what is old enough, and have tomorrow's partition of the messages ready."""
        database = self.building.database
        async with database.write() as tx:
            await days.tidy(tx, now(), timedelta(days=self.settings.message_log_days))
        gone = await retention.forget_old(database, _kept(self.settings), now())
        if gone:
            log.info(
                "forgotten, because it was old enough: %s", ", ".join(f"{n} of {kind}" for kind, n in gone.items())
            )


def _kept(settings: Settings) -> dict[str, timedelta]:
    """How long each kind of record is kept; zero for ever."""
    return {kind: timedelta(days=getattr(settings, f"{kind}_days")) for kind in retention.RULES}


async def _kept_up(job: Callable[[], Awaitable[None]]) -> None:
    """Run a job that never ends; a bug in it is logged, and must not end it for the rest of the process's life."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("a background job broke off and is begun again")
        await asyncio.sleep(1)


def create_app(
    settings: Settings,
    *,
    database_url: str,
    secret_key: str,
    api_key: str,
    workers: bool = True,
    transport: httpx.AsyncBaseTransport | None = None,
    spans: "SpanExporter | None" = None,
) -> App:
    """Put the server together; nothing is opened before its lifespan begins.

    api_key    of the operator's API, beside those in the database
    workers    push and pull in the same process
    transport  what the client to partners sends through; None for the network
    spans      takes the spans instead of a collector
    Raises     NotInstalled
    """
    export = _export(settings, spans)
    database = (
        TracedDatabase(database_url, pool_size=settings.database_pool_size, tracer=export.tracer)
        if export
        else Database(database_url, pool_size=settings.database_pool_size)
    )
    vault = Vault(secret_key)
    directory = Directory(database, vault, keep_seconds=settings.auth_cache_seconds)
    client = (partial(TracedClient.made, export.tracer) if export else OcpiClient)(
        token_of=directory.kept_token_of,
        forget=directory.drop,
        allow_private=settings.allow_private_urls,
        timeout=timedelta(seconds=settings.request_timeout_seconds),
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
        transport=transport,
    )
    pushing = PushWorker(
        database,
        client,
        PUSHED,
        DIALECTS,
        lease_for=timedelta(seconds=settings.push_lease_seconds),
        retry_base=timedelta(seconds=settings.retry_base_seconds),
        retry_most=timedelta(seconds=settings.retry_max_seconds),
    )
    results = ResultWorker(
        database,
        client,
        RESULTS,
        DIALECTS,
        lease_for=timedelta(seconds=settings.push_lease_seconds),
        retry_base=timedelta(seconds=settings.retry_base_seconds),
        retry_most=timedelta(seconds=settings.retry_max_seconds),
        keep_trying=timedelta(seconds=settings.result_retry_seconds),
    )
    pulling = PullWorker(
        database,
        client,
        PULLED,
        DIALECTS,
        interval=timedelta(seconds=settings.pull_interval_seconds),
        keep={module: kept for module, kind in _RECEIVED.items() if (kept := _kept(settings)[kind])},
        lease_for=timedelta(seconds=2 * settings.push_lease_seconds),
        retry_base=timedelta(seconds=settings.retry_base_seconds),
        retry_most=timedelta(seconds=settings.retry_max_seconds),
    )
    mounted = tuple(
        (module.id, interface)
        for module in MODULES
        for interface, router in ((InterfaceRole.SENDER, module.sender), (InterfaceRole.RECEIVER, module.receiver))
        if router is not None
    )

    messages = Recorder(database, body_bytes=settings.message_body_bytes) if settings.message_log_days else None
    happenings, decided = Happenings(), Decided(database)
    webhooks = WebhookWorker(database, vault, happenings, decided, settings.public_url, transport=transport)

    wakers = [pushing.wake, pulling.wake, results.wake, happenings.wake]

    def wake() -> None:
        for waker in wakers:
            waker()

    building = Building(
        database=database,
        directory=directory,
        vault=vault,
        client=client,
        documents=DocumentCache(settings.cache_bytes),
        public_url=settings.public_url,
        dialects=DIALECTS,
        mounted=mounted,
        token_of=directory.token_of,
        page_size=settings.page_size,
        page_size_max=settings.page_size_max,
        max_body_bytes=settings.max_body_bytes,
        max_json_depth=settings.max_json_depth,
        allow_private_urls=settings.allow_private_urls,
        token_grace=timedelta(seconds=settings.token_grace_seconds),
        renew_every=timedelta(days=settings.rotation_days) if settings.rotation_days else None,
        command_timeout=timedelta(seconds=settings.command_timeout_seconds),
        keep_trying=timedelta(seconds=settings.result_retry_seconds),
        charging_profile_requests=settings.charging_profile_requests,
        authorizing=Authorizing(
            timeout=timedelta(seconds=settings.authorize_timeout_seconds),
            ask_first=settings.authorize_allowed == "ask",
            reuse=timedelta(seconds=settings.authorize_reuse_seconds),
            unknown=settings.authorize_unknown,
        ),
        wake=wake,
        messages=messages,
        happenings=happenings,
        decided=decided,
        ask=webhooks.ask,
        answers_within=answers_within,
        connected=pulling.plan,
        disconnected=pulling.unplan,
        missed=want,
    )
    app: App
    life = Life(at_stop=[happenings.close])  # An open stream would keep the server from ending.
    api = backoffice(building, api_key=api_key, life=life, lifespan=lambda _api: app.running(workers=workers))
    add_console(
        api,
        building,
        first_key=api_key,
        lasts=timedelta(seconds=settings.console_session_seconds),
        settings=shown(settings),
        proxies=settings.proxies,
    )
    front = OcpiFront(_endpoints(), building, body_bytes=messages.body_bytes if messages else 0)
    front.observers.append(lambda done: metrics.count_request("ocpi", done.scope, done.http_status, done.seconds))
    renewing = RenewalWorker(building)
    wakers.append(renewing.wake)
    client.observers += [metrics.count_call, handshake.note]
    if messages is not None:
        front.observers.append(lambda done: messages.keep(handled_message(done)))
        client.observers.append(lambda done: messages.keep(asked_message(done, messages.body_bytes)))
    app = App(settings, building, front, pushing, pulling, results, webhooks, renewing, api, life)
    if export is not None:
        front.observers.append(describe_handled)
        app.export, app.entrance = export, TracedRequests(app.answer, export.tracer)
    return app


def _export(settings: Settings, spans: "SpanExporter | None") -> Export | None:
    if spans is None and settings.otlp_endpoint is None:
        return None
    return Export(settings.otlp_endpoint or "", spans)


def _endpoints() -> FastAPI:
    """The OCPI endpoints, mounted by prefix: a long flat list of routes would cost every request."""
    ocpi = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, telemetry=OFF)
    answer_errors(ocpi)
    mounts = []
    for module in sorted(MODULES, key=lambda module: module.id not in _MOST_FREQUENT):
        for interface, router in ((InterfaceRole.SENDER, module.sender), (InterfaceRole.RECEIVER, module.receiver)):
            if router is None:
                continue
            sides = [role_with(module.id, interface)] if module.id in FUNCTIONAL else list(_SIDES)
            mounts += [
                Interface(f"/ocpi/{_SIDES[side]}/{version}/{module.id}", app=router)
                for side in sides
                for version in DIALECTS
            ]
    configuration = APIRouter(routes=[*credentials.router.routes, *versions.router.routes])
    ocpi.router.routes.extend([*mounts, Mount("/ocpi", app=configuration)])
    # Starlette's outermost layer answers a bug in plain text. OcpiFront does that better, so it wraps what lies inside.
    stack = ocpi.build_middleware_stack()
    assert isinstance(stack, ServerErrorMiddleware)
    ocpi.middleware_stack = stack.app
    return ocpi


__all__ = ["App", "create_app"]
