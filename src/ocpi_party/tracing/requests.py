"""Spans of the requests that we answer: those of partners, and those of the operator's systems and people."""

from typing import Final

from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocpi_party.backoffice.metrics import place_of
from ocpi_party.ocpi import headers
from ocpi_party.tracing.client import PARENT, TRACE_CONTEXT
from ocpi_party.transport.paths import is_ocpi

_TRACED: Final = ("/api/", "/console")
_NOT_TRACED: Final = ("/api/events/stream", "/console/assets/")  # The first one lasts for days.
_IDS: Final = {headers.REQUEST_ID: "ocpi.request_id", headers.CORRELATION_ID: "ocpi.correlation_id"}


class TracedRequests:
    """Around the whole server; a partner's trace is joined where it sends `traceparent`."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        partners = is_ocpi(path)
        if scope["type"] != "http" or not (partners or path.startswith(_TRACED)) or path.startswith(_NOT_TRACED):
            await self._app(scope, receive, send)
            return
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._tracer.start_as_current_span(
            scope["method"],
            context=TRACE_CONTEXT.extract(
                {PARENT: given.get(PARENT, "")}
            ),  # what others wrote into tracestate is not kept
            kind=SpanKind.SERVER,
            attributes={"http.request.method": scope["method"]},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                await self._app(scope, receive, sending)
            finally:
                template, _ = place_of(scope)
                span.update_name(f"{scope['method']} {template}")
                span.set_attribute("http.route", template)
                if status:
                    span.set_attribute("http.response.status_code", status)
                if not status or status >= 500:
                    span.set_status(Status(StatusCode.ERROR))
                if not partners:  # The front tells those of a partner, and makes up what is missing.
                    span.set_attributes({name: given[header] for header, name in _IDS.items() if header in given})
