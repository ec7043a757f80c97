"""The operator's side of the server: the API at /api, health, and the documentation of the API."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, Depends, FastAPI
from fastapi.telemetry import TelemetryConfig

from ocpi_party.backoffice import (
    authorizing,
    cdrs,
    chargingprofiles,
    commands,
    deliveries,
    described,
    display,
    documentation,
    events,
    health,
    locations,
    messages,
    metrics,
    objects,
    oversight,
    parties,
    partners,
    sessions,
    sync,
    tariffs,
    tokens,
    webhooks,
)
from ocpi_party.backoffice.errors import answer_errors
from ocpi_party.backoffice.filters import without_nul
from ocpi_party.transport.asked import Building
from ocpi_party.transport.head import Head

OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own spans, which it would begin as soon as some tool traces this process, hold paths and queries: see tracing."""

ROUTERS: tuple[APIRouter, ...] = (
    parties.router,
    partners.router,
    sync.router,
    objects.router,
    locations.router,
    display.router,
    commands.router,
    sessions.router,
    chargingprofiles.router,
    tokens.router,
    tariffs.router,
    cdrs.router,
    authorizing.router,
    events.router,
    webhooks.router,
    messages.router,
    deliveries.router,
    oversight.router,
)


def backoffice(
    building: Building,
    *,
    api_key: str,
    life: health.Life,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
) -> FastAPI:
    """api_key  the first key, which may do everything"""
    api = FastAPI(
        title="ocpi-party",
        description="The operator's API. Bodies are OCPI 2.2.1 objects wherever OCPI has one.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,  # FastAPI's own pages load from a CDN.
        redoc_url=None,
        telemetry=OFF,
    )
    api.state.building = building
    api.state.first_key = api_key
    api.state.life = life
    answer_errors(api)
    for router in ROUTERS:
        api.include_router(router, prefix=metrics.API, dependencies=[Depends(without_nul)])

    for router in (health.router, metrics.router, documentation.router):
        api.include_router(router)
    api.mount("/docs/assets", documentation.assets())
    api.openapi = lambda: described.describe(api, metrics.API)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    api.add_middleware(Head)
    api.add_middleware(metrics.CountRequests)
    return api
