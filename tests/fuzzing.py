"""Requests that nobody thought of: made from a schema by schemathesis, sent to a server of ours in this process."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from typing import Any

import httpx
import schemathesis
import uvloop
from fastapi import APIRouter
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from ocpi_party.modules.registry import MODULES, credentials, versions
from ocpi_party.ocpi.modules import FUNCTIONAL, InterfaceRole, ModuleId, Role, role_with
from ocpi_party.ocpi.types import JsonObject
from tests.objects import (
    a_cdr,
    a_charging_profile,
    a_client_info,
    a_location,
    a_session,
    a_start_session,
    a_tariff,
    a_token,
)
from tests.objects import credentials as a_credentials
from tests.server import Server, start_server

BODIES: Mapping[str, JsonObject] = {
    ModuleId.LOCATIONS: a_location(),
    ModuleId.TARIFFS: a_tariff(),
    ModuleId.SESSIONS: a_session(),
    ModuleId.CDRS: a_cdr(),
    ModuleId.TOKENS: a_token(),
    ModuleId.COMMANDS: a_start_session(),
    ModuleId.CHARGING_PROFILES: {"charging_profile": a_charging_profile(), "response_url": "https://tnm.example/back"},
    ModuleId.HUB_CLIENT_INFO: a_client_info(),
}
_TEXT = {"type": "string"}
_NAMED = {"country_code": ["NL", "DE", "xx", "%00", "é"], "party_id": ["OWA", "TNM", "x", ""]}
_QUERY = ("offset", "limit", "date_from", "date_to", "cursor", "type", "duration", "response_url")


def ocpi_schema() -> dict[str, Any]:
    """An OpenAPI schema of all that is mounted under /ocpi; partners get none, so it is made here, from the routes."""
    paths: dict[str, Any] = {}
    for module in MODULES:
        for interface, router in ((InterfaceRole.SENDER, module.sender), (InterfaceRole.RECEIVER, module.receiver)):
            if router is not None:
                sides = [role_with(module.id, interface)] if module.id in FUNCTIONAL else list(Role)[:2]
                for side in sides:
                    _describe(paths, f"/ocpi/{side.value.lower()}/2.2.1/{module.id}", router, BODIES.get(module.id))
    for router in (credentials.router, versions.router):
        _describe(paths, "/ocpi", router, a_credentials())
    return {"openapi": "3.1.0", "info": {"title": "OCPI", "version": "2.2.1"}, "paths": paths}


def _describe(paths: dict[str, Any], prefix: str, router: APIRouter, body: JsonObject | None) -> None:
    for route in router.routes:
        assert isinstance(route, APIRoute)
        operations = paths.setdefault(prefix + route.path_format, {})
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}:
            operations[method.lower()] = _operation(list(route.param_convertors), method, body)


def _operation(path_names: list[str], method: str, body: JsonObject | None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "parameters": [
            *({"name": n, "in": "path", "required": True, "schema": _part(n)} for n in path_names),
            *({"name": n, "in": "query", "schema": {"anyOf": [{"type": "integer"}, _TEXT]}} for n in _QUERY),
            {"name": "ocpi-to-party-id", "in": "header", "schema": _TEXT},
        ],
        "responses": {"200": {"description": "an envelope"}},
    }
    if body is not None and method in ("POST", "PUT", "PATCH"):
        operation["requestBody"] = {"content": {"application/json": {"schema": _schema_of(body)}}}
    return operation


def _part(name: str) -> dict[str, Any]:
    return {"anyOf": [{"enum": _NAMED[name]}, _TEXT]} if name in _NAMED else _TEXT


def _schema_of(body: JsonObject) -> dict[str, Any]:
    """Documents of which each field is as it should be, or anything."""
    fields = {name: {"anyOf": [{"const": value}, {}]} for name, value in body.items()}
    return {"type": "object", "properties": fields, "required": list(body)[:3]}


def without_patterns(part: Any) -> Any:
    """Patterns with \\P are beyond the generator, and what breaks them is what a fuzzer is for."""
    if isinstance(part, list):
        return [without_patterns(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {name: without_patterns(value) for name, value in part.items() if name != "pattern"}


class Fuzzed:
    """A server in an event loop of its own: Hypothesis calls test functions that are not asynchronous."""

    def __init__(self, runner: asyncio.Runner, server: Server) -> None:
        self.run: Callable[[Any], Any] = runner.run
        self.server = server

    def get(self, url: str) -> Any:
        return self.run(self.server.operator.get(url)).json()

    def ask(self, case: Case[Any], headers: Mapping[str, str]) -> httpx.Response:
        async def send() -> httpx.Response:
            http = self.server.operator
            request = http.build_request(
                case.method,
                case.formatted_path,
                params=_flat(case.query),
                content=_body(case),
                headers=_plain(case.headers) | {"content-type": "application/json"} | dict(headers),
            )
            return await http.send(request)

        answer: httpx.Response = self.run(send())
        return answer


def _flat(query: Mapping[str, Any] | None) -> dict[str, Any]:
    return {str(name): value if isinstance(value, list) else str(value) for name, value in (query or {}).items()}


def _plain(headers: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: str(value).encode("ascii", "ignore").decode().strip() for name, value in (headers or {}).items()}


def _body(case: Case[Any]) -> bytes | None:
    try:
        return json.dumps(case.body).encode("utf-8", "replace")
    except TypeError:  # there is none, or it is no JSON
        return case.body if isinstance(case.body, bytes) else None


@contextmanager
def fuzzed(database_url: str) -> Iterator[Fuzzed]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()
        # However much is asked, nothing of it must reach any host: the internet of a test server has none.
        server = runner.run(_entered(stack, database_url))
        try:
            yield Fuzzed(runner, server)
        finally:
            runner.run(stack.aclose())


async def _entered(stack: AsyncExitStack, database_url: str) -> Server:
    server = await stack.enter_async_context(start_server(database_url, auth_cache_seconds=60))
    await server.add_party("NL", "OWA", "CPO")
    await server.add_party("NL", "OWM", "EMSP")
    return server


def each_case(
    schema: dict[str, Any],
    ask: Callable[[Case[Any]], None],
    *,
    examples: int,
    modes: Sequence[GenerationMode] = tuple(GenerationMode),
    leave_out: tuple[str, ...] = (),
) -> int:
    """Ask everything that the schema offers, in ways that it allows and in ways that it does not; tells how many operations."""
    found = 0
    for result in schemathesis.openapi.from_dict(schema).get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        if operation.path in leave_out:
            continue
        found += 1
        for mode in modes:
            _try(operation.as_strategy(generation_mode=mode), ask, examples)
    return found


def _try(strategy: Any, ask: Callable[[Case[Any]], None], examples: int) -> None:
    @settings(
        derandomize=True,
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def asking(case: Case[Any]) -> None:
        ask(case)

    with suppress(Unsatisfiable):  # nothing in this operation can be broken
        asking()
