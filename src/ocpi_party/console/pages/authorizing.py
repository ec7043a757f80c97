"""May this driver charge here? The question that a charge point asks, asked by hand."""

from urllib.parse import quote

from starlette.responses import Response

from ocpi_party.console.visit import Place, Visit
from ocpi_party.ocpi.token import TokenType


async def form(visit: Visit) -> Response:
    return await _show(visit, {name: visit.query.get(name, "") for name in ("uid", "type", "emsp")})


async def ask(visit: Visit) -> Response:
    given = await visit.form()
    country_code, _, party_id = (given.get("emsp") or "-*-").partition("*")
    path = "/".join(quote(part or "-", safe="") for part in (country_code, party_id, given.get("uid")))
    place: dict[str, object] = {"location_id": given["location_id"]} if given.get("location_id") else {}
    if place and given.get("evse_uid"):
        place["evse_uids"] = [given["evse_uid"]]
    params = {"type": given.get("type"), "cpo": given.get("cpo")}
    answer = await visit.api.call("POST", f"/api/tokens/{path}/authorize", params=params, body=place or None)
    if answer.problem is not None:
        return await _show(visit, given, answer.status, problem=answer.problem)
    return await _show(visit, given, told=answer.data)


async def _show(visit: Visit, given: dict[str, str], status: int = 200, **told: object) -> Response:
    parties = (await visit.api.get("/api/parties")).data
    cpos = [f"{one['country_code']}*{one['party_id']}" for one in parties if one["role"] == "CPO"]
    return visit.page("authorize.html", status, given=given, types=list(TokenType), cpos=cpos, **told)


PLACES = (Place("/authorize", form, scope="write"), Place("/authorize", ask, "POST", "write"))
