"""Charging profiles, Sender interface: CPOs tell results of our requests, and what EVSEs are planning.

OCPI 2.2.1, ChargingProfiles, "Sender Interface".
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.database import Row, Statement, WriteTx
from ocpi_party.modules.callbacks import outbound, telling
from ocpi_party.modules.chargingprofiles import active
from ocpi_party.modules.chargingprofiles.kinds import RESULTS
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.ocpi.charging_profile import ActiveChargingProfile, ChargingProfileResultType
from ocpi_party.ocpi.errors import InvalidObject, UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, PartyId, fold
from ocpi_party.owned import receive, repository
from ocpi_party.owned.table import Ref
from ocpi_party.partners.findings import note
from ocpi_party.transport.asked import Asked, CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import success
from ocpi_party.transport.paths import RESULTS as RESULTS_SEGMENT

router = APIRouter()

_NAMED = Statement(
    """SELECT seq, partner_id, addressee, owner, document->>'id' AS id FROM sessions
        WHERE partner_id = :partner_id AND addressee = ANY(:addressees) AND owner = ANY(:owners) AND key = :key AND NOT gone
        ORDER BY seq FOR UPDATE"""
)


@router.post(f"/{RESULTS_SEGMENT}/{{secret}}")
async def post_result(request: Request, asked: CurrentAsked, secret: IdInUrl) -> Response:
    """A result may come late, and more than once."""
    digest = asked.house.vault.digest(secret)
    async with asked.database.read() as tx:
        known = await outbound.by_secret(tx, ModuleId.CHARGING_PROFILES, asked.partner.id, digest)
    if known is None:
        raise UnknownObject("no request of ours waits for a result here")
    asked.about = f"{known['kind']}/{known['id']}"
    strays = telling.strays(asked, known["theirs"])
    reading = asked.spoken.read(RESULTS[known["kind"]], await json_object(request, asked))
    result = _meant(reading.document)
    async with asked.database.write() as tx:
        await outbound.receive(tx, ModuleId.CHARGING_PROFILES, asked.partner.id, digest, result)
        if findings := (*strays, *reading.findings):
            await note(tx, asked.partner.id, ModuleId.CHARGING_PROFILES, known["kind"], findings)
        await _keep_plan(tx, known, result)
    return success()


def _meant(result: JsonObject) -> JsonObject:
    """A result that this version does not know was not accepted; what was told stands beside it."""
    if result["result"] in set(ChargingProfileResultType):
        return result
    return result | {"result": ChargingProfileResultType.UNKNOWN, "told": result["result"]}


async def _keep_plan(tx: WriteTx, request: Row, result: JsonObject) -> None:
    """The answer to GET is also what is planned for the session."""
    if "profile" not in result or result["result"] != ChargingProfileResultType.ACCEPTED:
        return
    ref = Ref(request["partner_id"], request["ours"], request["theirs"], request["ref"])
    session = await repository.lock(tx, SESSIONS, ref)
    if session is not None:
        await active.keep(tx, session.seq, result["profile"])


@router.put("/{session_id}")
async def put_active_charging_profile(request: Request, asked: CurrentAsked, session_id: IdInUrl) -> Response:
    """The URL names no owner: session ids are those of the party that tells (CHP-S-04)."""
    reading = asked.spoken.read(ActiveChargingProfile, await json_object(request, asked))
    async with asked.database.write() as tx:
        session = await _named(tx, asked, session_id)
        shown = Ref(session["partner_id"], session["addressee"], session["owner"], session["id"])
        # An older plan was overtaken on its way; the partner that told it did nothing wrong.
        if await active.keep(tx, session["seq"], reading.document):
            await receive.tell(tx, ModuleId.CHARGING_PROFILES, shown)
        if reading.findings:
            await note(tx, asked.partner.id, ModuleId.CHARGING_PROFILES, str(shown), reading.findings)
    return success()


async def _named(tx: WriteTx, asked: Asked, session_id: str) -> Row:
    """The one session that is meant. Raises UnknownObject; InvalidObject, if it could be several"""
    sender: PartyId | None = asked.sender
    owners = [str(sender)] if sender else [str(party.key) for party in asked.partner.parties]
    rows = await tx.rows(
        _NAMED, partner_id=asked.partner.id, addressees=asked.owners, owners=owners, key=fold(session_id)
    )
    if not rows:
        raise UnknownObject(session_id)
    if len(rows) > 1:
        raise InvalidObject("", "several sessions have this id: OCPI-from and OCPI-to must say which is meant")
    return rows[0]
