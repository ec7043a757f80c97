"""Messages, findings and deliveries: lists of the API that are shown as they are, where this server has them."""

from collections.abc import Iterator

from fastapi import FastAPI
from starlette.responses import Response

from ocpi_party.console.visit import Page, Place, Visit

LISTS = ("messages", "findings", "deliveries")
_KEPT = ("partner", "module", "q", "state", "correlation_id")
_MOST_COLUMNS = 7


def places(api: FastAPI) -> Iterator[Place]:
    """The lists that the API has."""
    known = {getattr(route, "path", "") for route in api.routes}
    return (Place(f"/{name}", _listing(name)) for name in LISTS if f"/api/{name}" in known)


def _listing(name: str) -> Page:
    async def page(visit: Visit) -> Response:
        filtered = {one: visit.query.get(one, "") for one in _KEPT}
        found = (await visit.api.get(f"/api/{name}", filtered | {"offset": visit.query.get("offset")})).data
        partners = (await visit.api.get("/api/partners")).data
        columns = [key for key, value in found[0].items() if not isinstance(value, dict | list)] if found else []
        return visit.page(
            "listed.html", name=name, found=found, columns=columns[:_MOST_COLUMNS], partners=partners, filtered=filtered
        )

    return page
