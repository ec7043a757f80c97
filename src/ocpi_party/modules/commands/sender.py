"""Commands, Sender interface: CPOs tell the results of our commands. OCPI 2.2.1, Commands, "Sender Interface"."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.database import Row
from ocpi_party.dialects.tolerance import Finding
from ocpi_party.modules.callbacks import outbound, telling
from ocpi_party.ocpi.command import CommandResult, CommandResultType, CommandType
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.partners.findings import note
from ocpi_party.transport.asked import CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import success
from ocpi_party.transport.paths import RESULTS

router = APIRouter()


@router.post(f"/{RESULTS}/{{secret}}")
async def post_result(request: Request, asked: CurrentAsked, secret: IdInUrl) -> Response:
    digest = asked.house.vault.digest(secret)
    async with asked.database.read() as tx:
        known = await outbound.by_secret(tx, ModuleId.COMMANDS, asked.partner.id, digest)
    if known is None:
        raise UnknownObject("no command of ours waits for a result here")
    asked.about = f"{known['kind']}/{known['id']}"
    strays = telling.strays(asked, known["theirs"])
    reading = asked.spoken.read(CommandResult, await json_object(request, asked))
    result = _meant(reading.document)
    async with asked.database.write() as tx:
        before = await outbound.receive(tx, ModuleId.COMMANDS, asked.partner.id, digest, result)
        odd = _of_another_command(known["kind"], result)
        findings = [*strays, *reading.findings, *odd, *(_contradiction(before, result) if before else ())]
        if findings:
            await note(tx, asked.partner.id, ModuleId.COMMANDS, known["kind"], findings)
    return success()


def _of_another_command(kind: str, result: JsonObject) -> list[Finding]:
    if result["result"] != CommandResultType.UNKNOWN_RESERVATION or kind == CommandType.CANCEL_RESERVATION:
        return []
    return [Finding("/result", f"UNKNOWN_RESERVATION is no result of {kind}: it asks for no reservation that there is")]


def _contradiction(request: Row, result: JsonObject) -> list[Finding]:
    """A command has one result; it may yet succeed after a TIMEOUT, and a reservation be canceled. request  as it was before"""
    known = [one["result"] for one in outbound.results_of(request)]
    if not known or result in known or known[-1]["result"] == CommandResultType.TIMEOUT:
        return []
    if (request["kind"], result["result"]) == (CommandType.RESERVE_NOW, CommandResultType.CANCELED_RESERVATION):
        return []
    return [Finding("/result", f"must be told once; it was {known[-1]['result']} before")]


def _meant(result: JsonObject) -> JsonObject:
    """A result that this version does not know is a failure (CMD-S-12); what was told stands beside it."""
    if result["result"] in set(CommandResultType):
        return result
    return result | {"result": CommandResultType.FAILED, "told": result["result"]}
