"""console(): all pages, the files that they load, and the guard before them, mounted at /console."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from ocpi_party.console.guard import HOME, Guard
from ocpi_party.console.own_api import Failed
from ocpi_party.console.pages import (
    authorizing,
    charging_profiles,
    commands,
    events,
    keys,
    objects,
    overview,
    parties,
    partners,
    settings,
    signing_in,
    users,
    watching,
    webhooks,
)
from ocpi_party.console.rendering import Templates
from ocpi_party.console.visit import Console, Place, Visit
from ocpi_party.database import DatabaseUnavailable
from ocpi_party.transport.asked import Building
from ocpi_party.transport.paths import Interface

PLACES: tuple[Place, ...] = (
    *overview.PLACES,
    *signing_in.PLACES,
    *partners.PLACES,
    *parties.PLACES,
    *authorizing.PLACES,
    *commands.PLACES,
    *charging_profiles.PLACES,
    *events.PLACES,
    *watching.PLACES,
    *webhooks.PLACES,
    *keys.PLACES,
    *settings.PLACES,
    *users.PLACES,
    *objects.PLACES,
)
_ASSETS = Path(__file__).parent / "assets"


def add_console(
    api: FastAPI,
    building: Building,
    *,
    first_key: str,
    lasts: timedelta,
    settings: Sequence[tuple[str, str, str]],
    proxies: int = 0,
) -> None:
    """Mount the console beside the operator's API, which its pages ask.

    first_key  the API key that is not in the database
    lasts      how long somebody stays signed in
    settings   name, value and meaning of each, without secrets
    proxies    how many of ours stand before us and add to X-Forwarded-For
    """
    shared = Console(building, api, first_key, settings, lasts, proxies, Templates())
    app = Starlette(
        routes=[Mount("/assets", StaticFiles(directory=_ASSETS)), *(place.route(shared) for place in PLACES)],
        exception_handlers={kind: _error_page(shared) for kind in (Failed, HTTPException, DatabaseUnavailable)},
    )
    app.router.redirect_slashes = False
    api.router.routes.append(Interface(HOME, app=Guard(app, building, first_key)))
    api.add_api_route("/", _to_the_console, include_in_schema=False)


async def _to_the_console() -> Response:
    """For people who type in the host alone."""
    return RedirectResponse(HOME)


def _error_page(shared: Console) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Says what went wrong, in words."""

    async def page(request: Request, fault: Exception) -> Response:
        status, problem = 503, str(fault)
        if isinstance(fault, Failed):
            status = fault.status
        elif isinstance(fault, HTTPException):
            status = fault.status_code
            problem = "there is no such page" if status == 404 else "this cannot be done here"
        return Visit(request, shared).page("error.html", status, problem=problem)

    return page
