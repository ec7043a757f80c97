"""Answers of the operator's API with one document, and rows as documents; lists.py has pages of many."""

from collections.abc import Mapping, Sequence

from fastapi.responses import Response

from ocpi_party.database import Row
from ocpi_party.ocpi.types import JsonObject, encode, wire_time
from ocpi_party.owned.publish import Published, ahead


def as_json(
    value: JsonObject | list[JsonObject] | bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """value  a document or several, or their JSON as bytes"""
    body = value if isinstance(value, bytes) else encode(value)
    return Response(body, status, headers, "application/json")


def published(done: Published, warnings: Sequence[str] = ()) -> Response:
    """An object of ours as it is now; 201 if it is new. warnings  of its module"""
    return as_json(done.document, 201 if done.created else 200, advice([*warnings, *ahead(done.document)]))


def advice(warnings: Sequence[str]) -> dict[str, str]:
    """The header that says what the operator should think of, if there is anything (RFC 7234, "Warning")."""
    return {"Warning": ", ".join(f'299 - "{one}"' for one in warnings)} if warnings else {}


def told(row: Row) -> JsonObject:
    """A row by column name, moments as the wire spells them."""
    return {name: wire_time(value) if hasattr(value, "isoformat") else value for name, value in row.items()}
