"""The operator's side of the server: the API, health, metrics."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from ocpi_party.transport.asked import Building


def backoffice(
    building: Building, *, api_key: str, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]
) -> FastAPI:
    api = FastAPI(title="ocpi-party", lifespan=lifespan)

    @api.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    return api
