"""create_app(): every dialect × every module, and the operator's side beside them."""

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import httpx
from fastapi import APIRouter, FastAPI
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import Mount

from ocpi_party.backoffice import metrics
from ocpi_party.backoffice.app import OFF, backoffice
from ocpi_party.backoffice.health import Life
from ocpi_party.bell import Bell
from ocpi_party.console import handshake
from ocpi_party.console.app import add_console
from ocpi_party.database import Database
from ocpi_party.decided import Decided
from ocpi_party.dialects.v2_2_1 import V2_2_1
from ocpi_party.events.happenings import Happenings
from ocpi_party.events.repository import EVENTS
from ocpi_party.listening import Listening
from ocpi_party.messages.recorder import Recorder
from ocpi_party.modules.registry import MODULES, PULLED, PUSHED, RESULTS, credentials, versions
from ocpi_party.ocpi.modules import FUNCTIONAL, InterfaceRole, ModuleId, Role, role_with
from ocpi_party.owned.documents import DocumentCache
from ocpi_party.partners.client import OcpiClient
from ocpi_party.partners.directory import Directory
from ocpi_party.partners.observed import outbound_message
from ocpi_party.partners.secrets import Vault
from ocpi_party.processes import listed_as
from ocpi_party.pull.schedule import want
from ocpi_party.pull.worker import PullWorker
from ocpi_party.push.renewal import RenewalWorker
from ocpi_party.push.results import ResultWorker
from ocpi_party.push.worker import PushWorker
from ocpi_party.server import App, kept
from ocpi_party.settings import Settings, shown
from ocpi_party.tracing.client import TracedClient
from ocpi_party.tracing.database import TracedDatabase
from ocpi_party.tracing.describing import describe_handled
from ocpi_party.tracing.export import Export
from ocpi_party.tracing.requests import TracedRequests
from ocpi_party.tracing.webhooks import TracedWebhooks
from ocpi_party.transport.asked import Authorizing, Building
from ocpi_party.transport.errors import answer_errors
from ocpi_party.transport.front import OcpiFront
from ocpi_party.transport.head import Head
from ocpi_party.transport.observed import inbound_message
from ocpi_party.transport.paths import Interface
from ocpi_party.webhooks.worker import WebhookWorker, answers_within

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

DIALECTS = {str(dialect.version): dialect for dialect in (V2_2_1,)}
_SIDES = {Role.CPO: "cpo", Role.EMSP: "emsp"}
_RECEIVED = {ModuleId.SESSIONS: "received_session", ModuleId.CDRS: "received_cdr"}
_MOST_FREQUENT = (ModuleId.LOCATIONS, ModuleId.TOKENS, ModuleId.SESSIONS)


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
    name = listed_as(settings.public_url)
    database = (
        TracedDatabase(database_url, pool_size=settings.database_pool_size, name=name, tracer=export.tracer)
        if export
        else Database(database_url, pool_size=settings.database_pool_size, name=name)
    )
    vault = Vault(secret_key)
    listening = Listening(database)
    directory = Directory(database, listening, vault, keep_seconds=settings.auth_cache_seconds)
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
        keep={module: kept_for for module, kind in _RECEIVED.items() if (kept_for := kept(settings)[kind])},
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
    happenings, decided = Happenings(), Decided(database, "events", "seq")
    webhooks = (partial(TracedWebhooks, tracer=export.tracer) if export else WebhookWorker)(
        database, vault, decided, settings.public_url, transport=transport
    )

    events = Bell(database, listening, EVENTS, [happenings.wake, webhooks.wake], in_steps=True)
    database.hear(EVENTS, events.ring)
    work = [pushing.wake, pulling.wake, results.wake, webhooks.wake]
    working = Bell(database, listening, "work", work)

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
        wake=working.ring,
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
    front = OcpiFront(Head(_endpoints()), building, body_bytes=messages.body_bytes if messages else 0)
    front.observers.append(lambda done: metrics.count_request("ocpi", done.scope, done.http_status, done.seconds))
    renewing = RenewalWorker(building)
    work.append(renewing.wake)
    client.observers += [metrics.count_call, handshake.note]
    if messages is not None:
        front.observers.append(partial(messages.keep_seen, inbound_message))
        client.observers.append(lambda done: messages.keep(outbound_message(done, messages.body_bytes)))
    app = App(
        settings,
        building,
        listening,
        (working, events),
        front,
        pushing,
        pulling,
        results,
        webhooks,
        renewing,
        api,
        life,
    )
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
