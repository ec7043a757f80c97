"""Which span a line of the log was written in."""

from collections.abc import MutableMapping
from typing import Any

from opentelemetry import trace


def with_span(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: trace_id and span_id in hexadecimal, as traceparent spells them."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"], event["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    return event
