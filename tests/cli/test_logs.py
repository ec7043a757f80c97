"""Logs: JSON lines with what belongs to them, and no token."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider

from ocpi_party.cli import logs
from ocpi_party.settings import Settings


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What goes to stderr; logging is as before when the test ends."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure_server(Settings(_env_file=None, **getattr(request, "param", {})))
    yield written
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


def test_line_is_json_with_the_correlation_id(lines: io.StringIO) -> None:
    logging.getLogger("ocpi_party.somewhere").warning("partner %s is late", 7, extra={"correlation_id": "abc"})

    (line,) = lines.getvalue().splitlines()
    told = json.loads(line)
    assert (told["message"], told["level"], told["correlation_id"]) == ("partner 7 is late", "warning", "abc")
    assert told["timestamp"].endswith("Z")


@pytest.mark.parametrize("lines", [{"otlp_endpoint": "http://collector:4318"}], indirect=True)
def test_line_tells_the_span_it_was_written_in(lines: io.StringIO) -> None:
    logger = logging.getLogger("ocpi_party.somewhere")
    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("request") as span:
        logger.warning("within")
    logger.warning("outside")

    within, outside = (json.loads(line) for line in lines.getvalue().splitlines())
    context = span.get_span_context()
    assert (within["trace_id"], within["span_id"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert not {"trace_id", "span_id"} & outside.keys()


def test_without_a_collector_lines_cost_no_look_for_a_span(lines: io.StringIO) -> None:
    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("request"):
        logging.getLogger("ocpi_party.somewhere").warning("within")

    (line,) = lines.getvalue().splitlines()
    assert "trace_id" not in json.loads(line)


@pytest.mark.parametrize(
    "words",
    [
        "header Authorization: Token c2VjcmV0LXRva2Vu",
        "{'authorization': 'Bearer c2VjcmV0LXRva2Vu'}",
        "cannot reach postgresql://ocpi:c2VjcmV0LXRva2Vu@host/db",
    ],
)
def test_token_that_a_library_quotes_is_masked(lines: io.StringIO, words: str) -> None:
    try:
        raise ValueError(words)
    except ValueError:
        logging.getLogger("library").exception("it failed: %s", words)

    assert "c2VjcmV0LXRva2Vu" not in lines.getvalue()
    assert "***" in lines.getvalue()


def test_requests_are_not_logged_one_by_one(lines: io.StringIO) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://partner.example/ocpi")
    logging.getLogger("uvicorn.access").info("GET /ocpi 200")

    assert lines.getvalue() == ""
