"""Platforms that we invited, and that call us: they register, renew their credentials, unregister. OCPI 2.2.1, Credentials."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ocpi_party.events.repository import EventType
from ocpi_party.modules.credentials import handshake
from ocpi_party.ocpi.errors import (
    AlreadyRegistered,
    InvalidObject,
    NoMatchingEndpoints,
    NotRegistered,
    UnableToUseClientApi,
    UnsupportedVersion,
)
from ocpi_party.ocpi.types import JsonObject, now
from ocpi_party.outbox import lanes
from ocpi_party.owned.heritage import take_over
from ocpi_party.partners import credentials_tokens, repository
from ocpi_party.partners.partner import Partner, PartnerStatus
from ocpi_party.partners.secrets import new_token, other_encoding
from ocpi_party.partners.urls import check_url
from ocpi_party.transport.asked import Building


async def invite(house: Building, name: str) -> tuple[int, str]:
    """Add a partner that may register with us; tells its id and the token, which is kept only as a digest."""
    token = new_token()
    async with house.database.write() as tx:
        partner_id = await repository.create(tx, name, PartnerStatus.INVITED)
        await credentials_tokens.issue_token(tx, partner_id, house.vault.digest(token), "INVITATION")
        await handshake.tell(tx, EventType.PARTNER_INVITED, partner_id)
    house.directory.drop()
    return partner_id, token


async def accept(
    house: Building, partner: Partner, credentials: JsonObject, *, version: str, encoding: str
) -> JsonObject:
    """POST: an invited platform registers. Our credentials, with the token that it must use from now on.

    version   of the endpoint that it used
    encoding  of the token that it asked with: in that form it will understand ours, else in the other (AMB-01)
    Raises AlreadyRegistered; InvalidObject; UnableToUseClientApi, UnsupportedVersion or NoMatchingEndpoints, and then
    nothing changed: the invitation is good for another try
    """
    if partner.status is not PartnerStatus.INVITED:
        raise AlreadyRegistered("you are registered: use PUT to renew your credentials")
    token = new_token()
    answer, digest = await handshake.credentials_for(house, partner, token), house.vault.digest(token)
    ways = [(credentials["token"], form) for form in (encoding, other_encoding(encoding))]
    async with _alert(house, partner, "its registration failed"):
        offered = await _call_back(house, partner, credentials, ways, version)
        async with house.database.write() as tx:
            fresh = await repository.lock(tx, partner.id)
            if fresh is None or fresh.status is not PartnerStatus.INVITED:
                raise AlreadyRegistered("you are registered: use PUT to renew your credentials")
            await handshake.must_be_free(tx, partner, credentials)
            await credentials_tokens.withdraw_tokens(tx, partner.id)
            await credentials_tokens.issue_token(tx, partner.id, digest, "ISSUED")
            await handshake.keep(house, tx, partner, credentials, offered)
            await take_over(tx, partner.id)
            renew_at = handshake.renew_at(house)
            await repository.change(tx, partner.id, connected_at=now(), rotated_at=now(), renew_at=renew_at)
            await house.connected(tx, partner.id)
            await handshake.tell(tx, EventType.PARTNER_CONNECTED, partner.id)
    handshake.changed(house)
    return answer


async def renew(house: Building, partner: Partner, credentials: JsonObject, *, version: str) -> JsonObject:
    """PUT: a registered platform renews its credentials. Ours, with a new token; the old one ends when this is used.

    Raises as `accept` does, and then everything works as before
    """
    if partner.status is not PartnerStatus.CONNECTED:
        raise NotRegistered("you are not registered: use POST")
    token = new_token()
    answer, digest = await handshake.credentials_for(house, partner, token), house.vault.digest(token)
    old = await house.token_of(partner.id)
    tokens = [(credentials["token"], partner.token_encoding), *([old] if old else [])]
    async with _alert(house, partner, "it wanted to renew its credentials, which failed"):
        offered = await _call_back(house, partner, credentials, tokens, version)
        async with house.database.write() as tx:
            fresh = await repository.lock(tx, partner.id)
            if fresh is None or fresh.status is not PartnerStatus.CONNECTED:
                raise NotRegistered("you are not registered: use POST")
            await handshake.must_be_free(tx, partner, credentials)
            await credentials_tokens.issue_token(tx, partner.id, digest, "ISSUED")
            await credentials_tokens.expire_older_tokens(tx, digest, now() + house.token_grace)
            await handshake.keep(house, tx, partner, credentials, offered)
            await repository.change(tx, partner.id, rotated_at=now(), renew_at=handshake.renew_at(house))
            await lanes.wake(tx, partner.id)
            await handshake.tell(tx, EventType.PARTNER_ROTATED, partner.id)
            await house.connected(tx, partner.id)
    handshake.changed(house)
    return answer


async def leave(house: Building, partner: Partner) -> None:
    """DELETE: a platform unregisters."""
    if partner.status is not PartnerStatus.CONNECTED:
        raise NotRegistered("you are not registered")
    await handshake.end(house, partner.id)


@asynccontextmanager
async def _alert(house: Building, partner: Partner, words: str) -> AsyncIterator[None]:
    """What keeps a platform from registering or renewing is told to people, too: it may be for us to mend, or a claim of
    somebody else's roles (CRE-28)."""
    try:
        yield
    except (InvalidObject, UnableToUseClientApi, UnsupportedVersion, NoMatchingEndpoints) as fault:
        async with house.database.write() as tx:
            await repository.change(tx, partner.id, alert=f"{words}: {fault}")
        raise


async def _call_back(
    house: Building, partner: Partner, credentials: JsonObject, tokens: list[tuple[str, str]], version: str
) -> handshake.Offered:
    """What the platform offers in the version of the endpoint it used, asked while its request is still open.

    tokens  the one in its credentials, and what to try if that is refused, each with its encoding
    """
    url = check_url(credentials["url"], pointer="/url", allow_private=house.allow_private_urls)
    return await handshake.discover(house, partner, url, tokens, version)
