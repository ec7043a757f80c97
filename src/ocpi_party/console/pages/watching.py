"""What went between partners and us: messages, what is not told yet, where partners deviate, and what waits for somebody."""

from typing import Final

from starlette.responses import Response

from ocpi_party.console.own_api import Failed
from ocpi_party.console.paging import paging
from ocpi_party.console.visit import Page, Place, Visit
from ocpi_party.ocpi.modules import ModuleId

FILTERS: Final = {
    "messages": ("partner", "direction", "module", "object", "correlation_id", "status"),
    "deliveries": ("partner", "module", "state"),
    "findings": ("partner", "module"),
}


def _listing(name: str) -> Page:
    async def page(visit: Visit) -> Response:
        filtered = {one: visit.query.get(one, "") for one in FILTERS[name]}
        window = {one: visit.query.get(one, "") for one in ("offset", "cursor")}
        answer = await visit.api.call("GET", f"/api/{name}", params=filtered | window)
        partners = (await visit.api.get("/api/partners")).data
        shown = {
            "filtered": filtered,
            "partners": partners,
            "names": {one["id"]: one["name"] for one in partners},
            "modules": list(ModuleId),
        }
        if answer.problem is not None:
            return visit.failed(f"{name}.html", answer, **shown)
        return visit.page(f"{name}.html", found=answer.data, paging=paging(visit.query, answer, FILTERS[name]), **shown)

    return page


async def message(visit: Visit) -> Response:
    one = (await visit.api.get(f"/api/messages/{visit.part('id')}")).data
    names = {partner["id"]: partner["name"] for partner in (await visit.api.get("/api/partners")).data}
    return visit.page("message.html", one=one, name=names.get(one["partner"]))


async def retry(visit: Visit) -> Response:
    partner = (await visit.form()).get("partner", "")
    body = {"partner": int(partner) if partner.isdigit() else None}
    answer = await visit.api.call("POST", "/api/deliveries/retry", body=body)
    if answer.problem is not None:
        raise Failed(answer.status, answer.problem)
    return visit.go("/deliveries", "retrying")


async def watch(visit: Visit) -> Response:
    return visit.page("watch.html", found=(await visit.api.get("/api/watch")).data)


PLACES = (
    *(Place(f"/{name}", _listing(name)) for name in FILTERS),
    Place("/messages/{id:int}", message),
    Place("/deliveries/retry", retry, "POST", "write"),
    Place("/watch", watch),
)
