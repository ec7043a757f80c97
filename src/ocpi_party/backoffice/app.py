"""The operator's side of the server: the API at /api, health, and the documentation of the API."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI

from ocpi_party.backoffice import locations, objects, parties, partners, sessions
from ocpi_party.backoffice.errors import answer_errors
from ocpi_party.transport.asked import Building

ROUTERS: tuple[APIRouter, ...] = (parties.router, partners.router, objects.router, locations.router, sessions.router)


def backoffice(
    building: Building, *, api_key: str, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]
) -> FastAPI:
    """api_key  the first key, which may do everything"""
    api = FastAPI(
        title="ocpi-party",
        description="The operator's API. Bodies are OCPI 2.2.1 objects wherever OCPI has one.",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    api.state.building = building
    api.state.first_key = api_key
    answer_errors(api)
    for router in ROUTERS:
        api.include_router(router, prefix="/api")

    @api.get("/health/live", tags=["health"])
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    return api
