"""The operator's system is asked whether it takes a command, if it wants to be: its answer is the CommandResponse."""

import logging
from datetime import timedelta
from typing import Final

from ocpi_party.database import ReadTx, WriteTx
from ocpi_party.dialects.dialect import read_own
from ocpi_party.events.questions import NoAnswer, Question
from ocpi_party.modules.callbacks import inbound, repeated
from ocpi_party.modules.callbacks.inbound import Inbound
from ocpi_party.modules.callbacks.repeated import First
from ocpi_party.modules.commands import reservations
from ocpi_party.modules.tokens.commanded import forget_command
from ocpi_party.ocpi.command import CommandResponse, CommandResponseType, CommandResultType
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, encode
from ocpi_party.transport.asked import Asked
from ocpi_party.transport.errors import NotYet

log = logging.getLogger(__name__)

_LONGEST: Final = timedelta(days=1)
_MARGIN: Final = timedelta(seconds=5)
"""So long after the operator's system must have answered, what it said is written down."""
_SILENT: Final = "the system that passes commands on to the charge points does not answer"


async def answers_within(tx: ReadTx, asked: Asked) -> timedelta | None:
    """How long to wait until whoever asks the operator's system must have vanished; None, if it does not want to be asked."""
    within = await asked.house.answers_within(tx, Question.COMMAND)
    return None if within is None else within + _MARGIN


async def ask(asked: Asked, given: Inbound, request_id: int) -> bytes:
    """What the eMSP is answered to a command that was kept: as the operator's system says.

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
    timeout = asked.house.command_timeout
    silence = None
    try:
        answer = await asked.house.ask(Question.COMMAND, about, lambda answer: _read(answer, timeout))
        # Nobody wants to be asked any more: then a command is taken by being kept, as it is where nobody ever did.
        told = answer or _read({"result": CommandResponseType.ACCEPTED}, timeout)
    except NoAnswer as fault:
        log.warning("command %s is rejected: %s", request_id, fault)
        silence = str(fault)
        told = {"result": CommandResponseType.REJECTED, "timeout": 0, "message": [{"language": "en", "text": _SILENT}]}
    async with asked.database.write() as tx:
        await _settle(tx, request_id, told, silence)
        response = (await repeated.again(tx, request_id)).response
    asked.house.happenings.wake()
    return response


async def response_to_first(asked: Asked, given: Inbound, known: First) -> bytes:
    """What the same command was answered before, as soon as that is known. Raises NotYet, if the server stops meanwhile

    If the one who asked has vanished, the operator's system is asked once more about the same id.
    """
    happenings = asked.house.happenings
    while known.is_open:
        if not known.is_asked and await _take_over(asked, known.id):
            return await ask(asked, given, known.id)
        turn = happenings.turn
        async with asked.database.read() as tx:
            known = await repeated.again(tx, known.id)
        if known.is_open and known.is_asked and not await happenings.wait(turn):
            raise NotYet("whether the command is taken is not known yet")
    return known.response


async def _take_over(asked: Asked, request_id: int) -> bool:
    async with asked.database.write() as tx:
        return await repeated.take_over(tx, request_id, await answers_within(tx, asked) or _MARGIN)


def _read(answer: JsonObject, timeout: timedelta) -> JsonObject:
    """CommandResponse; timeout may be left out, or 0, and a message not be in a list. Raises InvalidObject"""
    message = answer.get("message")
    told = read_own(
        CommandResponse,
        {"timeout": int(timeout.total_seconds())}
        | {name: value for name, value in answer.items() if value is not None and (name, value) != ("timeout", 0)}
        | ({"message": [message]} if isinstance(message, dict) else {}),
    )
    if not 0 <= told["timeout"] <= _LONGEST.total_seconds():
        raise InvalidObject("/timeout", "must be the seconds of a day at most")
    return told


async def _settle(tx: WriteTx, request_id: int, told: JsonObject, silence: str | None) -> None:
    accepted = told["result"] == CommandResponseType.ACCEPTED
    promised = timedelta(seconds=int(told["timeout"]))
    if not await repeated.answer(tx, request_id, encode(told), promised, refused=not accepted, silence=silence):
        return  # Its result came before this answer: then it was taken.
    if not accepted:
        request = await inbound.get(tx, ModuleId.COMMANDS, request_id)
        assert request is not None  # It was changed just now.
        await reservations.resulted(tx, request, CommandResultType.REJECTED)
        await forget_command(tx, request_id)
