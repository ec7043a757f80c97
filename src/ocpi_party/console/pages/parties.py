"""Our own parties."""

from starlette.responses import Response

from ocpi_party.console.visit import Place, Visit


async def listing(visit: Visit) -> Response:
    return visit.page("parties.html", parties=(await visit.api.get("/api/parties")).data, given={})


async def add(visit: Visit) -> Response:
    form = await visit.form()
    details = {"name": form.get("name", "")} | ({"website": form["website"]} if form.get("website") else {})
    body = {name: form.get(name, "") for name in ("country_code", "party_id", "role")} | {"business_details": details}
    answer = await visit.api.call("POST", "/api/parties", body=body)
    if answer.problem is not None:
        known = (await visit.api.get("/api/parties")).data
        return visit.failed("parties.html", answer, parties=known, given=form)
    return visit.go("/parties", "party")


PLACES = (Place("/parties", listing), Place("/parties", add, "POST", "admin"))
