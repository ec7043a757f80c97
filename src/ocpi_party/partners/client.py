"""One OCPI request to a partner: headers, time, the second try. OCPI 2.2.1, Transport and format.

All HTTP to partners goes through this module.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urljoin, urlsplit, urlunsplit

import aiohttp
import httpx

from ocpi_party.ocpi import headers
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.types import encode, now
from ocpi_party.partners.answer import Answer as Answer
from ocpi_party.partners.answer import ConnectionLost, PartnerFailed, PartnerUnreachable, Redirected, answer_of
from ocpi_party.partners.exchange import About, Observer, Route, endpoint_at
from ocpi_party.partners.exchange import Exchange as Exchange
from ocpi_party.partners.partner import Partner
from ocpi_party.partners.reach import tls_context
from ocpi_party.partners.resolver import PublicResolver
from ocpi_party.partners.secrets import NO_TOKEN, header_value
from ocpi_party.partners.urls import check_url
from ocpi_party.partners.verbatim import VerbatimTransport

_IDEMPOTENT: Final = frozenset({"GET", "PUT", "DELETE"})
_ABSENT: Final = object()


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
        resolver = PublicResolver(allow_private=self.allow_private)
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
            raise PartnerUnreachable(NO_TOKEN)
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
            params=params, about=about, endpoint=endpoint_at(partner, url) if partner else None, token=token,
        )  # fmt: skip
        left, authorization = within or self.timeout, header_value(token, encoding)
        try:
            return await self.observed(exchange, authorization, left)
        except Redirected as fault:
            meant = _with_its_slash(exchange, fault.location)
            if meant is None:
                raise
            left -= timedelta(seconds=exchange.seconds)
            return await self.observed(_again(exchange, url=meant), authorization, left)
        except ConnectionLost:
            left -= timedelta(seconds=exchange.seconds)
            if once or method not in _IDEMPOTENT or left <= timedelta(0):
                raise
        try:
            return await self.observed(_again(exchange), authorization, left)
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
        except TimeoutError as fault:
            words = f": {fault}" if str(fault) else f" within {round(within.total_seconds(), 1):g} s"
            raise PartnerUnreachable(f"no answer{words}", maybe_done=True) from fault
        except (httpx.HTTPError, aiohttp.ClientError, OSError) as fault:
            raise PartnerUnreachable(f"no answer: {_words(fault)}", maybe_done=True) from fault
        except httpx.InvalidURL as fault:
            raise PartnerUnreachable("this URL cannot be called") from fault
        exchange.http_status = response.status_code
        exchange.answer = response.content
        answer = answer_of(response, exchange.url, exchange.token)
        exchange.status_code = answer.status_code if answer.enveloped else None
        return answer


def _again(exchange: Exchange, **changes: Any) -> Exchange:
    return replace(exchange, request_id=str(uuid.uuid4()), sent_at=now(), error=None, **changes)


def _with_its_slash(exchange: Exchange, location: str | None) -> str | None:
    """Our URL as the partner wants it, if all that is wrong is the slash at its end; None for every other redirect (OPS-09).

    Frameworks do that by themselves; behind a proxy they may call our https http. A response_url is called as it was given.
    """
    if location is None or (exchange.about is not None and exchange.about.url_is_secret):
        return None
    try:
        ours, wanted = urlsplit(exchange.url), urlsplit(urljoin(exchange.url, location))
    except ValueError:
        return None
    if (wanted.hostname, wanted.path.rstrip("/")) != (ours.hostname, ours.path.rstrip("/")) or wanted.path == ours.path:
        return None
    return urlunsplit(ours._replace(path=wanted.path))


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
