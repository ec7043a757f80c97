"""Commands, Receiver interface: eMSPs send us commands. OCPI 2.2.1, Commands, "Receiver Interface"."""

from datetime import timedelta
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.database import WriteTx
from ocpi_party.modules.callbacks import inbound, repeated
from ocpi_party.modules.callbacks.inbound import Inbound
from ocpi_party.modules.callbacks.urls import check_response_url
from ocpi_party.modules.commands import reservations
from ocpi_party.modules.commands.checks import ACCEPTED, Verdict, verdict
from ocpi_party.modules.commands.kinds import KINDS, WITH_TOKEN, command_named, subject_of
from ocpi_party.modules.commands.operator import answers_within, ask, response_to_first
from ocpi_party.modules.commands.parties import narrow_to_owner
from ocpi_party.modules.commands.reservations import Whose
from ocpi_party.modules.tokens.commanded import note_command
from ocpi_party.ocpi.command import CommandResponse, CommandResultType, CommandType
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.status import StatusCode
from ocpi_party.ocpi.types import JsonObject, PartyId, encode, parse_time
from ocpi_party.partners.findings import note
from ocpi_party.transport.asked import Asked, CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import failure, success

router = APIRouter()


@router.post("")
async def post_nothing(asked: CurrentAsked) -> Response:
    raise UnknownObject("the URL must end with a command")


@router.post("/{command}")
async def post_command(request: Request, asked: CurrentAsked, command: IdInUrl) -> Response:
    wanted = command_named(command)
    reading = asked.spoken.read(KINDS[wanted], await json_object(request, asked))
    url = check_response_url(
        reading.document["response_url"], asked.partner, allow_private=asked.house.allow_private_urls
    )
    document = {name: value for name, value in reading.document.items() if name != "response_url"}
    told, taken = ACCEPTED, None
    async with asked.database.write() as tx:
        await narrow_to_owner(tx, asked, wanted, document)
        given = _inbound(asked, wanted, document, url)
        known = await repeated.first(tx, given)
        if known is None:
            told = await verdict(tx, asked, wanted, document)
            response = _response(told, asked.house.command_timeout)
            if reading.findings:
                await note(tx, asked.partner.id, ModuleId.COMMANDS, wanted, reading.findings)
            if told is ACCEPTED:
                taken = await _take_on(tx, asked, given, wanted, response)
    if known is not None:
        asked.about = f"{wanted}/{known.id}"
        response = await response_to_first(asked, given, known)
    elif taken is not None:
        asked.about = f"{wanted}/{taken.request_id}"
        if taken.is_open:
            response = await ask(asked, given, taken.request_id)
    spelled = asked.spoken.write(CommandResponse, response)
    if told.unknown_location:
        return failure(200, StatusCode.UNKNOWN_LOCATION, told.why, data=spelled)
    return success(spelled)


def _inbound(asked: Asked, command: CommandType, document: JsonObject, url: str) -> Inbound:
    sender = asked.sender
    if sender is None and command in WITH_TOKEN:
        sender = PartyId(document["token"]["country_code"], document["token"]["party_id"]).folded()
    return Inbound(
        module=ModuleId.COMMANDS,
        kind=command,
        partner_id=asked.partner.id,
        ours=str(asked.addressee),
        theirs=str(sender or ""),
        ref=subject_of(command, document),
        request=document,
        response_url=url,
        on_timeout={"result": CommandResultType.TIMEOUT},
    )


def _response(told: Verdict, timeout: timedelta) -> bytes:
    response: JsonObject = {"result": told.result, "timeout": int(timeout.total_seconds())}
    if told.why:
        response["message"] = [{"language": "en", "text": told.why}]
    return encode(response)


class Taken(NamedTuple):
    """A command that was kept. is_open  whether the operator's system takes it has to be asked"""

    request_id: int
    is_open: bool


async def _take_on(tx: WriteTx, asked: Asked, given: Inbound, command: CommandType, response: bytes) -> Taken:
    """Keep the command for the operator's system, which passes it on to the charge point."""
    whose = Whose(given.partner_id, given.ours, given.theirs)
    number = None
    if command is CommandType.RESERVE_NOW:
        number = await reservations.claim(tx, whose, given.request)
    elif command is CommandType.CANCEL_RESERVATION:
        number = next(iter(await reservations.find(tx, whose, given.request["reservation_id"])), None)
    is_unknown = command is CommandType.CANCEL_RESERVATION and number is None
    within = None if is_unknown else await answers_within(tx, asked)
    timeout = asked.house.command_timeout
    request_id = await inbound.open_request(tx, given, response, timeout, number=number, asked_within=within)
    if command is CommandType.RESERVE_NOW and number is not None:
        await reservations.asked_by(tx, number, request_id)
    if is_unknown:
        unknown = encode({"result": CommandResultType.UNKNOWN_RESERVATION})
        await inbound.settle(tx, ModuleId.COMMANDS, request_id, unknown, asked.house.keep_trying)
    if command in WITH_TOKEN:
        until = parse_time(given.request["expiry_date"]) if command is CommandType.RESERVE_NOW else None
        await note_command(tx, given.partner_id, given.ours, given.request, request_id=request_id, reserved_until=until)
    return Taken(request_id, within is not None)
