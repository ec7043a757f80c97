"""Spans of what we ask partners, and the header by which their spans can join ours (W3C Trace Context)."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ocpi_party.partners.client import Answer, Exchange, OcpiClient
from ocpi_party.tracing.describing import describe_asked

TRACE_CONTEXT = TraceContextTextMapPropagator()
PARENT = "traceparent"


def joined() -> dict[str, str]:
    """The header of the current span."""
    carrier: dict[str, str] = {}
    TRACE_CONTEXT.inject(carrier)
    # Not tracestate: what one partner's tools wrote into it is not for anybody else.
    return {PARENT: carrier[PARENT]} if PARENT in carrier else {}


class TracedClient(OcpiClient):
    tracer: Tracer

    @classmethod
    def made(cls, tracer: Tracer, **given: Any) -> "TracedClient":
        """given  as OcpiClient takes it"""
        client = cls(**given)
        client.tracer = tracer
        client.observers.append(describe_asked)
        return client

    async def observed(self, exchange: Exchange, authorization: str, within: timedelta) -> Answer:
        # No exception is recorded: its text may quote what a partner answered. The observer tells what went wrong, masked.
        with self.tracer.start_as_current_span(
            exchange.method,
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": exchange.method,
                "server.address": urlsplit(exchange.url).hostname or "",
            },
            record_exception=False,
            set_status_on_exception=False,
        ):
            return await OcpiClient.observed(self, exchange, authorization, within)

    def headers_of(self, exchange: Exchange, authorization: str) -> dict[str, str]:
        return OcpiClient.headers_of(self, exchange, authorization) | joined()
