"""We ask a CPO about the charging profile of our driver's session. OCPI 2.2.1, ChargingProfiles, "Flow"."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ocpi_party.database import ReadTx, Statement
from ocpi_party.dialects.dialect import Dialect, dialect_of, read_own
from ocpi_party.modules.callbacks import outbound
from ocpi_party.modules.callbacks.outbound import Outbound
from ocpi_party.modules.callbacks.response import Sent, response_to
from ocpi_party.modules.callbacks.urls import callback_url, new_secret
from ocpi_party.modules.chargingprofiles.checks import is_capable
from ocpi_party.modules.chargingprofiles.kinds import METHOD, Kind
from ocpi_party.modules.locations import repository as locations
from ocpi_party.modules.sessions.publishing import emsp_of
from ocpi_party.modules.sessions.wishes import NotOffered
from ocpi_party.ocpi.charging_profile import ChargingProfileResponse, SetChargingProfile
from ocpi_party.ocpi.errors import InvalidParameter, UnknownObject
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role
from ocpi_party.ocpi.session import SessionStatus
from ocpi_party.ocpi.types import JsonObject, PartyId, document_of, encode, fold
from ocpi_party.owned.repository import Stored, stored
from ocpi_party.partners import repository as partners
from ocpi_party.partners.exchange import Route
from ocpi_party.partners.partner import Partner, PartnerStatus
from ocpi_party.partners.urls import join
from ocpi_party.transport.asked import Building

_SESSIONS = Statement(
    """SELECT seq, partner_id, addressee, owner, key, last_updated, audience, document FROM sessions
        WHERE partner_id <> 0 AND key = :key AND NOT gone
          AND (CAST(:owner AS text) IS NULL OR owner = :owner)
          AND (CAST(:partner_id AS bigint) IS NULL OR partner_id = :partner_id)
        ORDER BY last_updated DESC, seq DESC LIMIT 20"""
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What our operator asks for. request  charging_profile, or duration, or nothing"""

    kind: Kind
    session_id: str
    owner: str | None
    partner_id: int | None
    request: JsonObject


@dataclass(frozen=True, slots=True)
class _Target:
    session: Stored
    session_id: str
    partner: Partner
    url: str


async def send(house: Building, wanted: Wanted) -> Sent:
    """Raises UnknownObject; NotOffered; InvalidObject; PartnerUnreachable, if it did not reach the CPO"""
    target = await _target(house, wanted)
    ref, partner = target.session.ref, target.partner
    secret, digest = new_secret(house.vault)
    spoken = dialect_of(house.dialects, partner.version)
    back = callback_url(house.public_url, str(spoken.version), ModuleId.CHARGING_PROFILES, secret)
    url, body = _spelled(spoken, wanted, target, back)
    request = {"session_id": target.session_id} | wanted.request
    asked = Outbound(
        ModuleId.CHARGING_PROFILES, wanted.kind, partner.id, ref.addressee, ref.owner, ref.key, request, house.client.timeout
    )  # fmt: skip
    async with house.database.write() as tx:
        request_id = await outbound.create(tx, asked, digest)
    route = Route(PartyId.parse(ref.addressee), PartyId.parse(ref.owner))
    call = house.client.call(partner, METHOD[wanted.kind], url, route=route, **body)
    return await response_to(house, request_id, call, spoken, ChargingProfileResponse)


def _spelled(spoken: Dialect, wanted: Wanted, target: _Target, back: str) -> tuple[str, dict[str, Any]]:
    """The URL, with the response_url encoded and last (AMB-56), and the body where there is one."""
    url = join(target.url, target.session_id)
    if wanted.kind is Kind.SET:
        document = read_own(SetChargingProfile, wanted.request | {"response_url": back})
        return url, {"body": spoken.write(SetChargingProfile, encode(document))}
    duration = f"duration={wanted.request['duration']}&" if wanted.kind is Kind.ACTIVE else ""
    return f"{url}?{duration}response_url={quote(back, safe='')}", {}


async def _target(house: Building, wanted: Wanted) -> _Target:
    """Raises UnknownObject; InvalidObject; NotOffered, if this must not be asked for (CHP-S-06)"""
    emsps = {str(party.key) for party in await house.directory.own_parties() if party.role is Role.EMSP}
    async with house.database.read() as tx:
        session = await _session(tx, wanted)
        document = document_of(session.document)
        place = document["location_id"], document["evse_uid"]
        evse = await locations.newest_evse(tx, session.ref.owner, *place, session.ref.partner_id)
        partner = await partners.get(tx, session.ref.partner_id)
    if emsp_of(document) not in emsps or session.ref.addressee not in emsps:
        raise NotOffered("the driver of the session is not ours")
    if document["status"] != SessionStatus.ACTIVE:
        raise NotOffered(f"the session is {document['status']}")
    if evse is not None and not is_capable(evse):  # Of one that nobody told us of, only the CPO knows.
        raise NotOffered("the EVSE of the session is not CHARGING_PROFILE_CAPABLE")
    url = partner.endpoint(ModuleId.CHARGING_PROFILES, InterfaceRole.RECEIVER) if partner else None
    if partner is None or url is None or partner.status is not PartnerStatus.CONNECTED:
        raise NotOffered("the CPO of the session takes no charging profiles")
    if not partner.exchanges(ModuleId.CHARGING_PROFILES):
        raise NotOffered("chargingprofiles are not exchanged with the CPO of the session")
    if not partner.deals_with(PartyId.parse(session.ref.addressee)):
        raise NotOffered(f"{session.ref.addressee} is not among the parties of ours that {partner.name} deals with")
    if not partner.reaches(PartyId.parse(session.ref.owner), as_cpo=True):
        raise NotOffered("the CPO of the session is not connected to its hub")
    return _Target(session, document["id"], partner, url)


async def _session(tx: ReadTx, wanted: Wanted) -> Stored:
    rows = await tx.rows(_SESSIONS, key=fold(wanted.session_id), owner=wanted.owner, partner_id=wanted.partner_id)
    found = [stored(row) for row in rows]
    if not found:
        raise UnknownObject(wanted.session_id)
    if len({(one.ref.owner, one.ref.partner_id) for one in found}) > 1:
        raise InvalidParameter("country_code", "and party_id must say which: several CPOs have a session with this id")
    return found[0]
