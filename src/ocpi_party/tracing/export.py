"""Where spans go: to a collector, by OTLP over HTTP. Further settings are OpenTelemetry's own (`OTEL_*`), read by its SDK."""

import asyncio
import threading
from contextlib import suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import Tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

FLUSH_SECONDS: Final = 3
"""A server that stops waits so long for its collector to take the last spans."""


class NotInstalled(Exception):
    """Spans are wanted, and the library that exports them is not there."""

    def __init__(self) -> None:
        super().__init__(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: pip install ocpi-party[otel]"
        )


class Export:
    """The spans of one process, on their way out.

    endpoint  base URL of a collector
    exporter  takes each span at once, instead of a collector
    Raises    NotInstalled
    """

    def __init__(self, endpoint: str, exporter: "SpanExporter | None" = None) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._exporter = exporter
        self._provider = _provider()

    @property
    def tracer(self) -> Tracer:
        return self._provider.get_tracer("ocpi_party", version("ocpi-party"))

    def open(self) -> None:
        """Spans are taken from now on."""
        self._provider.add_span_processor(self._processor())

    def _processor(self) -> "SpanProcessor":
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        if self._exporter is not None:
            return SimpleSpanProcessor(self._exporter)
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ImportError as error:
            raise NotInstalled from error
        return BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{self._endpoint}/v1/traces"))

    async def close(self) -> None:
        """Hand over what is left; a collector that does not answer holds up nobody for long."""
        done, loop = asyncio.Event(), asyncio.get_running_loop()

        def flush() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # The loop may be gone by then.
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=flush, name="last spans", daemon=True).start()
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), FLUSH_SECONDS)


def _provider() -> "TracerProvider":
    try:
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
    except ImportError as error:
        raise NotInstalled from error
    ours = Resource.create({"service.name": "ocpi-party", "service.version": version("ocpi-party")})
    # Both can be named otherwise by OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
    return TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
