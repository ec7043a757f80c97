"""What we answer to a Sender at once: whether our system is asked to pass it on to the EVSE.

OCPI 2.2.1, ChargingProfiles, "ChargingProfileResponseType".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.dialects.dialect import Finding
from ocpi_party.modules.locations import repository as locations
from ocpi_party.ocpi.charging_profile import ChargingProfileResponseType
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.evse import Capability
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.session import SessionStatus
from ocpi_party.ocpi.types import JsonObject, document_of, fold
from ocpi_party.owned.publish import our_ref

PERIOD: Final = timedelta(minutes=1)
"""Within which requests about one session are counted."""

# The row is locked, so that requests about one session are counted one after the other.
_SESSION = Statement(
    """SELECT seq, owner, key, audience, document FROM sessions
        WHERE partner_id = 0 AND addressee = '' AND owner = ANY(:owners) AND key = :key AND NOT gone
        ORDER BY seq FOR UPDATE"""
)
_RECENT = Statement(
    """SELECT count(*) FROM inbound_requests
        WHERE module = :module AND ref = :ref AND ours = :ours AND partner_id = :partner_id
          AND received_at > now() - CAST(:period AS interval)"""
)


@dataclass(frozen=True, slots=True)
class OurSession:
    """A session of ours that a Sender names. audience  the eMSP whose token it is"""

    seq: int
    owner: str
    key: str
    audience: str
    document: JsonObject


async def our_session(tx: WriteTx, owners: Sequence[str], session_id: str) -> OurSession | None:
    """Raises InvalidObject, if several of our parties have one with this id"""
    rows = await tx.rows(_SESSION, owners=list(owners), key=fold(session_id))
    if len(rows) > 1:
        raise InvalidObject("", "several of our parties have this id: OCPI-to must say which is meant")
    return _session(rows[0]) if rows else None


def _session(row: Row) -> OurSession:
    return OurSession(row["seq"], row["owner"], row["key"], row["audience"], document_of(row["document"]))


async def verdict(
    tx: ReadTx, session: OurSession | None, asking: Sequence[str], partner_id: int, most: int
) -> ChargingProfileResponseType:
    """asking  the parties that may be meant by the one who asks; most  requests for one session in a PERIOD"""
    if session is None:
        return ChargingProfileResponseType.UNKNOWN_SESSION
    if session.audience not in asking or session.document["status"] != SessionStatus.ACTIVE:
        return ChargingProfileResponseType.REJECTED
    location = our_ref(session.owner, session.document["location_id"])
    evse = await locations.evse(tx, location, session.document["evse_uid"])
    if evse is None or not is_capable(evse):
        return ChargingProfileResponseType.NOT_SUPPORTED
    asked = {"module": ModuleId.CHARGING_PROFILES, "ref": session.key, "ours": session.owner, "partner_id": partner_id}
    if await tx.value(_RECENT, **asked, period=PERIOD) >= most:
        return ChargingProfileResponseType.TOO_OFTEN
    return ChargingProfileResponseType.ACCEPTED


def oddities(profile: JsonObject) -> list[Finding]:
    """What a profile says that no EVSE can do anything with; it is passed on all the same. profile  ChargingProfile"""
    end = profile.get("duration")
    return [
        Finding(
            f"/charging_profile/charging_profile_period/{number}/start_period",
            f"is not before the end of the profile, which lasts {end} seconds",
        )
        for number, period in enumerate(profile.get("charging_profile_period", []))
        if end is not None and period["start_period"] >= end
    ]


def is_capable(evse: bytes) -> bool:
    return Capability.CHARGING_PROFILE_CAPABLE in (document_of(evse).get("capabilities") or ())
