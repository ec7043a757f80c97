"""Commands, Sender interface: CPOs tell the results of our commands. OCPI 2.2.1, Commands, "Sender Interface"."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.callbacks import outbound
from ocpi_party.modules.callbacks.urls import RESULTS
from ocpi_party.ocpi.command import CommandResult, CommandResultType
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.partners.findings import note
from ocpi_party.transport.asked import CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import success

router = APIRouter()


@router.post(f"/{RESULTS}/{{secret}}")
async def post_result(request: Request, asked: CurrentAsked, secret: IdInUrl) -> Response:
    digest = asked.house.vault.digest(secret)
    async with asked.database.read() as tx:
        known = await outbound.by_secret(tx, ModuleId.COMMANDS, asked.partner.id, digest)
    if known is None:
        raise UnknownObject("no command of ours waits for a result here")
    asked.about = f"{known['kind']}/{known['id']}"
    reading = asked.spoken.read(CommandResult, await json_object(request, asked))
    async with asked.database.write() as tx:
        await outbound.receive(tx, ModuleId.COMMANDS, asked.partner.id, digest, _meant(reading.document))
        if reading.findings:
            await note(tx, asked.partner.id, ModuleId.COMMANDS, known["kind"], reading.findings)
    asked.house.happenings.wake()
    return success()


def _meant(result: JsonObject) -> JsonObject:
    """A result that this version does not know is a failure (CMD-S-12); what was told stands beside it."""
    if result["result"] in set(CommandResultType):
        return result
    return result | {"result": CommandResultType.FAILED, "told": result["result"]}
