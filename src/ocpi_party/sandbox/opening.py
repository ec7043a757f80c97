"""What is done before the sandbox answers its first request: its party, what it has, and a token to register with."""

from ocpi_party.database import Statement, WriteTx
from ocpi_party.modules.credentials.answering import invite
from ocpi_party.modules.locations.publishing import Publishing
from ocpi_party.modules.sessions import publishing as sessions
from ocpi_party.modules.tariffs.publishing import PUBLISHER as TARIFFS
from ocpi_party.modules.tokens import publishing as tokens
from ocpi_party.modules.tokens import repository
from ocpi_party.modules.tokens.keys import token_key
from ocpi_party.ocpi.modules import Role
from ocpi_party.ocpi.types import encode
from ocpi_party.owned.publish import our_ref
from ocpi_party.partners import repository as partners
from ocpi_party.partners.parties import add_party
from ocpi_party.partners.partner import PartnerStatus, Party
from ocpi_party.sandbox.parties import CARDS, TARIFF_ID, locations, tariff
from ocpi_party.server import App
from ocpi_party.transport.asked import Building

VISITOR = "visitor"

_UNFINISHED = Statement(
    "SELECT key FROM sessions WHERE partner_id = 0 AND NOT gone AND status NOT IN ('COMPLETED', 'INVALID') ORDER BY seq"
)


async def open_sandbox(house: App, party: Party) -> str:
    """Make everything ready; tells the token that a partner registers with. Invitations that nobody used end."""
    building = house.building
    async with building.database.write() as tx:
        await add_party(tx, party)
        await (_furnish_cpo(tx, building, party) if party.role is Role.CPO else _furnish_emsp(tx, party))
        for partner in await partners.every(tx):
            if partner.status is PartnerStatus.INVITED:
                await partners.delete(tx, partner.id)
    building.directory.drop()
    _, token = await invite(building, VISITOR)
    return token


async def _furnish_cpo(tx: WriteTx, building: Building, party: Party) -> None:
    owner = str(party.key)
    await TARIFFS.put(tx, our_ref(owner, TARIFF_ID), tariff(party))
    for location in locations(party):
        await Publishing(tx, our_ref(owner, location["id"])).put_location(location, None)
    for row in await tx.rows(_UNFINISHED):
        # The charge points were forgotten when the sandbox stopped: nobody knows any more what was charged.
        await sessions.patch_session(tx, building.vault, our_ref(owner, row["key"]), {"status": "INVALID"})


async def _furnish_emsp(tx: WriteTx, party: Party) -> None:
    owner = str(party.key)
    for card in CARDS:
        ref = our_ref(owner, token_key(card.uid, card.type))
        await tokens.put_token(tx, ref, card.token(party), card.audience)
        await repository.put_rules(tx, ref, encode(card.rules or {}))
