"""What an EVSE is planning for a session, and who hears when that changes. OCPI 2.2.1, ChargingProfiles, "PUT Method"."""

from datetime import timedelta

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.dialects.dialect import read_own
from ocpi_party.modules.locations import repository as locations
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.ocpi.charging_profile import ActiveChargingProfile, ChargingRateUnit
from ocpi_party.ocpi.errors import InvalidObject, Refusal, UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.session import SessionStatus
from ocpi_party.ocpi.types import JsonObject, document_of, encode, fold, now, parse_time, wire_time
from ocpi_party.outbox import marking
from ocpi_party.owned import repository
from ocpi_party.owned.repository import Stored
from ocpi_party.owned.table import Ref

SHORTEST, LONGEST = timedelta(minutes=5), timedelta(minutes=60)
"""How long a profile is that we tell by ourselves; a Sender that wants more can ask for it (CHP-R-14)."""


class NotCharging(Refusal):
    """The session is not ACTIVE: nothing is planned for it."""


_AHEAD = "now() + interval '5 minutes'"
# A profile that was calculated before the one we have was overtaken on its way. A time far in the future is a wrong clock, and
# must not keep later profiles out (AMB-28).
_KEEP = Statement(
    f"""INSERT INTO active_charging_profiles AS a (session_seq, document, calculated_at)
       VALUES (:seq, CAST(:document AS json), :at)
       ON CONFLICT (session_seq) DO UPDATE
          SET document = excluded.document, calculated_at = excluded.calculated_at, told_at = now()
        WHERE a.calculated_at <= excluded.calculated_at OR a.calculated_at > {_AHEAD}"""
)
_JUST_AHEAD = Statement(
    f"""SELECT calculated_at FROM active_charging_profiles
         WHERE session_seq = :seq AND calculated_at > now() AND calculated_at <= {_AHEAD}"""
)
_SENDERS = Statement("SELECT partner_id, party FROM charging_profile_senders WHERE session_seq = :seq ORDER BY 1, 2")
_OF_SESSION = Statement(
    """SELECT s.partner_id, a.document, a.told_at FROM active_charging_profiles a JOIN sessions s ON s.seq = a.session_seq
        WHERE s.owner = :owner AND s.key = :key AND s.status NOT IN ('COMPLETED', 'INVALID') AND NOT s.gone
          AND (CAST(:partner_id AS bigint) IS NULL OR s.partner_id = :partner_id)
        ORDER BY s.partner_id <> 0, a.told_at DESC LIMIT 1"""
)


async def keep(tx: WriteTx, session_seq: int, profile: JsonObject) -> bool:
    """What is planned for a session. False, if we know a plan that was made later"""
    at = parse_time(profile["start_date_time"])
    return await tx.run(_KEEP, seq=session_seq, document=encode(profile).decode(), at=at) == 1


async def of_session(tx: ReadTx, owner: str, session_id: str, partner_id: int | None) -> Row | None:
    """What is planned for a session that is not over, ours first: document, told_at."""
    return await tx.row(_OF_SESSION, owner=owner, key=fold(session_id), partner_id=partner_id)


async def report(tx: WriteTx, ref: Ref, body: JsonObject) -> JsonObject:
    """The plan of a session of ours changed: each Sender that has successfully set a profile for it is told.

    Raises UnknownObject; NotCharging; InvalidObject
    """
    session, _ = await _charging(tx, ref)
    profile = read_own(ActiveChargingProfile, body)
    duration = profile["charging_profile"].get("duration")
    if duration is not None and not SHORTEST.total_seconds() <= duration <= LONGEST.total_seconds():
        raise InvalidObject("/charging_profile/duration", "must be 300 to 3600 seconds: Senders ask for longer ones")
    await _tell(tx, session, profile)
    return profile


async def report_none(tx: WriteTx, ref: Ref) -> JsonObject:
    """No profile is active any more: what is told is the maximum of the EVSE (CHP-R-15)."""
    session, document = await _charging(tx, ref)
    evse = await locations.evse(tx, ref._replace(key=fold(document["location_id"])), document["evse_uid"])
    connector = locations.connector_of(evse, document["connector_id"]) if evse else None
    if connector is None:
        raise InvalidObject("/connector_id", "is not known: what its maximum is has to be told")
    # The clock at the charge point may be ahead of ours: whom it told of its plan must not take this one for older.
    at = await tx.value(_JUST_AHEAD, seq=session.seq) or now()
    profile = {"start_date_time": wire_time(at), "charging_profile": _maximum(document_of(connector))}
    await _tell(tx, session, profile)
    return profile


def _maximum(connector: JsonObject) -> JsonObject:
    power = connector.get("max_electric_power")
    unit, limit = (ChargingRateUnit.W, power) if power else (ChargingRateUnit.A, connector["max_amperage"])
    return {"charging_rate_unit": unit, "charging_profile_period": [{"start_period": 0, "limit": limit}]}


async def _charging(tx: WriteTx, ref: Ref) -> tuple[Stored, JsonObject]:
    session = await repository.lock(tx, SESSIONS, ref)
    if session is None:
        raise UnknownObject(ref)
    document = document_of(session.document)
    if document["status"] != SessionStatus.ACTIVE:
        raise NotCharging(f"the session is {document['status']}")
    return session, document


async def _tell(tx: WriteTx, session: Stored, profile: JsonObject) -> None:
    if not await keep(tx, session.seq, profile):
        raise InvalidObject("/start_date_time", "is older than the plan that we have")
    for sender in await tx.rows(_SENDERS, seq=session.seq):
        ref = str(session.ref)
        await marking.mark_party(tx, ModuleId.CHARGING_PROFILES, ref, sender["partner_id"], sender["party"])
