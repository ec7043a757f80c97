"""What both ends of a handshake share: our credentials, what the platform offers, what is kept, the end. OCPI 2.2.1, Credentials.

A conversation with a partner is read block, calls, write block: no transaction is open while we wait for somebody. Tokens are
made before they break (AMB-02): a new one is valid before anybody is told of it, and the old one ends only when the new one was
used or a grace period is over.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ocpi_party.database import WriteTx
from ocpi_party.events import repository as events
from ocpi_party.events.repository import EventType
from ocpi_party.modules.cdrs.open_business import undelivered
from ocpi_party.modules.credentials.discovery import Discovery, Endpoints, form_may_be_wrong, must_have, newest_mutual
from ocpi_party.ocpi.errors import InvalidObject, Refusal, UnableToUseClientApi, UnsupportedVersion
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role
from ocpi_party.ocpi.types import JsonObject, PartyId, fold, now
from ocpi_party.outbox import following, marking
from ocpi_party.partners import credentials_tokens, repository
from ocpi_party.partners.parties import replace_roles, taken_roles
from ocpi_party.partners.partner import Partner, PartnerStatus, Party
from ocpi_party.transport import offer
from ocpi_party.transport.asked import Building

log = logging.getLogger(__name__)


class NobodyToOffer(Refusal):
    """We have no party of our own that could deal with the partner."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What a partner offers in one version. encoding  in which it took our token, base64 or raw"""

    version: str
    endpoints: Endpoints
    encoding: str


def credentials_of(house: Building, ours: tuple[Party, ...], token: str) -> JsonObject:
    """What we call ourselves to a partner. ours  our parties that it deals with"""
    if not ours:
        raise NobodyToOffer("we have no party that deals with you yet")
    return {"token": token, "url": offer.versions_url(house.public_url), "roles": offer.roles(ours)}


async def credentials_for(house: Building, partner: Partner, token: str) -> JsonObject:
    """Our credentials for a partner, with the token that it used: we keep no other in plain text (AMB-03)."""
    return credentials_of(house, partner.agreed_with(await house.directory.own_parties()), token)


def renew_at(house: Building) -> datetime | None:
    """OCPI advises to renew tokens at least monthly (CRE-25)."""
    return now() + house.renew_every if house.renew_every else None


async def discover(
    house: Building, partner: Partner, url: str, tokens: list[tuple[str, str]], version: str | None = None
) -> Offered:
    """What a platform offers. Raises UnableToUseClientApi, UnsupportedVersion, NoMatchingEndpoints

    tokens   to ask with, each with its encoding: the first that the platform accepts
    version  that it must speak; None for the newest that we both do
    """
    discovery, versions = await _versions(house, partner, url, tokens)
    if version is not None and version not in versions:
        raise UnsupportedVersion(f"you do not list version {version}, which you used")
    agreed = version or newest_mutual(versions, house.dialects)
    endpoints = (await discovery.details(versions[agreed], agreed)).endpoints
    must_have(endpoints, _needed(partner))
    return Offered(agreed, endpoints, discovery.encoding)


async def _versions(
    house: Building, partner: Partner, url: str, tokens: list[tuple[str, str]]
) -> tuple[Discovery, Mapping[str, str]]:
    for number, (token, encoding) in enumerate(tokens, 1):
        discovery = Discovery(house.client, house.allow_private_urls, token, encoding, partner.id)
        try:
            return discovery, await discovery.versions(url)
        except UnableToUseClientApi as fault:
            if number == len(tokens) or not form_may_be_wrong(fault, encoding):
                raise
    raise ValueError("no token to ask with")


def _needed(partner: Partner) -> Collection[tuple[ModuleId, InterfaceRole]]:
    """Endpoints without which we do not register with this partner: `required_endpoints` of its quirks."""
    return [
        (ModuleId(module), InterfaceRole(interface))
        for module, _, interface in (str(item).partition(" ") for item in partner.quirks.get("required_endpoints", ()))
    ]


async def must_be_free(tx: WriteTx, partner: Partner, credentials: Mapping[str, Any]) -> None:
    """Raises InvalidObject, if another connection has roles that are claimed here."""
    taken = await taken_roles(tx, partner.id, credentials["roles"])
    if taken:
        log.warning("partner %s claims roles of another connection: %s", partner.id, ", ".join(taken))
        raise InvalidObject("/roles", f"another connection has already: {', '.join(taken)}")


async def keep(
    house: Building, tx: WriteTx, partner: Partner, credentials: Mapping[str, Any], offered: Offered
) -> None:
    """The partner is connected: its credentials, and what it offers."""
    is_hub = any(fold(role["role"]) == Role.HUB for role in credentials["roles"])
    await replace_roles(tx, partner.id, credentials["roles"], is_hub=is_hub)
    await repository.replace_endpoints(tx, partner.id, offered.endpoints)
    await repository.change(
        tx,
        partner.id,
        status=PartnerStatus.CONNECTED,
        version=offered.version,
        versions_url=credentials["url"],
        token_encoding=offered.encoding,
        token_sent=house.vault.seal(credentials["token"], partner.id),
        is_hub=is_hub,
        alert=None,
    )
    owners = (PartyId(role["country_code"], role["party_id"]).folded() for role in credentials["roles"])
    await following.follow(tx, {str(owner) for owner in owners})


async def end(house: Building, partner_id: int) -> None:
    """Tokens of both directions end, nothing is told to the partner any more; data is kept."""
    async with house.database.write() as tx:
        await repository.lock(tx, partner_id)
        await credentials_tokens.withdraw_tokens(tx, partner_id)
        await repository.change(tx, partner_id, status=PartnerStatus.UNREGISTERED, token_sent=None, alert=None)
        await following.follow(tx, await following.waited_for(tx, partner_id))
        given_up = await marking.forget(tx, partner_id)
        await house.disconnected(tx, partner_id)
        open_business = await undelivered(tx, given_up)
        await tell(tx, EventType.PARTNER_UNREGISTERED, partner_id, cdrs_not_delivered=open_business)
    changed(house)


async def tell(tx: WriteTx, kind: EventType, partner_id: int, **more: Any) -> None:
    """What became of the partner, as an event. more  of its data"""
    partner = await repository.get(tx, partner_id)
    data = {"partner": partner_id, "name": partner.name if partner else None} | more
    await events.tell(tx, kind, f"partners/{partner_id}", data, partner_id=partner_id)


def changed(house: Building) -> None:
    """A connection changed, and is committed: nobody may go on with what was known of it."""
    house.directory.drop()
    house.wake()
