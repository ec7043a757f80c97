"""Spans of what the operator's systems are told and asked, and the header by which their spans can join ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from ocpi_party.database import Row
from ocpi_party.tracing.client import joined
from ocpi_party.webhooks.worker import WebhookWorker


@dataclass(slots=True)
class TracedWebhooks(WebhookWorker):
    """A question of a partner's request belongs to its trace; an event is told in a trace of its own, later."""

    tracer: Tracer = field(kw_only=True)

    async def post(self, webhook: Row, kind: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        # Neither the URL, which may hold a secret of its own, nor what an exception says of it.
        with self.tracer.start_as_current_span(
            f"POST {kind}",
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": "POST",
                "server.address": urlsplit(webhook["url"]).hostname or "",
                "webhook.id": webhook["id"],
                "webhook.message_id": headers["webhook-id"],
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                answer = await WebhookWorker.post(self, webhook, kind, body, {**headers, **joined()})
            except BaseException as fault:
                span.set_attribute("error.type", type(fault).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise
            span.set_attribute("http.response.status_code", answer.status_code)
            if not answer.is_success:
                span.set_status(Status(StatusCode.ERROR, f"HTTP {answer.status_code}"))
            return answer
