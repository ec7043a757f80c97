"""Answers of the operator's API with one document; lists.py has those with many."""

from collections.abc import Mapping

from fastapi.responses import Response

from ocpi_party.ocpi.types import encode
from ocpi_party.owned.publish import Published


def as_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """value  a document, or its JSON as bytes"""
    body = value if isinstance(value, bytes) else encode(value)
    return Response(body, status, headers, "application/json")


def published(done: Published, headers: Mapping[str, str] | None = None) -> Response:
    """An object of ours as it is now; 201 if it is new."""
    return as_json(done.document, 201 if done.created else 200, headers)
