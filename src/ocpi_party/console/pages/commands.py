"""Commands: those that we send as eMSP, and those that our charge points must carry out; reservations."""

from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from ocpi_party.console.own_api import Failed
from ocpi_party.console.paging import by_offset
from ocpi_party.console.visit import Place, Visit
from ocpi_party.ocpi.command import CommandResultType, CommandType
from ocpi_party.ocpi.token import TokenType

FIELDS: Final = {
    CommandType.START_SESSION: ("location_id", "evse_uid", "connector_id", "authorization_reference"),
    CommandType.STOP_SESSION: ("session_id",),
    CommandType.RESERVE_NOW: ("reservation_id", "expiry_date", "location_id", "evse_uid", "authorization_reference"),
    CommandType.CANCEL_RESERVATION: ("reservation_id",),
    CommandType.UNLOCK_CONNECTOR: ("location_id", "evse_uid", "connector_id"),
}
OPTIONAL: Final = {
    CommandType.START_SESSION: ("evse_uid", "connector_id", "authorization_reference"),
    CommandType.RESERVE_NOW: ("evse_uid", "authorization_reference"),
}
_WITH_TOKEN = (CommandType.START_SESSION, CommandType.RESERVE_NOW)


async def listing(visit: Visit) -> Response:
    direction = "inbound" if visit.query.get("direction") == "inbound" else "outbound"
    asked = {"direction": direction, "state": visit.query.get("state", ""), "offset": visit.query.get("offset", "0")}
    answer = await visit.api.get("/api/commands", asked)
    return visit.page(
        "commands.html", found=answer.data, direction=direction, state=asked["state"], paging=by_offset(asked, answer)
    )


async def reservations(visit: Visit) -> Response:
    answer = await visit.api.get("/api/commands/reservations", {"offset": visit.query.get("offset")})
    return visit.page("reservations.html", found=answer.data, total=answer.total)


async def cancel_reservation(visit: Visit) -> Response:
    answer = await visit.api.call("POST", f"/api/commands/reservations/{visit.request.path_params['id']}/cancel")
    if answer.problem is not None:
        raise Failed(answer.status, answer.problem)
    return visit.go("/reservations", "canceled")


async def form(visit: Visit) -> Response:
    return await _form(visit, dict(visit.query))


async def _form(visit: Visit, given: dict[str, str], status: int = 200, problem: str | None = None) -> Response:
    command = _command(given.get("command", CommandType.START_SESSION))
    parties = (await visit.api.get("/api/parties")).data
    return visit.page(
        "command_new.html",
        status,
        command=command,
        commands=list(FIELDS),
        fields=FIELDS[command],
        optional=OPTIONAL.get(command, ()),
        with_token=command in _WITH_TOKEN,
        emsps=[f"{one['country_code']}*{one['party_id']}" for one in parties if one["role"] == "EMSP"],
        types=list(TokenType),
        given=given,
        problem=problem,
    )


def _command(name: str) -> CommandType:
    try:
        return CommandType(name)
    except ValueError:
        raise Failed(404, f"there is no command {name}") from None


async def send(visit: Visit) -> Response:
    given = await visit.form()
    command = _command(given.get("command", ""))
    try:
        body = await _body(visit, command, given)
    except Failed as fault:
        return await _form(visit, given, fault.status, str(fault))
    answer = await visit.api.call("POST", f"/api/commands/{command}", body=body)
    if answer.problem is not None:
        return await _form(visit, given, answer.status, answer.problem)
    return visit.go(f"/commands/{answer.data['id']}")


async def _body(visit: Visit, command: CommandType, given: dict[str, str]) -> dict[str, Any]:
    """The command as the API wants it; the token is one that we have. Raises Failed"""
    country_code, _, party_id = given.get("cpo", "").partition("*")
    body: dict[str, Any] = {"country_code": country_code, "party_id": party_id}
    body |= {name: given[name] for name in FIELDS[command] if given.get(name)}
    emsp = given.get("emsp", "").partition("*")
    if command in _WITH_TOKEN:
        path = "/".join(quote(part or "-", safe="") for part in (emsp[0], emsp[2], given.get("uid")))
        body["token"] = (await visit.api.get(f"/api/tokens/{path}", {"type": given.get("token_type")})).data
    elif given.get("emsp"):
        body |= {"from_country_code": emsp[0], "from_party_id": emsp[2]}
    return body


async def one(visit: Visit) -> Response:
    return visit.page("command.html", one=await _one(visit), results=list(CommandResultType))


async def live(visit: Visit) -> Response:
    """The part that changes: asked for again until the result is there."""
    return visit.page("command_live.html", one=await _one(visit))


async def _one(visit: Visit) -> dict[str, Any]:
    found: dict[str, Any] = (await visit.api.get(f"/api/commands/{visit.request.path_params['id']}")).data
    return found


async def result(visit: Visit) -> Response:
    given = await visit.form()
    body: dict[str, Any] = {"result": given.get("result", "")}
    if given.get("message"):
        body["message"] = [{"language": given.get("language") or "en", "text": given["message"]}]
    number = visit.request.path_params["id"]
    answer = await visit.api.call("POST", f"/api/commands/{number}/result", body=body)
    if answer.problem is not None:
        return visit.failed("command.html", answer, one=await _one(visit), results=list(CommandResultType))
    return visit.go(f"/commands/{number}", "result")


PLACES = (
    Place("/commands", listing),
    Place("/commands/new", form, scope="write"),
    Place("/commands", send, "POST", "write"),
    Place("/commands/{id:int}", one),
    Place("/commands/{id:int}/live", live),
    Place("/commands/{id:int}/result", result, "POST", "write"),
    Place("/reservations", reservations),
    Place("/reservations/{id:int}/cancel", cancel_reservation, "POST", "write"),
)
