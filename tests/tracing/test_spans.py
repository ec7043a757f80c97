"""What spans tell, to whom, and what they never tell."""

import base64
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import ValidationError
from tests import own
from tests.commanding import an_emsp, deliver, inbound, start_session
from tests.console.test_pages import OURS, browser, sign_in
from tests.objects import a_session, a_token
from tests.partner import FakePartner, envelope
from tests.server import API_KEY, Server, start_server

from ocpi_party.console import users
from ocpi_party.database import Database
from ocpi_party.ocpi.types import PartyId
from ocpi_party.partners.client import OcpiClient
from ocpi_party.settings import Settings
from ocpi_party.tracing.export import Export, NotInstalled
from ocpi_party.webhooks.worker import WebhookWorker

pytestmark = pytest.mark.anyio

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
JOINED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=secret-of-a-vendor"}


@dataclass
class Traced:
    server: Server
    exporter: InMemorySpanExporter

    @property
    def spans(self) -> list[ReadableSpan]:
        """In the order in which they ended."""
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def forget(self) -> None:
        self.exporter.clear()


@asynccontextmanager
async def _traced(database_url: str) -> AsyncIterator[Traced]:
    exporter = InMemorySpanExporter()
    async with start_server(database_url, spans=exporter) as server:
        await server.add_party("NL", "OWA", "CPO")
        await server.add_party("NL", "OWM", "EMSP")
        yield Traced(server, exporter)


@pytest.fixture
async def traced(database_url: str) -> AsyncIterator[Traced]:
    async with _traced(database_url) as found:
        yield found


def _attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_request_of_a_partner_is_a_span_with_both_ids_the_partner_and_the_module(traced: Traced) -> None:
    caller = await traced.server.connect(traced.server.internet.add(FakePartner()))
    await own.publish(traced.server)
    traced.forget()
    ids = {"x-request-id": "r-1", "x-correlation-id": "c-1"}

    caller = caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
    await caller.get("/locations", headers=ids | JOINED)

    span = traced.named("GET /ocpi/cpo/2.2.1/locations")
    (partner,) = await traced.server.rows("SELECT id FROM partners")
    assert _attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/ocpi/cpo/2.2.1/locations",
        "http.response.status_code": 200,
        "ocpi.status_code": 1000,
        "ocpi.request_id": "r-1",
        "ocpi.correlation_id": "c-1",
        "ocpi.partner_id": partner["id"],
        "ocpi.module": "locations",
        "ocpi.from": "DE*TNM",
        "ocpi.to": "NL*OWA",
    }
    assert span.kind is SpanKind.SERVER
    assert span.status.status_code is StatusCode.UNSET


async def test_the_trace_of_a_partner_is_joined_and_the_work_of_the_database_is_within(traced: Traced) -> None:
    caller = await traced.server.connect(traced.server.internet.add(FakePartner()))
    traced.forget()

    await caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo").get("/locations", headers=JOINED)

    span = traced.named("GET /ocpi/cpo/2.2.1/locations")
    assert span.parent is not None
    assert span.context is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    reads = [one for one in traced.spans if one.name == "database read"]
    assert reads
    assert {one.parent and one.parent.span_id for one in reads} == {span.context.span_id}
    assert _attributes(reads[0]) == {"db.system.name": "postgresql", "db.operation.name": "read"}


async def test_what_a_partner_is_asked_is_a_span_whose_trace_it_is_told(traced: Traced) -> None:
    partner = traced.server.internet.add(FakePartner())
    await traced.server.connect(partner)
    await own.publish(traced.server)
    traced.forget()
    partner.asked.clear()

    await traced.server.push()

    (asked,) = partner.asked
    span = traced.named("PUT locations")
    assert span.context is not None
    told = asked.headers["traceparent"].split("-")
    assert told[1:3] == [f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"]
    seen = _attributes(span)
    (known,) = await traced.server.rows("SELECT id FROM partners")
    assert span.kind is SpanKind.CLIENT
    assert seen["ocpi.request_id"] == asked.headers["x-request-id"]
    assert seen["ocpi.correlation_id"] == asked.headers["x-correlation-id"]
    assert (seen["ocpi.partner_id"], seen["ocpi.module"]) == (known["id"], "locations")
    assert (seen["server.address"], seen["http.response.status_code"]) == ("tnm.example", 200)


async def test_what_is_asked_for_a_request_belongs_to_its_trace_and_no_state_of_others_is_passed_on(
    traced: Traced,
) -> None:
    partner = traced.server.internet.add(FakePartner())
    await traced.server.connect(partner)
    partner.asked.clear()

    await traced.server.operator.post("/api/partners/1/rotate", headers=JOINED)

    assert partner.asked
    for asked in partner.asked:
        assert asked.headers["traceparent"].split("-")[1] == TRACE
        assert "tracestate" not in asked.headers
        assert "baggage" not in asked.headers


async def _told(traced: Traced, answer: httpx.Response) -> httpx.Request:
    """An event is delivered to a webhook: the request that it got."""
    server, consumer = traced.server, FakePartner(host="hooks.example")
    consumer.on("POST", "/hook", answer)
    server.internet.add(consumer)
    await server.operator.post("/api/webhooks", json={"url": "https://hooks.example/hook?key=secret-of-a-consumer"})
    await server.invite("tnm")
    traced.forget()
    await server.tell_webhooks()
    (request,) = consumer.requests("POST", "/hook")
    return request


async def test_an_event_that_a_webhook_is_told_is_a_span_whose_trace_it_is_told(traced: Traced) -> None:
    request = await _told(traced, httpx.Response(204))

    span = traced.named("POST partner.invited")
    (known,) = await traced.server.rows("SELECT id FROM webhooks")
    assert span.context is not None
    assert request.headers["traceparent"].split("-")[1:3] == [
        f"{span.context.trace_id:032x}",
        f"{span.context.span_id:016x}",
    ]
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert _attributes(span) == {
        "http.request.method": "POST",
        "http.response.status_code": 204,
        "server.address": "hooks.example",
        "webhook.id": known["id"],
        "webhook.message_id": request.headers["webhook-id"],
    }
    assert "secret-of-a-consumer" not in span.to_json()


async def test_a_webhook_that_does_not_take_an_event_is_an_error(traced: Traced) -> None:
    await _told(traced, httpx.Response(503))

    span = traced.named("POST partner.invited")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "HTTP 503")


async def test_what_the_operator_is_asked_for_a_partner_belongs_to_the_trace_of_the_partner(traced: Traced) -> None:
    server, consumer = traced.server, FakePartner(host="hooks.example")
    consumer.on("POST", "/hook", httpx.Response(200, json={"result": "ACCEPTED"}))
    server.internet.add(consumer)
    emsp = await an_emsp(server)
    await server.operator.post("/api/webhooks", json={"url": "https://hooks.example/hook", "answers": "command"})
    traced.forget()

    await emsp.post("/commands/START_SESSION", start_session(), headers=JOINED)

    (request,) = consumer.requests("POST", "/hook")
    assert request.headers["traceparent"].split("-")[1] == TRACE
    assert "tracestate" not in request.headers
    asked, answered = traced.named("POST question.command"), traced.named("POST /ocpi/cpo/2.2.1/commands/{command}")
    assert asked.parent is not None
    assert answered.context is not None
    assert asked.parent.span_id == answered.context.span_id


async def test_a_partner_that_cannot_be_reached_is_an_error_in_words(traced: Traced) -> None:
    partner = traced.server.internet.add(FakePartner())
    await traced.server.connect(partner)
    await own.publish(traced.server)
    partner.on("PUT", "/locations", httpx.Response(500, text="oops"))
    traced.forget()

    await traced.server.push()

    span = traced.named("PUT locations")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "HTTP 500")
    assert list(span.events) == []


async def test_requests_of_the_operator_and_of_people_are_spans_too(traced: Traced) -> None:
    await traced.server.operator.get("/api/partners", headers={"x-request-id": "r-2", "x-correlation-id": "c-2"})
    async with browser(traced.server) as visitor:
        await sign_in(visitor)
        await visitor.get("/console/partners")
    await traced.server.operator.get("/health/live")
    await traced.server.operator.get("/api/nothing")

    seen = _attributes(traced.named("GET /api/partners"))
    assert (seen["ocpi.request_id"], seen["ocpi.correlation_id"]) == ("r-2", "c-2")
    names = [span.name for span in traced.spans if span.kind is SpanKind.SERVER]
    assert names == ["GET /api/partners", "POST /console/sign-in", "GET /console/partners", "GET none"]


async def test_a_worker_that_finds_nothing_to_do_leaves_no_trace(traced: Traced) -> None:
    traced.forget()

    await traced.server.push()
    await traced.server.app.pulling.pull_due()
    await traced.server.app.tidy()

    assert traced.spans == []


@pytest.mark.requirement("CRE-35", "OPS-13")
async def test_no_span_holds_a_token_or_a_secret(traced: Traced) -> None:
    server, used = traced.server, {API_KEY, "secret-of-a-vendor"}
    emsp = await an_emsp(server)
    partner = emsp.partner
    used |= {emsp.token, partner.token}

    # A partner renews its tokens, puts them where they do not belong, and repeats ours.
    partner.token = "renewed-b.of-tnm"
    emsp.token = (await emsp.request("PUT", "/ocpi/2.2.1/credentials", partner.credentials())).data["token"]
    used |= {emsp.token, partner.token}
    mixed = {"x-request-id": emsp.token, "x-correlation-id": f"c-{emsp.token}"} | JOINED
    await emsp.get("/locations", headers=mixed, params={"token": emsp.token})
    await emsp.get(f"/locations/{emsp.token}")
    partner.on(
        "PUT", "/locations", lambda _: envelope(code=3000, http_status=500, data=f"your token is {partner.token}")
    )
    await own.publish(server, "LOC2")
    await server.push()
    rotated: set[str] = set()

    def renewed(request: httpx.Request) -> httpx.Response:
        rotated.add(json.loads(request.content)["token"])
        return envelope(partner.credentials(token="given-c.of-tnm"))

    partner.on("PUT", "/credentials", renewed)
    assert (await server.operator.post("/api/partners/1/rotate")).status_code == 200
    used |= rotated | {"given-c.of-tnm"}
    emsp.token = next(iter(rotated))

    # Call-back URLs in both directions, and a driver's token.
    secret_url = "https://tnm.example/back/secret-of-their-url?key=another-secret"
    await emsp.post("/commands/START_SESSION", start_session(response_url=secret_url))
    for command in await inbound(server):
        await server.operator.post(f"/api/commands/{command['id']}/result", json={"result": "ACCEPTED"})
    await deliver(server)
    used |= {"secret-of-their-url", "another-secret"}
    partner.on("POST", "/commands/STOP_SESSION", envelope({"result": "ACCEPTED", "timeout": 30}))
    cpo = emsp.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await cpo.put("/sessions/NL/TNM/101", a_session(cdr_token=a_token(PartyId("NL", "OWM"), uid="UID-OF-A-DRIVER")))
    sent = {"country_code": "NL", "party_id": "TNM", "session_id": "101"}
    assert (await server.operator.post("/api/commands/STOP_SESSION", json=sent)).status_code == 202
    (asked,) = partner.requests("POST", "/commands/STOP_SESSION")
    ours = json.loads(asked.content)["response_url"]
    await cpo.request("POST", ours, {"result": "ACCEPTED"})
    used |= {ours.rpartition("/")[2], "UID-OF-A-DRIVER"}
    await server.operator.get("/api/tokens/NL/OWM/UID-OF-A-DRIVER")

    # People.
    password = "correct horse battery"
    await users.add(server.app.building.database, "Anna", password, "admin", by="a test")
    async with browser(server) as visitor:
        await visitor.post("/console/sign-in", data={"name": "Anna", "password": password}, headers=OURS)
        made = await visitor.post("/console/keys", data={"name": "x", "scope": "read"}, headers=OURS)
        used |= {password, visitor.cookies["ocpi_party_console"], made.text.partition('value="')[2].partition('"')[0]}

    told = "\n".join(span.to_json() for span in traced.spans)
    assert len(traced.spans) > 30
    assert all(len(secret) > 8 for secret in used)
    for secret in used:
        for spelling in (secret, base64.b64encode(secret.encode()).decode()):
            assert spelling not in told, spelling


async def test_without_a_collector_nothing_stands_in_the_way(server: Server) -> None:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)

    building = server.app.building
    assert type(building.database) is Database
    assert type(building.client) is OcpiClient
    assert type(server.app.webhooks) is WebhookWorker
    assert server.app.entrance is None
    assert partner.asked
    assert all("traceparent" not in asked.headers for asked in partner.asked)


async def test_tools_that_trace_the_process_get_no_paths_from_fastapi(server: Server) -> None:
    """FastAPI would begin spans of its own, with path and query, as soon as there is a provider."""
    assert not server.app.api._native_telemetry.enabled()
    assert server.app.api._telemetry["tracing"] is False
    assert server.app.front._app._app._telemetry["tracing"] is False  # type: ignore[attr-defined]  # it is a FastAPI


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A collector on this machine, and what it got: path and body."""
    got: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is named there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as listening:
        thread = Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", got
        listening.shutdown()
        thread.join()


async def test_a_server_that_stops_has_handed_its_spans_to_the_collector(
    database_url: str, collector: tuple[str, list[tuple[str, bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    endpoint, got = collector

    async with start_server(database_url, otlp_endpoint=endpoint) as server:
        await server.operator.get("/api/partners")

    ((path, body),) = got
    (spans,) = ExportTraceServiceRequest.FromString(body).resource_spans
    resource = {one.key: one.value.string_value for one in spans.resource.attributes}
    assert path == "/v1/traces"
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("ocpi-party", "test")
    assert "GET /api/partners" in [span.name for span in spans.scope_spans[0].spans]


def test_the_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(NotInstalled, match=r"pip install ocpi-party\[otel\]"):
        Export("http://127.0.0.1:4318")


def test_the_address_of_a_collector_holds_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    assert Settings(_env_file=None).otlp_endpoint == "http://collector:4318"
    for wrong in ("collector:4318", "grpc://collector", "https://user:password@collector"):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", wrong)
        with pytest.raises(ValidationError):
            Settings(_env_file=None)
