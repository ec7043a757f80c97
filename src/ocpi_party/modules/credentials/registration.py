"""The handshake and the renewal of tokens, from both ends. OCPI 2.2.1, Credentials, "Use cases".

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
from ocpi_party.modules.credentials.discovery import Discovery, Endpoints, Unauthorized, must_have, newest_mutual
from ocpi_party.ocpi.credentials import Credentials
from ocpi_party.ocpi.errors import (
    AlreadyRegistered,
    InvalidObject,
    NotRegistered,
    Refusal,
    UnableToUseClientApi,
    UnknownObject,
    UnsupportedVersion,
)
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role
from ocpi_party.ocpi.types import JsonObject, now
from ocpi_party.outbox import lanes, marking
from ocpi_party.partners import credentials_tokens, repository
from ocpi_party.partners.client import About, Answer, OcpiClient, PartnerUnreachable
from ocpi_party.partners.parties import replace_roles, taken_roles
from ocpi_party.partners.partner import Partner, PartnerStatus, Party
from ocpi_party.partners.secrets import new_token, other_encoding
from ocpi_party.partners.urls import check_url
from ocpi_party.transport import offer
from ocpi_party.transport.asked import Building

log = logging.getLogger(__name__)

_CREDENTIALS = (ModuleId.CREDENTIALS, InterfaceRole.SENDER)


class HandshakeFailed(Refusal):
    """A step of a handshake that we began failed; the text names the step."""


class NobodyToOffer(Refusal):
    """We have no party of our own that could deal with the partner."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What a partner offers in one version. encoding  in which it took our token, base64 or raw"""

    version: str
    endpoints: Endpoints
    encoding: str


@dataclass(frozen=True, slots=True)
class Registration:
    """The handshake of this house. version  of the credentials endpoint that is used"""

    house: Building
    version: str

    @property
    def _client(self) -> OcpiClient:
        return self.house.client

    def _credentials(self, token: str, ours: tuple[Party, ...]) -> JsonObject:
        if not ours:
            raise NobodyToOffer("we have no party that deals with you yet")
        return {"token": token, "url": offer.versions_url(self.house.public_url), "roles": offer.roles(ours)}

    def _renew_at(self) -> datetime | None:
        """OCPI advises to renew tokens at least monthly (CRE-25)."""
        return now() + self.house.renew_every if self.house.renew_every else None

    async def told(self, partner: Partner, token: str) -> JsonObject:
        """Our credentials for a partner, with the token that it used: we keep no other in plain text (AMB-03)."""
        return self._credentials(token, partner.agreed_with(await self.house.directory.own_parties()))

    # We invited them: they call us.

    async def invite(self, name: str) -> tuple[int, str]:
        """Add a partner that may register with us; tells its id and the token, which is kept only as a digest."""
        token = new_token()
        async with self.house.database.write() as tx:
            partner_id = await repository.create(tx, name, PartnerStatus.INVITED)
            await credentials_tokens.issue_token(tx, partner_id, self.house.vault.digest(token), "INVITATION")
            await self._tell(tx, EventType.PARTNER_INVITED, partner_id)
        self.house.directory.drop()
        return partner_id, token

    async def accept(self, partner: Partner, credentials: JsonObject, encoding: str) -> JsonObject:
        """POST: an invited platform registers. Our credentials, with the token that it must use from now on.

        encoding  of the token that it asked with: in that form it will understand ours, else in the other (AMB-01)
        Raises AlreadyRegistered; InvalidObject; UnableToUseClientApi, UnsupportedVersion or NoMatchingEndpoints, and then
        nothing changed: the invitation is good for another try
        """
        if partner.status is not PartnerStatus.INVITED:
            raise AlreadyRegistered("you are registered: use PUT to renew your credentials")
        answer, digest = await self._new_credentials(partner)
        ways = [(credentials["token"], form) for form in (encoding, other_encoding(encoding))]
        offered = await self._call_back(partner, credentials, ways)
        async with self.house.database.write() as tx:
            fresh = await repository.lock(tx, partner.id)
            if fresh is None or fresh.status is not PartnerStatus.INVITED:
                raise AlreadyRegistered("you are registered: use PUT to renew your credentials")
            await self._must_be_free(tx, partner, credentials)
            await credentials_tokens.withdraw_tokens(tx, partner.id)
            await credentials_tokens.issue_token(tx, partner.id, digest, "ISSUED")
            await self._keep(tx, partner, credentials, offered)
            await repository.change(tx, partner.id, connected_at=now(), rotated_at=now(), renew_at=self._renew_at())
            await self.house.connected(tx, partner.id)
            await self._tell(tx, EventType.PARTNER_CONNECTED, partner.id)
        self._changed()
        return answer

    async def renew(self, partner: Partner, credentials: JsonObject) -> JsonObject:
        """PUT: a registered platform renews its credentials. Ours, with a new token; the old one ends when this is used.

        Raises as `accept` does, and then everything works as before
        """
        if partner.status is not PartnerStatus.CONNECTED:
            raise NotRegistered("you are not registered: use POST")
        answer, digest = await self._new_credentials(partner)
        old = await self.house.token_of(partner.id)
        tokens = [(credentials["token"], partner.token_encoding), *([old] if old else [])]
        offered = await self._call_back(partner, credentials, tokens)
        async with self.house.database.write() as tx:
            fresh = await repository.lock(tx, partner.id)
            if fresh is None or fresh.status is not PartnerStatus.CONNECTED:
                raise NotRegistered("you are not registered: use POST")
            await self._must_be_free(tx, partner, credentials)
            await credentials_tokens.issue_token(tx, partner.id, digest, "ISSUED")
            await credentials_tokens.expire_older_tokens(tx, partner.id, digest, now() + self.house.token_grace)
            await self._keep(tx, partner, credentials, offered)
            await repository.change(tx, partner.id, rotated_at=now(), renew_at=self._renew_at())
            await lanes.wake(tx, partner.id)
            await self._tell(tx, EventType.PARTNER_ROTATED, partner.id)
            await self.house.connected(tx, partner.id)
        self._changed()
        return answer

    async def leave(self, partner: Partner) -> None:
        """DELETE: a platform unregisters; tokens of both directions end, nothing is told to it any more, data is kept."""
        if partner.status is not PartnerStatus.CONNECTED:
            raise NotRegistered("you are not registered")
        await self._forget(partner.id)

    async def _new_credentials(self, partner: Partner) -> tuple[JsonObject, bytes]:
        token = new_token()
        return await self.told(partner, token), self.house.vault.digest(token)

    async def _call_back(self, partner: Partner, credentials: JsonObject, tokens: list[tuple[str, str]]) -> Offered:
        """What the platform offers in the version of the endpoint it used, asked while its request is still open.

        tokens  the one in its credentials, and what to try if that is refused, each with its encoding
        """
        url = check_url(credentials["url"], pointer="/url", allow_private=self.house.allow_private_urls)
        discovery, versions = await self._versions(url, partner, tokens)
        if self.version not in versions:
            raise UnsupportedVersion(f"you do not list version {self.version}, which you used")
        endpoints = await discovery.endpoints(versions[self.version])
        must_have(endpoints, self._needed(partner))
        return Offered(self.version, endpoints, discovery.encoding)

    async def _versions(
        self, url: str, partner: Partner, tokens: list[tuple[str, str]]
    ) -> tuple[Discovery, Mapping[str, str]]:
        """The versions of a platform, asked with the first of these tokens that it accepts. tokens  each with its encoding"""
        for number, (token, encoding) in enumerate(tokens, 1):
            discovery = self._discovery(token, encoding, partner)
            # Who decodes may stumble over a raw token instead of refusing it.
            refusal = UnableToUseClientApi if encoding == "raw" else Unauthorized
            try:
                return discovery, await discovery.versions(url)
            except refusal:
                if number == len(tokens):
                    raise
        raise ValueError("no token to ask with")

    def _discovery(self, token: str, encoding: str, partner: Partner) -> Discovery:
        return Discovery(self._client, self.house.allow_private_urls, token, encoding, partner.id)

    def _needed(self, partner: Partner) -> Collection[tuple[ModuleId, InterfaceRole]]:
        """Endpoints without which we do not register with this partner: `required_endpoints` of its quirks."""
        return [
            (ModuleId(module), InterfaceRole(interface))
            for module, _, interface in (
                str(item).partition(" ") for item in partner.quirks.get("required_endpoints", ())
            )
        ]

    async def _must_be_free(self, tx: WriteTx, partner: Partner, credentials: Mapping[str, Any]) -> None:
        taken = await taken_roles(tx, partner.id, credentials["roles"])
        if taken:
            log.warning("partner %s claims roles of another connection: %s", partner.id, ", ".join(taken))
            raise InvalidObject("/roles", f"another connection has already: {', '.join(taken)}")

    async def _keep(self, tx: WriteTx, partner: Partner, credentials: Mapping[str, Any], offered: Offered) -> None:
        await replace_roles(tx, partner.id, credentials["roles"])
        await repository.replace_endpoints(tx, partner.id, offered.endpoints)
        await repository.change(
            tx,
            partner.id,
            status=PartnerStatus.CONNECTED,
            version=offered.version,
            versions_url=credentials["url"],
            token_encoding=offered.encoding,
            token_sent=self.house.vault.seal(credentials["token"], partner.id),
            is_hub=any(role["role"] == Role.HUB for role in credentials["roles"]),
            alert=None,
        )

    # They invited us: we call them.

    async def connect(self, name: str, versions_url: str, token: str, encoding: str = "base64") -> Partner:
        """Register with a platform that gave us its versions URL and a token.

        encoding  in which we send the token first; the other is tried if the platform refuses it (AMB-01)
        Raises InvalidObject; HandshakeFailed, and then nothing is half registered
        """
        check_url(versions_url, pointer="/versions_url", allow_private=self.house.allow_private_urls)
        ours = await self.house.directory.own_parties()
        offered_token = new_token()
        credentials = self._credentials(offered_token, ours)
        async with self.house.database.write() as tx:
            partner_id = await repository.create(tx, name, PartnerStatus.CONNECTING, versions_url=versions_url)
            # Valid before the POST is sent: they call us back while it is open.
            await credentials_tokens.issue_token(tx, partner_id, self.house.vault.digest(offered_token), "OFFERED")
            partner = await repository.get(tx, partner_id)
        self.house.directory.drop()
        assert partner is not None
        try:
            ways = [(token, form) for form in (encoding, other_encoding(encoding))]
            offered = await self._discover(versions_url, partner, ways)
            given = await self._post(self._discovery(token, offered.encoding, partner), "POST", offered, credentials)
            async with self.house.database.write() as tx:
                await self._must_be_free(tx, partner, given)
                await credentials_tokens.settle_offer(tx, self.house.vault.digest(offered_token))
                await self._keep(tx, partner, given, offered)
                await repository.change(tx, partner_id, connected_at=now(), rotated_at=now(), renew_at=self._renew_at())
                await self.house.connected(tx, partner_id)
                await self._tell(tx, EventType.PARTNER_CONNECTED, partner_id)
        except BaseException as fault:
            async with self.house.database.write() as tx:
                await repository.delete(tx, partner_id)
            self.house.directory.drop()
            if isinstance(fault, Refusal) and not isinstance(fault, HandshakeFailed):
                raise HandshakeFailed(str(fault)) from fault
            raise
        self._changed()
        return await self._current(partner_id)

    async def _discover(self, url: str, partner: Partner, tokens: list[tuple[str, str]]) -> Offered:
        discovery, versions = await self._versions(url, partner, tokens)
        version = newest_mutual(versions, self.house.dialects)
        endpoints = await discovery.endpoints(versions[version])
        must_have(endpoints, self._needed(partner))
        return Offered(version, endpoints, discovery.encoding)

    async def _post(self, discovery: Discovery, method: str, offered: Offered, credentials: JsonObject) -> JsonObject:
        url = offered.endpoints[_CREDENTIALS]
        try:
            answer = await self._client.send(
                method, url, discovery.token, discovery.encoding, partner_id=discovery.partner_id, body=credentials,
                about=About(ModuleId.CREDENTIALS), once=True,
            )  # fmt: skip
        except PartnerUnreachable as fault:
            raise HandshakeUncertain(f"{method} credentials: {url}: {fault}") from fault
        if not answer.ok:
            raise HandshakeFailed(f"{method} credentials: {url} answered {answer}")
        return self._given(answer, method)

    def _given(self, answer: Answer, method: str) -> JsonObject:
        """The credentials in an answer that is a success. Raises HandshakeUncertain, if they are none"""
        try:
            dialect = self.house.dialects[self.version]
            given = dialect.read(Credentials, answer.data).document
            check_url(given["url"], pointer="/url", allow_private=self.house.allow_private_urls)
        except InvalidObject as fault:
            # It is a success all the same: the partner uses the token that we offered.
            raise HandshakeUncertain(f"{method} credentials: the answer holds no valid credentials: {fault}") from fault
        return given

    async def rotate(self, partner_id: int) -> Partner:
        """New tokens for both directions, by PUT; also tells the partner our endpoints and roles as they are now.

        Raises HandshakeFailed, and then the old tokens work as before; HandshakeUncertain, if the answer is lost or of no use: then
        old and new tokens of the partner are both good, and the next try settles it
        """
        partner = await self._current(partner_id)
        if partner.status is not PartnerStatus.CONNECTED or partner.versions_url is None:
            raise NotRegistered("there is no registration to renew")
        current = await self.house.token_of(partner_id)
        if current is None:
            raise HandshakeFailed("we have no credentials token for this partner")
        offered_token = new_token()
        digest = self.house.vault.digest(offered_token)
        credentials = await self.told(partner, offered_token)
        try:
            offered = await self._discover(partner.versions_url, partner, [current])
            async with self.house.database.write() as tx:
                await credentials_tokens.issue_token(tx, partner_id, digest, "OFFERED")
            self.house.directory.drop()
            given = await self._post(self._discovery(*current, partner), "PUT", offered, credentials)
        except HandshakeUncertain as fault:
            lost = f"the answer to our PUT credentials was lost: rotate again when the partner is well ({fault})"
            async with self.house.database.write() as tx:
                await repository.change(tx, partner_id, alert=lost)
            raise
        except Refusal as fault:
            async with self.house.database.write() as tx:
                await credentials_tokens.withdraw_token(tx, digest)
                await repository.change(tx, partner_id, alert=f"renewal of tokens failed: {fault}")
            self.house.directory.drop()
            raise HandshakeFailed(str(fault)) from fault
        async with self.house.database.write() as tx:
            await repository.lock(tx, partner_id)
            # The partner has switched already: refusing its answer would lock us out. Roles of others it does not get.
            taken = await taken_roles(tx, partner_id, given["roles"])
            given["roles"] = [r for r in given["roles"] if not await taken_roles(tx, partner_id, [r])]
            await credentials_tokens.settle_offer(tx, digest)
            await credentials_tokens.expire_older_tokens(tx, partner_id, digest, now() + self.house.token_grace)
            await self._keep(tx, partner, given, offered)
            alert = f"claims roles of another connection: {', '.join(taken)}" if taken else None
            await repository.change(tx, partner_id, rotated_at=now(), renew_at=self._renew_at(), alert=alert)
            await self._tell(tx, EventType.PARTNER_ROTATED, partner_id)
            await self.house.connected(tx, partner_id)
        self._changed()
        return await self._current(partner_id)

    async def unregister(self, partner_id: int) -> str | None:
        """End the registration at both ends; data is kept. Words on what went wrong at the partner's end, None if nothing did.

        Our end is closed in any case: the partner may be gone for good.
        """
        partner = await self._current(partner_id)
        warning = None
        url = partner.endpoint(*_CREDENTIALS)
        if partner.status is PartnerStatus.CONNECTED and url is not None:
            try:
                answer = await self._client.call(partner, "DELETE", url)
                # 401 and 405 both say that they do not know us any more (AMB-03).
                if not answer.ok and answer.http_status not in (401, 405):
                    warning = f"DELETE credentials: the partner answered {answer}"
            except PartnerUnreachable as fault:
                warning = f"DELETE credentials: {fault}"
        await self._forget(partner_id)
        return warning

    async def _forget(self, partner_id: int) -> None:
        async with self.house.database.write() as tx:
            await repository.lock(tx, partner_id)
            await credentials_tokens.withdraw_tokens(tx, partner_id)
            await repository.change(tx, partner_id, status=PartnerStatus.UNREGISTERED, token_sent=None, alert=None)
            await marking.forget(tx, partner_id)
            await self.house.disconnected(tx, partner_id)
            await self._tell(tx, EventType.PARTNER_UNREGISTERED, partner_id)
        self._changed()

    async def _current(self, partner_id: int) -> Partner:
        async with self.house.database.read() as tx:
            partner = await repository.get(tx, partner_id)
        if partner is None:
            raise UnknownObject(f"partner {partner_id}")
        return partner

    async def _tell(self, tx: WriteTx, kind: EventType, partner_id: int) -> None:
        partner = await repository.get(tx, partner_id)
        data = {"partner": partner_id, "name": partner.name if partner else None}
        await events.tell(tx, kind, f"partners/{partner_id}", data, partner_id=partner_id)

    def _changed(self) -> None:
        self.house.directory.drop()
        self.house.wake()


class HandshakeUncertain(HandshakeFailed):
    """The answer to our POST or PUT was lost, or is of no use: the partner may have taken it."""
