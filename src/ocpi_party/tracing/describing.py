"""What a span says of an OCPI request: who asked whom for which module, both ids, what came of it; nothing of its content."""

from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode

from ocpi_party.messages.masking import masked
from ocpi_party.messages.message import Message
from ocpi_party.partners.client import Exchange
from ocpi_party.partners.observed import outbound_message
from ocpi_party.transport.front import Handled
from ocpi_party.transport.observed import inbound_message

_ATTRIBUTES: Final = {
    "ocpi.partner_id": "partner_id",
    "ocpi.module": "module",
    "ocpi.request_id": "request_id",
    "ocpi.correlation_id": "correlation_id",
    "ocpi.from": "sender",
    "ocpi.to": "receiver",
    "ocpi.status_code": "ocpi_status",
    "http.response.status_code": "http_status",
}


def describe_handled(handled: Handled) -> None:
    """For the observers of the front: they are called within the span of the request."""
    span = trace.get_current_span()
    if span.is_recording():
        message = inbound_message(handled)
        _describe(span, message, failed=message.error is not None or handled.http_status >= 500)


def describe_asked(exchange: Exchange) -> None:
    """For the observers of the client."""
    span = trace.get_current_span()
    if span.is_recording():
        message = outbound_message(exchange, body_bytes=0)
        span.update_name(f"{message.method} {message.module or 'OCPI'}")
        _describe(span, message, failed=not message.ok)


def _describe(span: Span, message: Message, *, failed: bool) -> None:
    # The URL names drivers, and may hold a secret of its own; and a partner may put its token anywhere.
    message = masked(message._replace(url="", body=b"", answer=b""))
    told = {name: getattr(message, field) for name, field in _ATTRIBUTES.items()}
    span.set_attributes({name: value for name, value in told.items() if value is not None})
    if failed:
        span.set_status(Status(StatusCode.ERROR, message.error))
