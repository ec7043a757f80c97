"""The settings that this process runs with, without secrets."""

from starlette.responses import Response

from ocpi_party.console.visit import Place, Visit


async def listing(visit: Visit) -> Response:
    return visit.page("settings.html", settings=visit.console.settings)


PLACES = (Place("/settings", listing, scope="admin"),)
