"""The operator's system tells what came of a command at the charge point. OCPI 2.2.1, Commands, "CommandResult"."""

from datetime import timedelta

from ocpi_party.database import WriteTx
from ocpi_party.dialects.dialect import read_own
from ocpi_party.modules.callbacks import inbound
from ocpi_party.modules.callbacks.inbound import ResultKnown
from ocpi_party.modules.commands import reservations
from ocpi_party.ocpi.command import CommandResult, CommandResultType
from ocpi_party.ocpi.errors import InvalidObject, UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, encode


async def tell_result(tx: WriteTx, request_id: int, body: JsonObject, keep_trying: timedelta) -> JsonObject:
    """The result is due to the eMSP; tells it as it is sent.

    Raises UnknownObject; InvalidObject; ResultKnown
    """
    result = read_own(CommandResult, body)
    if result["result"] == CommandResultType.CANCELED_RESERVATION:
        raise InvalidObject("/result", "is told by canceling the reservation")
    request = await inbound.get(tx, ModuleId.COMMANDS, request_id)
    if request is None:
        raise UnknownObject(f"command {request_id}")
    if not await inbound.settle(tx, ModuleId.COMMANDS, request_id, encode(result), keep_trying):
        raise ResultKnown("this command has its result already, or its time is over and the eMSP was told TIMEOUT")
    await reservations.resulted(tx, request, result["result"])
    return result
