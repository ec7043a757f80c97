"""One OCPI request to a partner: headers, timeout, envelope. OCPI 2.2.1, Transport and format.

All HTTP to partners goes through this module.
"""

import asyncio
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from ocpi_party.ocpi import headers
from ocpi_party.ocpi.errors import InvalidObject, UnreadableJson
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId
from ocpi_party.ocpi.status import StatusCode, is_our_fault, is_success
from ocpi_party.ocpi.types import PartyId, decode, encode, now, without_nul
from ocpi_party.partners.partner import Partner
from ocpi_party.partners.reach import tls_context
from ocpi_party.partners.secrets import header_value
from ocpi_party.partners.urls import check_url, is_public
from ocpi_party.partners.verbatim import VerbatimTransport

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_IDEMPOTENT: Final = frozenset({"GET", "PUT", "DELETE"})
_ABSENT: Final = object()


class PartnerUnreachable(Exception):
    """The request got no answer that OCPI could have meant: no connection, timeout, 5xx, HTML, an envelope that is none.

    maybe_done   the request may have reached the partner and been carried out
    retry_after  how long the partner asks us to wait, None if it did not say
    """

    def __init__(self, why: str, *, maybe_done: bool = False, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.maybe_done = maybe_done
        self.retry_after = retry_after


class ConnectionLost(PartnerUnreachable):
    """The connection broke before an answer began; a partner may close an idle one just when we use it again."""

    def __init__(self, why: str) -> None:
        super().__init__(why, maybe_done=True)


@dataclass(frozen=True, slots=True)
class Route:
    """OCPI-from and OCPI-to of a request; to is None for open routing."""

    sender: PartyId
    receiver: PartyId | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a partner answered.

    status_code  of the envelope; without an envelope what the HTTP status means in OCPI
    timestamp    of the envelope, as it came
    """

    http_status: int
    status_code: int
    message: str
    data: Any
    headers: Mapping[str, str]
    url: str
    timestamp: str | None = None

    @property
    def ok(self) -> bool:
        return self.http_status < 400 and is_success(self.status_code)

    @property
    def unknown(self) -> bool:
        """The partner does not know the object; each form seen in the field counts (AMB-11)."""
        return self.http_status == 404 or self.status_code in (StatusCode.UNKNOWN_LOCATION, StatusCode.UNKNOWN_TOKEN)

    @property
    def unauthorized(self) -> bool:
        return self.http_status == 401

    @property
    def refused(self) -> bool:
        """The same request would be refused again."""
        return not self.ok and (is_our_fault(self.status_code) or 400 <= self.http_status < 500)

    def __str__(self) -> str:
        return f"HTTP {self.http_status}, OCPI {self.status_code} {self.message}".strip()


@dataclass(frozen=True, slots=True)
class About:
    """What a request is about, where its URL does not tell.

    ref            of the object
    url_is_secret  the URL was given to us in confidence (response_url)
    """

    module: ModuleId
    ref: str | None = None
    url_is_secret: bool = False


@dataclass(slots=True)
class Exchange:
    """One request and its answer, for those who keep a log of messages.

    endpoint  of the partner's, that the URL lies at
    token     was sent with it: to be masked wherever the partner repeats it, and never to be kept
    """

    partner_id: int | None
    method: str
    url: str
    request_id: str
    correlation_id: str
    route: Route | None
    body: bytes | None
    sent_at: datetime
    http_status: int | None = None
    status_code: int | None = None
    answer: bytes | None = None
    error: str | None = None
    seconds: float = 0.0
    params: Mapping[str, str] | None = None
    about: About | None = None
    endpoint: tuple[ModuleId, InterfaceRole, str] | None = None
    token: str = field(default="", repr=False)


Observer = Callable[[Exchange], None]


class _PublicResolver(AbstractResolver):
    """Resolves names and leaves out private addresses, so that a name cannot lead us into our own network."""

    def __init__(self, *, allow_private: bool) -> None:
        self._inner = ThreadedResolver()
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [entry for entry in found if self._allow_private or is_public(entry["host"])]
        if not allowed:
            raise OSError(f"{host} has no public address")
        return allowed

    async def close(self) -> None:
        await self._inner.close()


@dataclass(slots=True)
class OcpiClient:
    """Sends OCPI requests.

    token_of  the credentials token that we send to a partner; may be kept until forget is called
    timeout   for the whole of one request
    """

    token_of: Callable[[int], Awaitable[tuple[str, str] | None]]
    forget: Callable[[], None]
    allow_private: bool
    timeout: timedelta = timedelta(seconds=30)
    ca_bundle: str | None = None
    transport: httpx.AsyncBaseTransport | None = None
    observers: list[Observer] = field(default_factory=list)
    _http: httpx.AsyncClient | None = None

    async def open(self) -> None:
        """Must run in the event loop that will send."""
        transport = self.transport or VerbatimTransport(self._session)
        self._http = httpx.AsyncClient(
            transport=transport, timeout=self.timeout.total_seconds(), follow_redirects=False, trust_env=False
        )

    def _session(self) -> aiohttp.ClientSession:
        resolver = _PublicResolver(allow_private=self.allow_private)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=tls_context(self.ca_bundle), resolver=resolver, limit=0, keepalive_timeout=20, ttl_dns_cache=60
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # It would send a PUT again on its own, with the same X-Request-ID; `send` knows when that does no harm.
        session._retry_connection = False
        return session

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def call(
        self,
        partner: Partner,
        method: str,
        url: str,
        *,
        route: Route | None = None,
        body: Any = _ABSENT,
        params: Mapping[str, str] | None = None,
        correlation_id: str | None = None,
        within: timedelta | None = None,
        about: About | None = None,
    ) -> Answer:
        """Ask a partner with the token that it gave us.

        about  for those who keep messages, None if the URL lies at an endpoint of the partner
        body   a document, or its JSON as bytes
        route  None on configuration modules, which have no routing headers
        Raises PartnerUnreachable
        """
        token = await self.token_of(partner.id)
        if token is None:
            raise PartnerUnreachable("we have no credentials token for this partner")
        arguments: dict[str, Any] = {
            "partner": partner,
            "about": about,
            "route": route,
            "body": body,
            "params": params,
            "correlation_id": correlation_id,
            "within": within,
        }
        answer = await self.send(method, url, *token, partner_id=partner.id, **arguments)
        if answer.unauthorized:
            # The token may have been renewed while the request was on its way; then the newer one is good.
            self.forget()
            renewed = await self.token_of(partner.id)
            if renewed is not None and renewed != token:
                return await self.send(method, url, *renewed, partner_id=partner.id, **arguments)
        return answer

    async def send(
        self,
        method: str,
        url: str,
        token: str,
        encoding: str = "base64",
        *,
        partner_id: int | None = None,
        route: Route | None = None,
        body: Any = _ABSENT,
        params: Mapping[str, str] | None = None,
        correlation_id: str | None = None,
        within: timedelta | None = None,
        partner: Partner | None = None,
        about: About | None = None,
        once: bool = False,
    ) -> Answer:
        """Ask with this token. An idempotent request is sent again, if the connection breaks before it is answered (AMB-58).

        once  not even then: it would do something else the second time
        Raises PartnerUnreachable
        """
        try:
            check_url(url.partition("?")[0], pointer="", allow_private=self.allow_private)
        except InvalidObject as fault:
            raise PartnerUnreachable(f"we may not call this URL: it {fault.rule}") from fault
        content = None if body is _ABSENT else body if isinstance(body, bytes) else encode(body)
        exchange = Exchange(
            partner_id, method, url, str(uuid.uuid4()), correlation_id or str(uuid.uuid4()), route, content, now(),
            params=params, about=about, endpoint=_endpoint(partner, url) if partner else None, token=token,
        )  # fmt: skip
        left = within or self.timeout
        try:
            return await self.observed(exchange, header_value(token, encoding), left)
        except ConnectionLost:
            left -= timedelta(seconds=exchange.seconds)
            if once or method not in _IDEMPOTENT or left <= timedelta(0):
                raise
        try:
            again = replace(exchange, request_id=str(uuid.uuid4()), sent_at=now(), error=None)
            return await self.observed(again, header_value(token, encoding), left)
        except PartnerUnreachable as fault:
            fault.maybe_done = True  # The first may have arrived.
            raise

    async def observed(self, exchange: Exchange, authorization: str, within: timedelta) -> Answer:
        """One request and its answer, and those told of it who want to know. Raises PartnerUnreachable"""
        started = time.perf_counter()
        try:
            return await self._exchange(exchange, authorization, within)
        except PartnerUnreachable as fault:
            exchange.error = str(fault)
            exchange.status_code = fault.status_code if isinstance(fault, PartnerFailed) else None
            raise
        finally:
            exchange.seconds = time.perf_counter() - started
            for observe in self.observers:
                observe(exchange)

    def headers_of(self, exchange: Exchange, authorization: str) -> dict[str, str]:
        """Of a request that is about to be sent."""
        sent = {
            headers.AUTHORIZATION: authorization,
            headers.REQUEST_ID: exchange.request_id,
            headers.CORRELATION_ID: exchange.correlation_id,
            "accept": "application/json",
            **_routing(exchange.route),
        }
        if exchange.body is not None:
            sent["content-type"] = "application/json"
        return sent

    async def _exchange(self, exchange: Exchange, authorization: str, within: timedelta) -> Answer:
        assert self._http is not None
        sent = self.headers_of(exchange, authorization)
        try:
            async with asyncio.timeout(within.total_seconds()):
                response = await self._http.request(
                    exchange.method, exchange.url, params=exchange.params, content=exchange.body, headers=sent
                )
        except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
            if _was_connected(fault):
                raise ConnectionLost(f"no answer: {_words(fault)}") from fault
            raise PartnerUnreachable(f"no connection: {_words(fault)}") from fault
        except (httpx.HTTPError, TimeoutError, aiohttp.ClientError, OSError) as fault:
            raise PartnerUnreachable(f"no answer: {_words(fault)}", maybe_done=True) from fault
        except httpx.InvalidURL as fault:
            raise PartnerUnreachable("this URL cannot be called") from fault
        exchange.http_status = response.status_code
        exchange.answer = response.content
        answer = _answer(response, exchange.url)
        exchange.status_code = answer.status_code
        return answer


def _endpoint(partner: Partner, url: str) -> tuple[ModuleId, InterfaceRole, str] | None:
    """The endpoint of the partner that a URL lies at; of several the longest, since one may lie below another."""
    fitting = [
        (module, interface, base)
        for (module, interface), base in partner.endpoints.items()
        if url.startswith(base.rstrip("/")) and url[len(base.rstrip("/")) :][:1] in ("", "/", "?")
    ]
    return max(fitting, key=lambda one: len(one[2]), default=None)


def _was_connected(fault: BaseException) -> bool:
    """The transport calls it a ConnectTimeout as well, if a connection that there was breaks."""
    broken = isinstance(fault.__cause__, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
    return broken and not isinstance(fault.__cause__, aiohttp.ClientConnectorError)


def _words(fault: BaseException) -> str:
    return str(fault) or type(fault).__name__


def _routing(route: Route | None) -> dict[str, str]:
    if route is None:
        return {}
    found = {headers.FROM_COUNTRY_CODE: route.sender.country_code, headers.FROM_PARTY_ID: route.sender.party_id}
    if route.receiver is not None:
        found |= {headers.TO_COUNTRY_CODE: route.receiver.country_code, headers.TO_PARTY_ID: route.receiver.party_id}
    return found


def _answer(response: httpx.Response, url: str) -> Answer:
    """Read the envelope first, whatever the HTTP status says (AMB-10); what is neither is PartnerUnreachable."""
    status = response.status_code
    if len(response.content) > MAX_ANSWER_BYTES:
        raise PartnerUnreachable(f"the answer has more than {MAX_ANSWER_BYTES} bytes", maybe_done=True)
    if status in (429, 503):
        raise PartnerUnreachable(f"HTTP {status}", retry_after=_retry_after(response))
    if 300 <= status < 400:
        raise PartnerUnreachable(f"HTTP {status}: we do not follow redirects with a credentials token")
    envelope: Any = None
    if response.content:
        try:
            envelope = decode(without_nul(response.content))
        except UnreadableJson as fault:
            if status < 400:
                raise PartnerUnreachable("the answer is not JSON", maybe_done=True) from fault
    code = envelope.get("status_code") if isinstance(envelope, dict) else None
    if isinstance(code, int) and not isinstance(code, bool):
        if status >= 500 or (not is_success(code) and not is_our_fault(code) and code >= 3000):
            raise_for_server(code, status, envelope)
        told = envelope.get("timestamp")
        return Answer(
            status,
            code,
            str(envelope.get("status_message") or ""),
            envelope.get("data"),
            response.headers,
            url,
            told if isinstance(told, str) else None,
        )
    if status >= 500:
        raise PartnerUnreachable(f"HTTP {status}", maybe_done=True, retry_after=_retry_after(response))
    if status == 204 or (status < 300 and not response.content):
        return Answer(status, StatusCode.SUCCESS, "", None, response.headers, url)
    if status >= 400:
        code = StatusCode.INVALID_PARAMETERS if status in (400, 409, 422) else StatusCode.CLIENT_ERROR
        return Answer(status, code, "", None, response.headers, url)
    raise PartnerUnreachable("the answer has no OCPI envelope", maybe_done=True)


class PartnerFailed(PartnerUnreachable):
    """The partner answered, with an error of its own (3xxx) or of its hub (4xxx).

    status_code  4001 to 4003 tell that only the party behind the hub is not to be reached
    """

    def __init__(self, status_code: int, why: str) -> None:
        super().__init__(why, maybe_done=True)
        self.status_code = status_code


def raise_for_server(code: int, status: int, envelope: Mapping[str, Any]) -> None:
    raise PartnerFailed(code, f"HTTP {status}, OCPI {code} {envelope.get('status_message') or ''}".strip())


def _retry_after(response: httpx.Response) -> timedelta | None:
    value = response.headers.get("retry-after", "")
    try:
        return timedelta(seconds=int(value)) if value.isdecimal() else parsedate_to_datetime(value) - now()
    except (ValueError, TypeError, OverflowError):
        return None
