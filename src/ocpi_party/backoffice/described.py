"""What /openapi.json says: the bodies that endpoints read and write themselves, and what all operations have in common."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ocpi_party.backoffice.errors import PROBLEM_JSON, Problem
from ocpi_party.ocpi.types import JsonObject

Responses = dict[int | str, dict[str, Any]]

_SCHEMAS: Final = "#/components/schemas/"
_OBJECTS: Final[dict[str, type[BaseModel]]] = {Problem.__name__: Problem}
"""What is referred to, to be described once."""


def _ref(kind: type[BaseModel]) -> JsonObject:
    _OBJECTS[kind.__name__] = kind
    return {"$ref": _SCHEMAS + kind.__name__}


def body_of(kind: type[BaseModel], *, partial: bool = False, required: bool = True) -> JsonObject:
    """Documents a body that an endpoint reads itself: an object, or for a PATCH of one of OCPI's some of its fields."""
    changes = {"type": "object", "title": f"{kind.__name__}Changes", "description": "the fields that change"}
    schema = changes if partial else _ref(kind)
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def _json(description: str, schema: JsonObject) -> JsonObject:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def shown(kind: type[BaseModel]) -> Responses:
    """The answer is such an object."""
    return {200: _json(f"the {kind.__name__} as it stands now", _ref(kind))}


def stored(kind: type[BaseModel]) -> Responses:
    """The answer is such an object, and 201 if it is new."""
    return shown(kind) | {201: _json(f"the {kind.__name__}, which is new", _ref(kind))}


def listed(kind: type[BaseModel]) -> Responses:
    """The answer is a page of such objects."""
    return {200: _json(_PAGE, {"type": "array", "items": _ref(kind)})}


PROBLEM: Final = {"content": {PROBLEM_JSON: {"schema": _ref(Problem)}}}
UNREACHABLE: Final = PROBLEM | {"description": "the partner failed; `detail` says at which step"}

_DONE: Final = {
    "200": "done; what came of it",
    "201": "made; as it is now",
    "202": "taken on; what comes of it is told later",
    "204": "done; there is nothing to show",
}
_PROBLEMS: Final = {
    "400": "the body is no JSON",
    "401": "there is no valid key",
    "403": "the key may not do this, or the object is not ours",
    "404": "there is no such object",
    "409": "it does not go with what there is",
    "413": "the body is too large",
    "422": "the body or a parameter is not valid; `errors` says what and where",
    "503": "the database does not answer; `Retry-After` says when to try again",
    "default": "any other problem, as `status` and `title` say",
}
_ASKED: Final = "what was asked for"
_PAGE: Final = "one page of the list"
_OF_A_PAGE: Final = {
    "X-Total-Count": {"description": "how many there are on all pages", "schema": {"type": "integer"}},
    "X-Limit": {"description": "how many a page has at most", "schema": {"type": "integer"}},
    "Link": {"description": 'the next page, rel="next"; absent on the last one', "schema": {"type": "string"}},
}


def describe(api: FastAPI, prefix: str) -> JsonObject:
    """The OpenAPI description of all. prefix  of the operations whose errors are problems"""
    if api.openapi_schema is None:
        schema = FastAPI.openapi(api)
        schemas = schema["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            del schemas[name]
        schemas |= _objects()
        for path, operations in schema["paths"].items():
            if path.startswith(prefix):
                for method, operation in operations.items():
                    _complete(path, method, operation)
        api.openapi_schema = schema
    return api.openapi_schema


def _objects() -> JsonObject:
    _, found = models_json_schema(
        [(kind, "validation") for kind in _OBJECTS.values()], ref_template=_SCHEMAS + "{model}"
    )
    schemas: JsonObject = found["$defs"]
    for schema in schemas.values():
        fields = schema.get("properties", {}).keys()
        if "last_updated" in fields:
            # Whoever writes may leave it out, and of a client owned object what the URL says; all of it is in what we show.
            may_lack = {"last_updated"} | ({"country_code", "party_id", "id", "uid"} if "party_id" in fields else set())
            schema["required"] = [field for field in schema["required"] if field not in may_lack]
    return schemas


def _complete(path: str, method: str, operation: JsonObject) -> None:
    responses: JsonObject = operation["responses"]
    for status, response in responses.items():
        if response["description"] == "Successful Response":
            response["description"] = _ASKED if method == "get" and status == "200" else _DONE[status]
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if {"offset", "limit"} <= names:
        responses["200"] |= {"description": _PAGE, "headers": _OF_A_PAGE}
    for status in _problems(path, method, operation):
        responses[status] = {"description": _PROBLEMS[status], **PROBLEM}


def _problems(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    body = "requestBody" in operation
    yield from ("401", "403", "503", "default")
    if body:
        yield from ("400", "413")
    if body or operation.get("parameters"):
        yield "422"
    if "{" in path:
        yield "404"
    if method != "get":
        yield "409"
