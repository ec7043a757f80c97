"""What is known of an OCPI request before its endpoint runs: who asks, in which role we are asked, and what stands ready."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Request
from pydantic import BeforeValidator

from ocpi_party.database import Database, ReadTx, WriteTx
from ocpi_party.decided import Decided
from ocpi_party.dialects.dialect import Dialect, Reading
from ocpi_party.events.happenings import Happenings
from ocpi_party.events.questions import Ask
from ocpi_party.messages.recorder import Recorder
from ocpi_party.ocpi.errors import InvalidObject, NotExchanged, UnknownEncoding, UnknownObject, UnreadableJson
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role, sender_of
from ocpi_party.ocpi.types import House, JsonObject, PartyId, received
from ocpi_party.owned.documents import DocumentCache
from ocpi_party.owned.receive import clock_ahead
from ocpi_party.owned.table import Ref
from ocpi_party.partners.audience import EVERYBODY
from ocpi_party.partners.client import OcpiClient
from ocpi_party.partners.directory import Directory
from ocpi_party.partners.partner import Partner, Party
from ocpi_party.partners.secrets import Vault


@dataclass(frozen=True, slots=True)
class Authorizing:
    """How we authorize as CPO, where OCPI leaves it to us.

    timeout    for all whom we ask about one driver
    ask_first  ask about a token that may be whitelisted or asked about
    reuse      how long an ALLOWED answers the same question again, where whitelisting is allowed; 0 for never
    unknown    whom we ask about a token that nobody told us of, in this order: partners, hubs, or partners,hubs …
    """

    timeout: timedelta
    ask_first: bool
    reuse: timedelta
    unknown: str


@dataclass(frozen=True, slots=True)
class Building:
    """What every endpoint may use, made once by app.create_app().

    public_url    base of every URL that we hand to a partner, without a slash at its end
    mounted       the interfaces that are mounted: version details are made from them
    token_grace   how long an old credentials token stays good when nobody uses the new one
    renew_every   how old credentials tokens may get, None for any age
    token_of      the credentials token that we send to a partner, and its encoding
    command_timeout  how long the result of a command may take, as partners are told
    keep_trying      how long we try to deliver such a result
    charging_profile_requests  how many of a partner for one session are taken on per minute
    messages      writes down what is exchanged with partners; None, if nothing is kept
    happenings    wakes readers of events
    decided       up to which number events can be read
    ask           asks the operator's system a question (authorization, command)
    answers_within  how long that may take; None likewise
    wake          tells the workers that there is something to do
    connected     what else is to be done in the transaction in which a partner becomes connected, or changes what it offers
    disconnected  likewise when it leaves
    missed        plans to fetch the list of a module from a partner; False if that was planned, or is not done
    """

    database: Database
    directory: Directory
    vault: Vault
    client: OcpiClient
    documents: DocumentCache
    public_url: str
    dialects: Mapping[str, Dialect]
    mounted: tuple[tuple[ModuleId, InterfaceRole], ...]
    token_of: Callable[[int], Awaitable[tuple[str, str] | None]]
    page_size: int
    page_size_max: int
    max_body_bytes: int
    max_json_depth: int
    allow_private_urls: bool
    token_grace: timedelta
    renew_every: timedelta | None
    command_timeout: timedelta
    keep_trying: timedelta
    charging_profile_requests: int
    authorizing: Authorizing
    wake: Callable[[], None]
    messages: Recorder | None
    happenings: Happenings
    decided: Decided
    ask: Ask
    answers_within: Callable[[ReadTx, str], Awaitable[timedelta | None]]
    connected: Callable[[WriteTx, int], Awaitable[None]]
    disconnected: Callable[[WriteTx, int], Awaitable[None]]
    missed: Callable[[WriteTx, int, ModuleId], Awaitable[bool]]


@dataclass(slots=True)
class Asked:
    """One request of a partner.

    encoding  of the token as it came, base64 or raw
    role      the role of ours that the interface belongs to; None on configuration modules
    module    None for versions
    ours      our parties in that role that this partner may mean: one, if OCPI-to names it
    sender    the party that asks, None if it did not say and has several
    direct    parties that we reach directly and our own, if a hub asks
    about     the object, where an endpoint knows it and the URL does not tell
    was_begun it is about what is under way already: it comes whatever the operator switched off meanwhile
    """

    house: Building
    partner: Partner
    token: str
    encoding: str
    invited: bool
    spoken: Dialect
    request_id: str
    correlation_id: str
    role: Role | None = None
    ours: tuple[Party, ...] = ()
    all_ours: tuple[Party, ...] = ()
    addressed: PartyId | None = None
    sender: PartyId | None = None
    module: ModuleId | None = None
    direct: frozenset[str] = frozenset()
    about: str | None = None
    was_begun: bool = False

    @property
    def database(self) -> Database:
        return self.house.database

    @property
    def addressee(self) -> PartyId:
        """Our one party that is meant. Raises InvalidObject, if it could be several: nobody may guess (AMB-18)."""
        if len(self.ours) != 1:
            raise InvalidObject("", "OCPI-to-country-code and OCPI-to-party-id must say which of our parties is meant")
        return self.ours[0].key

    @property
    def owners(self) -> list[str]:
        """Our parties whose objects may be shown, as their rows name them."""
        return [str(party.key) for party in self.ours]

    @property
    def audiences(self) -> list[str]:
        """What this partner may see: everybody's, and what is meant for one of its parties."""
        asking = [self.sender] if self.sender and self.partner.is_hub else [party.key for party in self.partner.parties]
        return [EVERYBODY, *dict.fromkeys(str(key) for key in asking)]

    @property
    def asking(self) -> list[str]:
        """The party that asks, or each that it may be."""
        return [str(self.sender)] if self.sender else self.audiences[1:]

    def may_own(self, owner: PartyId) -> bool:
        """Whether objects of this party may come over this connection."""
        role = sender_of(self.module) if self.module else Role.OTHER
        return self.partner.may_own(owner, role, self.direct)

    def read(self, kind: type[House], wire: object, owner: PartyId) -> Reading:
        """An object of this party in the house form, as it came. Raises InvalidObject"""
        return self.noting(self.spoken.read(kind, wire), owner)

    def noting(self, reading: Reading, owner: PartyId) -> Reading:
        """The same, and that such objects are not expected of this party, or come from a wrong clock, if that is so."""
        strays = self.partner.strays(owner, self.module) if self.module else ()
        odd = (*strays, *clock_ahead(reading.document))
        return replace(reading, findings=(*reading.findings, *odd)) if odd else reading

    def theirs(self, country_code: str, party_id: str, key: str) -> Ref:
        """Names an object of this partner as it is stored for our party that is addressed.

        Raises UnknownObject, if the owner is no party of this partner: no difference between "not yours" and "not there"
        """
        owner = PartyId(country_code, party_id).folded()
        if not self.may_own(owner):
            raise UnknownObject(f"{country_code}*{party_id}/{key}")
        return Ref(self.partner.id, str(self.addressee), str(owner), key.upper())


async def _asked(request: Request) -> Asked:
    asked: Asked = request.scope["asked"]
    left_out = asked.module not in (None, ModuleId.CREDENTIALS) and not asked.partner.exchanges(asked.module)
    if left_out and not asked.was_begun:
        raise NotExchanged(f"we do not exchange {asked.module} with you")
    return asked


CurrentAsked = Annotated[Asked, Depends(_asked)]
"""Raises NotExchanged, if the operator left the module out for the partner: then it is as if it were not there."""

IdInUrl = Annotated[str, BeforeValidator(unquote)]
"""A path segment. Paths reach the router as they were sent, so that an encoded slash does not split a segment (AMB-08)."""


async def json_body(request: Request, asked: Asked) -> object:
    """The body, read once. Raises UnreadableJson, UnknownEncoding, InvalidObject"""
    body = await request.body()
    try:
        return received(body, max_depth=asked.house.max_json_depth)
    except UnreadableJson:
        # Some name an encoding that they do not use.
        if (encoding := request.headers.get("content-encoding", "identity").lower()) != "identity":
            raise UnknownEncoding(f"we read no body in {encoding}: send it without Content-Encoding") from None
        raise


async def json_object(request: Request, asked: Asked) -> JsonObject:
    """The body, if it is an object. Raises UnreadableJson, or InvalidObject for JSON of another shape (TRN-29)"""
    body = await json_body(request, asked)
    if not isinstance(body, dict):
        raise InvalidObject("", "must be a JSON object")
    return body
