"""What an eMSP makes sure of before it sends a command. OCPI 2.2.1, Commands; CMD-S-09, CMD-S-11."""

from typing import Any

from ocpi_party.database import ReadTx, Statement
from ocpi_party.modules.commands.kinds import NEEDED, WITH_TOKEN
from ocpi_party.modules.locations import repository as locations
from ocpi_party.modules.tokens.keys import token_key
from ocpi_party.ocpi.command import CommandType
from ocpi_party.ocpi.errors import InvalidObject, Refusal
from ocpi_party.ocpi.evse import Capability
from ocpi_party.ocpi.types import JsonObject, PartyId, decode
from ocpi_party.partners.partner import Partner


class NotCapable(Refusal):
    """The EVSE told that it cannot do what the command asks for."""


class NotAuthorized(Refusal):
    """The driver's token is not valid: the eMSP authorizes it before it sends a command."""


_OWN_TOKEN = Statement(
    """SELECT document ->> 'valid' = 'true' FROM tokens
        WHERE partner_id = 0 AND addressee = '' AND owner = :owner AND key = :key AND NOT gone"""
)


async def guarded(
    tx: ReadTx, command: CommandType, cpo: PartyId, ours: PartyId, partner: Partner, document: JsonObject
) -> JsonObject:
    """The command as it may be sent. Raises NotAuthorized, NotCapable, InvalidObject"""
    if command in WITH_TOKEN:
        await _must_be_authorized(tx, ours, document["token"])
    uid = document.get("evse_uid")
    if command not in NEEDED or uid is None:
        return document
    known = await locations.newest_evse(tx, str(cpo.folded()), document["location_id"], uid, partner.id)
    if known is None:
        return document  # It was not told to us, which does not mean that it does not exist.
    evse: Any = decode(known)
    if NEEDED[command] not in evse.get("capabilities", []):
        raise NotCapable(f"the EVSE {uid} is not {NEEDED[command]}")
    return _with_connector(evse, document) if command is CommandType.START_SESSION else document


async def _must_be_authorized(tx: ReadTx, ours: PartyId, token: JsonObject) -> None:
    if not PartyId(token["country_code"], token["party_id"]).is_same(ours):
        raise InvalidObject("/token", "belongs to another party: only tokens of our own may be used")
    known = await tx.value(_OWN_TOKEN, owner=str(ours.folded()), key=token_key(token["uid"], token["type"]))
    if not token["valid"] or known is False:
        raise NotAuthorized("the token is not valid")


def _with_connector(evse: JsonObject, document: JsonObject) -> JsonObject:
    """Some EVSEs want to know the connector; where there is only one, it is the one that is meant (CMD-R-10)."""
    if Capability.START_SESSION_CONNECTOR_REQUIRED not in evse.get("capabilities", []) or "connector_id" in document:
        return document
    if len(evse["connectors"]) != 1:
        raise InvalidObject("/connector_id", "is required by this EVSE, which has several connectors")
    return document | {"connector_id": evse["connectors"][0]["id"]}
