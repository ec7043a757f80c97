"""As eMSP: tell a CPO what our driver prefers. OCPI 2.2.1, Sessions, "Set: Charging Preferences"."""

from dataclasses import dataclass

from ocpi_party.dialects.dialect import dialect_of
from ocpi_party.modules.locations import repository as locations
from ocpi_party.modules.sessions import charging_preferences, repository
from ocpi_party.modules.sessions.status import FINAL
from ocpi_party.ocpi.errors import Refusal, UnknownObject
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId
from ocpi_party.ocpi.session import ChargingPreferences, ChargingPreferencesResponse
from ocpi_party.ocpi.types import JsonObject, PartyId, document_of, encode
from ocpi_party.owned.repository import Stored
from ocpi_party.partners import repository as partners
from ocpi_party.partners.answer import Answer
from ocpi_party.partners.exchange import Route
from ocpi_party.partners.partner import Partner, PartnerStatus
from ocpi_party.partners.urls import join
from ocpi_party.transport.asked import Building


class NotOffered(Refusal):
    """Nobody can be asked for this: the session is over, its EVSE not capable, or its CPO has no interface for it."""


@dataclass(frozen=True, slots=True)
class _Asked:
    session: Stored
    document: JsonObject
    partner: Partner
    url: str


async def send(
    house: Building, owner: str, session_id: str, partner_id: int | None, wish: JsonObject
) -> ChargingPreferencesResponse:
    """Ask the CPO of a session for this, and keep what it answered.

    wish    in the house form
    Raises  UnknownObject; NotOffered; PartnerUnreachable
    """
    asked = await _to_ask(house, owner, session_id, partner_id)
    route = Route(PartyId.parse(asked.session.ref.addressee), PartyId.parse(owner))
    spoken = dialect_of(house.dialects, asked.partner.version)
    body = spoken.write(ChargingPreferences, encode(wish))
    answer = await house.client.call(asked.partner, "PUT", asked.url, route=route, body=body)
    response = _response(answer)
    async with house.database.write() as tx:
        await charging_preferences.keep(tx, asked.session.seq, wish, response)
    return response


async def _to_ask(house: Building, owner: str, session_id: str, partner_id: int | None) -> _Asked:
    async with house.database.read() as tx:
        session = await repository.newest_of_a_partner(tx, owner, session_id, partner_id)
        if session is None:
            raise UnknownObject(f"{owner}/{session_id}")
        document = document_of(session.document)
        evse = await locations.newest_evse(
            tx, owner, document["location_id"], document["evse_uid"], session.ref.partner_id
        )
        partner = await partners.get(tx, session.ref.partner_id)
    if document["status"] in FINAL:
        raise NotOffered(f"the session is {document['status']}")
    # Of an EVSE that nobody told us of, only the CPO knows.
    if evse is not None and not charging_preferences.is_capable(evse):
        raise NotOffered("the EVSE of the session is not CHARGING_PREFERENCES_CAPABLE")
    url = partner.endpoint(ModuleId.SESSIONS, InterfaceRole.SENDER) if partner else None
    if partner is None or url is None or partner.status is not PartnerStatus.CONNECTED:
        raise NotOffered("the CPO of the session has no interface for charging preferences")
    if not partner.exchanges(ModuleId.SESSIONS):
        raise NotOffered("sessions are not exchanged with the CPO of the session")
    if not partner.deals_with(PartyId.parse(session.ref.addressee)):
        raise NotOffered(f"{session.ref.addressee} is not among the parties of ours that {partner.name} deals with")
    if not partner.reaches(PartyId.parse(owner), as_cpo=True):
        raise NotOffered("the CPO of the session is not connected to its hub")
    return _Asked(session, document, partner, join(url, document["id"], "charging_preferences"))


def _response(answer: Answer) -> ChargingPreferencesResponse:
    """What is not clearly said was not accepted; a 404 in any form means that it is not possible (AMB-44)."""
    known = set(ChargingPreferencesResponse)
    if answer.ok and isinstance(answer.data, str) and answer.data in known:
        return ChargingPreferencesResponse(answer.data)
    return ChargingPreferencesResponse.NOT_POSSIBLE
