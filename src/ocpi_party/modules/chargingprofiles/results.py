"""Our system tells what came of a request at the EVSE. OCPI 2.2.1, ChargingProfiles, "Sender Interface"."""

from datetime import timedelta

from ocpi_party.database import Row, Statement, WriteTx
from ocpi_party.dialects.dialect import read_own
from ocpi_party.modules.callbacks import inbound
from ocpi_party.modules.callbacks.inbound import ResultKnown
from ocpi_party.modules.chargingprofiles.kinds import RESULTS, Kind
from ocpi_party.ocpi.charging_profile import ChargingProfileResultType
from ocpi_party.ocpi.errors import InvalidObject, UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, encode

_REMEMBER = Statement(
    """INSERT INTO charging_profile_senders (session_seq, partner_id, party)
       SELECT seq, :partner_id, :party FROM sessions
        WHERE partner_id = 0 AND addressee = '' AND owner = :owner AND key = :key
       ON CONFLICT DO NOTHING"""
)


async def tell_result(tx: WriteTx, request_id: int, body: JsonObject, keep_trying: timedelta) -> JsonObject:
    """The result is due to the Sender; tells it as it is sent.

    Raises UnknownObject; InvalidObject; ResultKnown
    """
    request = await inbound.get(tx, ModuleId.CHARGING_PROFILES, request_id)
    if request is None:
        raise UnknownObject(f"request {request_id}")
    result = _checked(Kind(request["kind"]), body)
    if not await inbound.settle(tx, ModuleId.CHARGING_PROFILES, request_id, encode(result), keep_trying):
        raise ResultKnown("this request has its result already, or its time is over and the Sender was told REJECTED")
    if request["kind"] == Kind.SET and result["result"] == ChargingProfileResultType.ACCEPTED:
        await _remember(tx, request)
    return result


def _checked(kind: Kind, body: JsonObject) -> JsonObject:
    result = read_own(RESULTS[kind], body)
    if kind is Kind.ACTIVE and result["result"] == ChargingProfileResultType.ACCEPTED and "profile" not in result:
        raise InvalidObject("/profile", "is required with ACCEPTED")
    return result


async def _remember(tx: WriteTx, request: Row) -> None:
    """From now on the Sender hears of each change (CHP-R-12)."""
    named = {"owner": request["ours"], "key": request["ref"]}
    await tx.run(_REMEMBER, partner_id=request["partner_id"], party=request["theirs"], **named)
