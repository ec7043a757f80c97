"""Which methods a path has: what an answer with 405 says in its header Allow (RFC 9110, "Allow")."""

from collections.abc import Iterable
from typing import Final

from fastapi import Request
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import Scope

_METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")


def allow(*methods: str) -> str:
    """The value of the header. Where there is GET there is HEAD: see head.py."""
    return ", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods))


def allowed(request: Request) -> str:
    """Of all routes that the path of the request leads to, not only of the first; empty if there are none."""
    outermost = dict(request.scope) | {"root_path": request.scope.get("app_root_path", "")}
    return allow(*_methods(request.app.router.routes, outermost))


def _methods(routes: Iterable[BaseRoute], scope: Scope) -> set[str]:
    found: set[str] = set()
    for route in routes:
        match, below = route.matches(scope)
        if isinstance(route, Mount):
            found |= _methods(route.routes, {**scope, **below}) if match is not Match.NONE else set()
        else:
            found |= {one for one in _METHODS if route.matches({**scope, "method": one})[0] is Match.FULL}
    return found
