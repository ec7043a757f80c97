"""The settings that this process runs with, without secrets, and the people who sign in with a password."""

from typing import Any

from starlette.responses import Response

from ocpi_party.backoffice.authorization import SCOPES
from ocpi_party.console import users
from ocpi_party.console.passwords import SHORTEST
from ocpi_party.console.visit import Place, Visit


async def listing(visit: Visit) -> Response:
    return await show(visit)


async def show(visit: Visit, status: int = 200, **told: Any) -> Response:
    async with visit.building.database.read() as tx:
        people = await users.users(tx)
    return visit.page(
        "settings.html",
        status,
        settings=visit.console.settings,
        people=people,
        scopes=SCOPES,
        shortest=SHORTEST,
        **told,
    )


PLACES = (Place("/settings", listing, scope="admin"),)
