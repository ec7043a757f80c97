"""Commands: the operator sends them as an eMSP, and as a CPO tells what came of those that it got."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from ocpi_party.backoffice.answers import as_json
from ocpi_party.backoffice.authorization import HELPDESK, READ, WRITE, CurrentBuilding
from ocpi_party.backoffice.errors import NotAllowed
from ocpi_party.backoffice.filters import UPPER, RequestState, one_of
from ocpi_party.backoffice.lists import LISTED, answer, asked_for
from ocpi_party.backoffice.writing import PathId, json_object
from ocpi_party.database import ReadTx, Row
from ocpi_party.modules.callbacks import inbound, outbound
from ocpi_party.modules.commands import reservations, results
from ocpi_party.modules.commands.kinds import WITH_TOKEN, command_named
from ocpi_party.modules.commands.parties import emsp_for
from ocpi_party.modules.commands.sending import send
from ocpi_party.modules.commands.view import inbound_view, outbound_views, reservation_view
from ocpi_party.ocpi.command import CommandType
from ocpi_party.ocpi.errors import InvalidObject, UnknownObject
from ocpi_party.ocpi.modules import ModuleId, Role
from ocpi_party.ocpi.types import JsonObject, PartyId
from ocpi_party.partners import repository as partners
from ocpi_party.transport.asked import Building

router = APIRouter(prefix="/commands", tags=["commands"])

RequestId = Annotated[int, Path(ge=1, le=2**62)]
_BODY = {
    "type": "object",
    "description": "the OCPI command without response_url, with country_code and party_id of the CPO",
}
_RESULT = {"type": "object", "title": "CommandResult", "description": "CommandResult of OCPI 2.2.1"}


def _body(schema: Mapping[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


@router.get("", dependencies=[READ, LISTED])
async def list_commands(
    request: Request,
    building: CurrentBuilding,
    direction: Annotated[Literal["inbound", "outbound"], Query()] = "outbound",
    state: RequestState = None,
) -> Response:
    """Commands, newest first: outbound are those that we sent as an eMSP, inbound those that our charge points must carry out."""
    wanted = asked_for(request, building)
    async with building.database.read() as tx:
        if direction == "inbound":
            rows, total = await inbound.page(tx, ModuleId.COMMANDS, wanted, state=one_of(inbound.State, state, "state"))
            views: Iterable[JsonObject] = [inbound_view(row) for row in rows]
        else:
            rows, total = await outbound.page(
                tx, ModuleId.COMMANDS, wanted, state=one_of(outbound.State, state, "state")
            )
            views = await outbound_views(tx, rows)
    return answer(request, building, wanted, list(views), total)


@router.get("/reservations", dependencies=[READ, LISTED])
async def list_reservations(
    request: Request,
    building: CurrentBuilding,
    state: Annotated[reservations.ReservationState | None, UPPER, Query()] = None,
) -> Response:
    """Reservations at our charge points, newest first; their id is what a station is told. Dates are of their end."""
    wanted = asked_for(request, building)
    async with building.database.read() as tx:
        rows, total = await reservations.page(tx, wanted, state=state)
    return answer(request, building, wanted, [reservation_view(row) for row in rows], total)


@router.post(
    "/reservations/{number}/cancel",
    status_code=202,
    dependencies=[WRITE],
    openapi_extra=_body({"type": "object", "description": "`message` for the driver, may be left out"}, required=False),
)
async def cancel_reservation(request: Request, building: CurrentBuilding, number: RequestId) -> Response:
    """Cancel a reservation at one of our charge points, as when it is broken; the eMSP is told."""
    body = await json_object(request, building) if await request.body() else {}
    async with building.database.write() as tx:
        await reservations.cancel(tx, number, body, building.keep_trying)
    building.wake()
    return as_json({"id": number, "state": "CANCELED"}, 202)


@router.get("/{request_id}", dependencies=[READ])
async def get_command(building: CurrentBuilding, request_id: RequestId) -> Response:
    """One command, sent or received, with its result as soon as there is one."""
    async with building.database.read() as tx:
        return as_json(await _view(tx, request_id))


async def _view(tx: ReadTx, request_id: int) -> JsonObject:
    sent: Row | None = await outbound.get(tx, ModuleId.COMMANDS, request_id)
    if sent is not None:
        return (await outbound_views(tx, [sent]))[0]
    received = await inbound.get(tx, ModuleId.COMMANDS, request_id)
    if received is None:
        raise UnknownObject(f"command {request_id}")
    return inbound_view(received)


@router.post("/{request_id}/result", status_code=202, dependencies=[WRITE], openapi_extra=_body(_RESULT))
async def post_result(request: Request, building: CurrentBuilding, request_id: RequestId) -> Response:
    """What came of a command at the charge point; the eMSP is told. 409, if it has a result already."""
    body = await json_object(request, building)
    async with building.database.write() as tx:
        result = await results.tell_result(tx, request_id, body, building.keep_trying)
    building.wake()
    return as_json({"id": request_id, "state": "RESULTED", "result": result}, 202)


@router.post(f"/{CommandType.UNLOCK_CONNECTOR}", status_code=202, dependencies=[HELPDESK], openapi_extra=_body(_BODY))
async def post_unlock_connector(request: Request, building: CurrentBuilding) -> Response:
    """Unlock a connector. Only for an operator or a help desk that talks to the driver, never for the driver alone (CMD-S-10)."""
    return await _send(building, CommandType.UNLOCK_CONNECTOR, await json_object(request, building))


@router.post("/{command}", status_code=202, dependencies=[WRITE], openapi_extra=_body(_BODY))
async def post_command(request: Request, building: CurrentBuilding, command: PathId) -> Response:
    """Send a command to a CPO. `response` is what it answers at once; the result is found under the id later.

    Of several eMSPs of ours the one sends it whose token, session or reservation it is about; from_country_code and
    from_party_id name another where there is no token.
    """
    wanted = command_named(command)
    if wanted is CommandType.UNLOCK_CONNECTOR:  # It was spelt in another case: its own endpoint asks for another scope.
        raise UnknownObject(f"the command {command}")
    return await _send(building, wanted, await json_object(request, building))


async def _send(building: Building, command: CommandType, body: JsonObject) -> Response:
    cpo = _party(body, "country_code", "party_id").folded()
    ours = await _our_emsp(building, command, cpo, body)
    document = {k: v for k, v in body.items() if k not in _ADDRESS}
    sent = await send(building, command, cpo, ours, document)
    return as_json(sent.told(), 202)


_ADDRESS = ("country_code", "party_id", "from_country_code", "from_party_id", "response_url")


def _party(body: JsonObject, country_code: str, party_id: str) -> PartyId:
    found = body.get(country_code), body.get(party_id)
    if not isinstance(found[0], str) or not isinstance(found[1], str):
        raise InvalidObject(f"/{country_code}", f"and {party_id} must name a party")
    try:
        return PartyId.parse(f"{found[0]}*{found[1]}")
    except InvalidObject as fault:
        raise InvalidObject(f"/{country_code}", fault.rule) from None


async def _our_emsp(building: Building, command: CommandType, cpo: PartyId, body: JsonObject) -> PartyId:
    """The eMSP of ours that sends. Raises InvalidObject, NotAllowed"""
    known = [party.key for party in await building.directory.own_parties() if party.role is Role.EMSP]
    token = body.get("token")
    if command in WITH_TOKEN and isinstance(token, dict):
        named = _party(token, "country_code", "party_id").folded()
    elif "from_country_code" in body:
        named = _party(body, "from_country_code", "from_party_id").folded()
    elif known:
        async with building.database.read() as tx:
            partner = await partners.way_to(tx, str(cpo), Role.CPO)
            known.sort(key=lambda one: partner is not None and not partner.deals_with(one))
            return await emsp_for(tx, command, cpo, body, known)
    else:
        raise NotAllowed("we are no eMSP")
    if named not in known:
        raise NotAllowed(f"{named} is no eMSP of ours: only our own tokens may be used")
    return named
