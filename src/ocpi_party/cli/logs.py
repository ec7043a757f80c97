"""Logs: one JSON object per line on stderr, with the correlation id where there is one, and never a token."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from ocpi_party.settings import Settings

_QUIET = ("httpx", "httpcore", "aiohttp", "alembic", "asyncio", "uvicorn.error")
"""They tell of every request or of every start; their warnings are heard."""

_TOKEN = re.compile(r"\b(Token|Bearer) +[^\s\"',}]+", re.IGNORECASE)
_SECRET = re.compile(r"(://[^:/@\s]*):[^@/\s]+@")


def configure_server(settings: Settings) -> None:
    """As the processes of a server log: what is asked for, as JSON."""
    configure(settings.log_level, traced=settings.otlp_endpoint is not None)


def configure(level: str, *, plain: bool = False, traced: bool = False) -> None:
    """Send everything that is logged in this process to stderr.

    plain   for commands that people run: only what is grave, as text
    traced  lines tell the span that they belong to
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_tokens,
    ]
    if traced:
        from ocpi_party.tracing.lines import with_span

        shared.insert(0, with_span)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(default=str),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s") if plain else formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.ERROR if plain else level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    # Requests are counted, and kept as messages: uvicorn asks whether anybody listens.
    access = logging.getLogger("uvicorn.access")
    access.handlers[:], access.propagate = [], False
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _without_tokens(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A last net: nobody means to log a token, but an error of a library may quote a header or a database URL."""
    for name, value in event.items():
        if isinstance(value, str) and (" " in value or "://" in value):
            event[name] = _SECRET.sub(r"\1:***@", _TOKEN.sub(r"\1 ***", value))
    return event
