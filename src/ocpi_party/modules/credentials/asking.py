"""We call a platform: register with it, renew the tokens of both directions, unregister. OCPI 2.2.1, Credentials."""

from re import fullmatch
from typing import Any

from ocpi_party.events.repository import EventType
from ocpi_party.modules.credentials import handshake
from ocpi_party.modules.credentials.handshake import Offered
from ocpi_party.ocpi.credentials import Credentials
from ocpi_party.ocpi.errors import InvalidObject, NotRegistered, Refusal
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId
from ocpi_party.ocpi.types import JsonObject, now
from ocpi_party.owned.heritage import take_over
from ocpi_party.partners import credentials_tokens, repository
from ocpi_party.partners.answer import Answer, PartnerFailed, PartnerUnreachable
from ocpi_party.partners.exchange import About
from ocpi_party.partners.parties import taken_roles
from ocpi_party.partners.partner import Partner, PartnerStatus
from ocpi_party.partners.secrets import NO_TOKEN, new_token, other_encoding
from ocpi_party.partners.urls import check_url
from ocpi_party.transport.asked import Building

_CREDENTIALS = (ModuleId.CREDENTIALS, InterfaceRole.SENDER)


class HandshakeFailed(Refusal):
    """A step of a handshake that we began failed; the text names the step."""


class HandshakeUncertain(HandshakeFailed):
    """The answer to our POST or PUT was lost, or is of no use: the partner may have taken it.

    token  that the answer gives us all the same
    """

    def __init__(self, text: str, token: str | None = None) -> None:
        super().__init__(text)
        self.token = token


async def connect(house: Building, name: str, versions_url: str, token: str, encoding: str = "base64") -> Partner:
    """Register with a platform that gave us its versions URL and a token.

    encoding  in which we send the token first; the other is tried if the platform refuses it (AMB-01)
    Raises InvalidObject; HandshakeFailed, and then nothing is half registered
    """
    check_url(versions_url, pointer="/versions_url", allow_private=house.allow_private_urls)
    offered_token = new_token()
    credentials = handshake.credentials_of(house, await house.directory.own_parties(), offered_token)
    async with house.database.write() as tx:
        partner_id = await repository.create(tx, name, PartnerStatus.CONNECTING, versions_url=versions_url)
        # Valid before the POST is sent: they call us back while it is open.
        await credentials_tokens.issue_token(tx, partner_id, house.vault.digest(offered_token), "OFFERED")
        partner = await repository.get(tx, partner_id)
    house.directory.drop()
    assert partner is not None
    try:
        ways = [(token, form) for form in (encoding, other_encoding(encoding))]
        offered = await handshake.discover(house, partner, versions_url, ways)
        try:
            given = await _exchange(house, "POST", partner, offered, token, credentials)
        except HandshakeUncertain as fault:
            raise HandshakeFailed(f"{fault}; {await _cleared_up(house, partner, offered, fault.token)}") from fault
        try:
            async with house.database.write() as tx:
                await handshake.must_be_free(tx, partner, given)
                await credentials_tokens.settle_offer(tx, house.vault.digest(offered_token))
                await handshake.keep(house, tx, partner, given, offered)
                await take_over(tx, partner_id)
                renew_at = handshake.renew_at(house)
                await repository.change(tx, partner_id, connected_at=now(), rotated_at=now(), renew_at=renew_at)
                await house.connected(tx, partner_id)
                await handshake.tell(tx, EventType.PARTNER_CONNECTED, partner_id)
        except InvalidObject as fault:
            ended = await _taken_back(house, partner, offered, given["token"])
            raise HandshakeFailed(f"POST credentials: the answer has {fault}; {ended}") from fault
    except BaseException as fault:
        async with house.database.write() as tx:
            await repository.delete(tx, partner_id)
        house.directory.drop()
        if isinstance(fault, Refusal) and not isinstance(fault, HandshakeFailed):
            raise HandshakeFailed(str(fault)) from fault
        raise
    handshake.changed(house)
    return await _current(house, partner_id)


async def rotate(house: Building, partner_id: int) -> Partner:
    """New tokens for both directions, by PUT; also tells the partner our endpoints and roles as they are now.

    Raises HandshakeFailed, and then the old tokens work as before; HandshakeUncertain, if the answer is lost or of no use: then
    old and new tokens of the partner are both good, and the next try settles it
    """
    partner = await _current(house, partner_id)
    if partner.status is not PartnerStatus.CONNECTED or partner.versions_url is None:
        raise NotRegistered("there is no registration to renew")
    current = await house.token_of(partner_id)
    if current is None:
        raise HandshakeFailed(NO_TOKEN)
    offered_token = new_token()
    digest = house.vault.digest(offered_token)
    credentials = await handshake.credentials_for(house, partner, offered_token)
    try:
        offered = await handshake.discover(house, partner, partner.versions_url, [current])
        async with house.database.write() as tx:
            await credentials_tokens.issue_token(tx, partner_id, digest, "OFFERED")
        house.directory.drop()
        given = await _exchange(house, "PUT", partner, offered, current[0], credentials)
    except HandshakeUncertain as fault:
        lost = f"the answer to our PUT credentials was lost: rotate again when the partner is well ({fault})"
        async with house.database.write() as tx:
            await repository.change(tx, partner_id, alert=lost)
        raise
    except Refusal as fault:
        async with house.database.write() as tx:
            await credentials_tokens.withdraw_token(tx, digest)
            await repository.change(tx, partner_id, alert=f"renewal of tokens failed: {fault}")
        house.directory.drop()
        raise HandshakeFailed(str(fault)) from fault
    async with house.database.write() as tx:
        await repository.lock(tx, partner_id)
        # The partner has switched already: refusing its answer would lock us out. Roles of others it does not get.
        taken = await taken_roles(tx, partner_id, given["roles"])
        given["roles"] = [r for r in given["roles"] if not await taken_roles(tx, partner_id, [r])]
        await credentials_tokens.settle_offer(tx, digest)
        await credentials_tokens.expire_older_tokens(tx, digest, now() + house.token_grace)
        await handshake.keep(house, tx, partner, given, offered)
        alert = f"claims roles of another connection: {', '.join(taken)}" if taken else None
        renew_at = handshake.renew_at(house)
        await repository.change(tx, partner_id, rotated_at=now(), renew_at=renew_at, alert=alert)
        await handshake.tell(tx, EventType.PARTNER_ROTATED, partner_id)
        await house.connected(tx, partner_id)
    handshake.changed(house)
    return await _current(house, partner_id)


async def _taken_back(house: Building, partner: Partner, offered: Offered, token: str) -> str:
    """The partner registered us, and we cannot have it: it is told, so that nothing is half registered. In words, what came of it

    token  that it gave us
    """
    try:
        answer = await house.client.send(
            "DELETE", offered.endpoints[_CREDENTIALS], token, offered.encoding,
            partner_id=partner.id, about=About(ModuleId.CREDENTIALS),
        )  # fmt: skip
    except PartnerUnreachable as fault:
        return f"its registration could not be taken back: {fault}"
    return "its registration was taken back" if answer.ok else f"its registration could not be taken back: {answer}"


async def _cleared_up(house: Building, partner: Partner, offered: Offered, token: str | None) -> str:
    """The partner may have registered us, and we have not registered it. In words, what became of that

    token  that it gave us, None if none came
    """
    if token is not None:
        return await _taken_back(house, partner, offered, token)
    return "it may have registered us: if it refuses its token from now on, it has to end that and give you another"


async def unregister(house: Building, partner_id: int) -> str | None:
    """End the registration at both ends; data is kept. Words on what went wrong at the partner's end, None if nothing did.

    Our end is closed in any case: the partner may be gone for good.
    """
    partner = await _current(house, partner_id)
    warning = None
    url = partner.endpoint(*_CREDENTIALS)
    if partner.status is PartnerStatus.CONNECTED and url is not None:
        try:
            answer = await house.client.call(partner, "DELETE", url)
            # 401 and 405 both say that they do not know us any more (AMB-03).
            if not answer.ok and answer.http_status not in (401, 405):
                warning = f"DELETE credentials: the partner answered {answer}"
        except PartnerUnreachable as fault:
            warning = f"DELETE credentials: {fault}"
    await handshake.end(house, partner_id)
    return warning


async def _exchange(
    house: Building, method: str, partner: Partner, offered: Offered, token: str, credentials: JsonObject
) -> JsonObject:
    """Give the partner our credentials; its own. token  to ask with"""
    url = offered.endpoints[_CREDENTIALS]
    try:
        answer = await house.client.send(
            method, url, token, offered.encoding, partner_id=partner.id, body=credentials,
            about=About(ModuleId.CREDENTIALS), once=True,
        )  # fmt: skip
    except PartnerFailed as fault:
        # An envelope that says no is an answer (AMB-02); with a 5xx it tells of an accident, which may have come afterwards.
        kind = HandshakeUncertain if fault.http_status >= 500 else HandshakeFailed
        raise kind(f"{method} credentials: {url} answered {fault}") from fault
    except PartnerUnreachable as fault:
        raise HandshakeUncertain(f"{method} credentials: {url}: {fault}") from fault
    if not answer.ok:
        raise HandshakeFailed(f"{method} credentials: {url} answered {answer}")
    return _given(house, method, offered.version, answer)


def _given(house: Building, method: str, version: str, answer: Answer) -> JsonObject:
    """The credentials in an answer that is a success. Raises HandshakeUncertain, if they are none"""
    try:
        given = house.dialects[version].read(Credentials, answer.object).document
        check_url(given["url"], pointer="/url", allow_private=house.allow_private_urls)
    except InvalidObject as fault:
        # It is a success all the same: the partner uses the token that we offered.
        useless = f"{method} credentials: the answer holds no valid credentials: {fault}"
        raise HandshakeUncertain(useless, _token_in(answer.object)) from fault
    return given


def _token_in(wire: Any) -> str | None:
    """The token in credentials that are not valid otherwise."""
    token = wire.get("token") if isinstance(wire, dict) else None
    return token if isinstance(token, str) and fullmatch("[!-~]{1,64}", token) else None


async def _current(house: Building, partner_id: int) -> Partner:
    async with house.database.read() as tx:
        return await repository.known(tx, partner_id)
