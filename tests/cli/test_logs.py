"""Logs: JSON lines with what belongs to them, and no token."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from ocpi_party.cli import logs


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What goes to stderr; logging is as before when the test ends."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure("info")
    yield written
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


def test_line_is_json_with_the_correlation_id(lines: io.StringIO) -> None:
    logging.getLogger("ocpi_party.somewhere").warning("partner %s is late", 7, extra={"correlation_id": "abc"})

    (line,) = lines.getvalue().splitlines()
    told = json.loads(line)
    assert (told["message"], told["level"], told["correlation_id"]) == ("partner 7 is late", "warning", "abc")
    assert told["timestamp"].endswith("Z")


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
