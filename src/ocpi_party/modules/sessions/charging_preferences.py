"""What drivers prefer while they charge. OCPI 2.2.1, Sessions, "Set: Charging Preferences"."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.events.repository import EventType, tell
from ocpi_party.modules.locations import repository as locations
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.modules.tariffs.table import TARIFFS
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.evse import Capability
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.session import ChargingPreferencesResponse, SessionStatus
from ocpi_party.ocpi.tariff import TariffType
from ocpi_party.ocpi.types import JsonObject, ProfileType, document_of, encode, fold, now, parse_time
from ocpi_party.owned import repository
from ocpi_party.owned.listing import Window
from ocpi_party.owned.names import spelt
from ocpi_party.owned.table import Ref

_ONGOING = frozenset({SessionStatus.ACTIVE, SessionStatus.PENDING})
_TARIFF_OF = {
    ProfileType.CHEAP: TariffType.PROFILE_CHEAP,
    ProfileType.FAST: TariffType.PROFILE_FAST,
    ProfileType.GREEN: TariffType.PROFILE_GREEN,
    ProfileType.REGULAR: TariffType.REGULAR,
}


class NotCapable(UnknownObject):
    """The EVSE of the session lacks CHARGING_PREFERENCES_CAPABLE: there is nothing at the URL (SES-S-05)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The ProfileTypes that a CPO of ours does not plan without knowing when the driver leaves, or how much is needed."""

    departure_time_required: Collection[str] = field(default=())
    energy_need_required: Collection[str] = field(default=())


_RULES = Statement(
    "SELECT departure_time_required, energy_need_required FROM charging_preferences_rules WHERE owner = :owner"
)
_SET_RULES = Statement(
    """INSERT INTO charging_preferences_rules AS r (owner, departure_time_required, energy_need_required)
       VALUES (:owner, :departure_time_required, :energy_need_required)
       ON CONFLICT (owner) DO UPDATE SET departure_time_required = excluded.departure_time_required,
                                         energy_need_required = excluded.energy_need_required"""
)


async def rules(tx: ReadTx, owner: str) -> Rules:
    """owner  our CPO, as rows name it"""
    row = await tx.row(_RULES, owner=owner)
    return Rules(row["departure_time_required"], row["energy_need_required"]) if row else Rules()


async def set_rules(tx: WriteTx, owner: str, wanted: Rules) -> None:
    await tx.run(
        _SET_RULES,
        owner=owner,
        departure_time_required=sorted(wanted.departure_time_required),
        energy_need_required=sorted(wanted.energy_need_required),
    )


async def consider(tx: WriteTx, ref: Ref, wish: JsonObject) -> ChargingPreferencesResponse:
    """Say whether a driver can have this in a session of ours; what is accepted is kept for the operator's system.

    Raises UnknownObject; NotCapable
    """
    session = await repository.lock(tx, SESSIONS, ref)
    if session is None:
        raise UnknownObject(ref)
    document = document_of(session.document)
    evse = await locations.evse(tx, ref._replace(key=fold(document["location_id"])), document["evse_uid"])
    if evse is None or not is_capable(evse):
        raise NotCapable(f"{ref}: its EVSE does not take charging preferences")
    response = await _response(tx, ref, document, evse, wish)
    if response is ChargingPreferencesResponse.ACCEPTED:
        await keep(tx, session.seq, wish, response)
        data = {"country_code": document["country_code"], "party_id": document["party_id"], "id": document["id"]}
        subject = f"{ModuleId.SESSIONS}/{spelt(ModuleId.SESSIONS, ref, document)}"
        await tell(tx, EventType.CHARGING_PREFERENCES_RECEIVED, subject, data | {"charging_preferences": wish})
    return response


def is_capable(evse: bytes) -> bool:
    return Capability.CHARGING_PREFERENCES_CAPABLE in (document_of(evse).get("capabilities") or ())


async def _response(
    tx: ReadTx, ref: Ref, session: JsonObject, evse: bytes, wish: JsonObject
) -> ChargingPreferencesResponse:
    if session["status"] not in _ONGOING or _is_past(wish.get("departure_time"), now()):
        return ChargingPreferencesResponse.NOT_POSSIBLE
    connector = locations.connector_of(evse, session["connector_id"])
    if connector is not None and not await _has_tariff(tx, ref.owner, document_of(connector), wish["profile_type"]):
        return ChargingPreferencesResponse.PROFILE_TYPE_NOT_SUPPORTED
    required = await rules(tx, ref.owner)
    if "departure_time" not in wish and wish["profile_type"] in required.departure_time_required:
        return ChargingPreferencesResponse.DEPARTURE_REQUIRED
    if "energy_need" not in wish and wish["profile_type"] in required.energy_need_required:
        return ChargingPreferencesResponse.ENERGY_NEED_REQUIRED
    return ChargingPreferencesResponse.ACCEPTED


def _is_past(departure_time: str | None, at: datetime) -> bool:
    return departure_time is not None and parse_time(departure_time) <= at


_HAS_TARIFF = Statement(
    f"""SELECT EXISTS (SELECT FROM {TARIFFS.name}
         WHERE partner_id = 0 AND addressee = '' AND owner = :owner AND key = ANY(:keys) AND NOT gone
           AND COALESCE(document ->> 'type', CAST(:wanted AS text)) = :wanted)"""
)


async def _has_tariff(tx: ReadTx, owner: str, connector: JsonObject, profile_type: str) -> bool:
    """Whether a Tariff of the connector is for this ProfileType; one without type is for all sessions (SES-S-08).

    A connector without tariffs has no prices that could depend on the profile.
    """
    keys = [fold(tariff_id) for tariff_id in connector.get("tariff_ids") or ()]
    if not keys:
        return True
    found: bool = await tx.value(_HAS_TARIFF, owner=owner, keys=keys, wanted=_TARIFF_OF[ProfileType(profile_type)])
    return found


_KEEP = Statement(
    """INSERT INTO charging_preferences AS p (session_seq, document, result) VALUES (:seq, CAST(:document AS json), :result)
       ON CONFLICT (session_seq) DO UPDATE SET document = excluded.document, result = excluded.result, given_at = now()"""
)


async def keep(tx: WriteTx, session_seq: int, wish: JsonObject, response: str) -> None:
    """Keep what the driver of a session prefers, and what was answered to it."""
    await tx.run(_KEEP, seq=session_seq, document=encode(wish).decode(), result=response)


_OF = "FROM charging_preferences p JOIN sessions s ON s.seq = p.session_seq"
_SELECT = f"""SELECT s.partner_id, s.document->>'country_code' AS country_code, s.document->>'party_id' AS party_id,
                    s.document->>'id' AS session_id, p.document, p.result, p.given_at {_OF}"""
_OF_SESSION = Statement(
    f"""{_SELECT} WHERE s.owner = :owner AND s.key = :key AND NOT s.gone
           AND (CAST(:partner_id AS bigint) IS NULL OR s.partner_id = :partner_id)
         ORDER BY s.partner_id <> 0, s.last_updated DESC LIMIT 1"""
)
_UNFINISHED = """s.status NOT IN ('COMPLETED', 'INVALID') AND NOT s.gone
           AND (CAST(:own AS boolean) IS NULL OR (s.partner_id = 0) = :own)
           AND p.given_at >= COALESCE(:date_from, '-infinity'::timestamptz)
           AND p.given_at < COALESCE(:date_to, 'infinity'::timestamptz)"""
_UNFINISHED_PAGE = Statement(
    f"{_SELECT} WHERE {_UNFINISHED} ORDER BY p.given_at DESC, s.seq DESC OFFSET :offset LIMIT :limit"
)
_UNFINISHED_COUNT = Statement(f"SELECT count(*) {_OF} WHERE {_UNFINISHED}")


async def of_session(tx: ReadTx, owner: str, session_id: str, partner_id: int | None) -> Row | None:
    """What the driver of a session, ours first, prefers: document, result, given_at."""
    return await tx.row(_OF_SESSION, owner=owner, key=fold(session_id), partner_id=partner_id)


async def of_unfinished(tx: ReadTx, wanted: Window, own: bool | None) -> tuple[list[Row], int]:
    """What drivers that are still charging prefer, newest first, and how many do.

    wanted  dates are of given_at
    own     True ours, False theirs, None both
    """
    only = {"own": own, "date_from": wanted.date_from, "date_to": wanted.date_to}
    rows = await tx.rows(_UNFINISHED_PAGE, **only, offset=wanted.offset, limit=wanted.limit)
    return rows, await tx.value(_UNFINISHED_COUNT, **only)
