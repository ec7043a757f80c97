"""The operator's system is asked whether it takes a command, if it wants to be: its answer is the CommandResponse."""

import logging
from datetime import timedelta
from typing import Final

from ocpi_party.database import WriteTx
from ocpi_party.dialects.dialect import read_own
from ocpi_party.events.questions import NoAnswer, Question
from ocpi_party.modules.callbacks import inbound
from ocpi_party.modules.callbacks.inbound import Inbound
from ocpi_party.modules.commands import reservations
from ocpi_party.modules.tokens.commanded import forget_command
from ocpi_party.ocpi.command import CommandResponse, CommandResponseType, CommandResultType
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, encode
from ocpi_party.transport.asked import Asked

log = logging.getLogger(__name__)

_LONGEST: Final = timedelta(days=1)
_SILENT: Final = "the system that passes commands on to the charge points does not answer"


async def response_of(asked: Asked, given: Inbound, request_id: int, response: bytes, noted_token: int | None) -> bytes:
    """What the eMSP is answered to a command that was kept: as the operator's system says, or as before, if none is asked.

    Somebody who is to be asked and is silent has not taken the command: then it is REJECTED.
    """
    about = {
        "id": request_id,
        "command": given.kind,
        "partner": given.partner_id,
        "ours": given.ours,
        "theirs": given.theirs or None,
        "request": given.request,
        "correlation_id": asked.correlation_id,
    }
    try:
        answer = await asked.house.ask(Question.COMMAND, about)
        if answer is None:
            return response
        told = _read(answer, asked.house.command_timeout)
    except (NoAnswer, InvalidObject) as fault:
        log.warning("command %s is rejected: %s", request_id, fault)
        told = {"result": CommandResponseType.REJECTED, "timeout": 0, "message": [{"language": "en", "text": _SILENT}]}
    async with asked.database.write() as tx:
        return await _settled(tx, request_id, told, response, noted_token)


def _read(answer: JsonObject, timeout: timedelta) -> JsonObject:
    """CommandResponse; timeout may be left out, and a message that is not in a list. Raises InvalidObject"""
    message = answer.get("message")
    told = read_own(
        CommandResponse,
        {"timeout": int(timeout.total_seconds())}
        | {name: value for name, value in answer.items() if value is not None}
        | ({"message": [message]} if isinstance(message, dict) else {}),
    )
    if not 0 <= told["timeout"] <= _LONGEST.total_seconds():
        raise InvalidObject("/timeout", "must be the seconds of a day at most")
    return told


async def _settled(tx: WriteTx, request_id: int, told: JsonObject, response: bytes, noted_token: int | None) -> bytes:
    accepted = told["result"] == CommandResponseType.ACCEPTED
    document = encode(told)
    promised = timedelta(seconds=int(told["timeout"]))
    if not await inbound.answer(tx, request_id, document, promised, refused=not accepted):
        return response  # Its result came before this answer: then it was taken.
    if not accepted:
        request = await inbound.get(tx, ModuleId.COMMANDS, request_id)
        assert request is not None  # It was changed just now.
        await reservations.resulted(tx, request, CommandResultType.REJECTED)
        if noted_token is not None:
            await forget_command(tx, noted_token)
    return document
