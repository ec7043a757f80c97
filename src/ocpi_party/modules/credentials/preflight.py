"""Each step of a handshake tried without changing anything at the partner, told with who must mend what fails."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

from ocpi_party.modules.credentials.discovery import (
    Details,
    Discovery,
    Endpoints,
    Unauthorized,
    form_may_be_wrong,
    newest_mutual,
    useless,
)
from ocpi_party.ocpi import headers
from ocpi_party.ocpi.errors import InvalidObject, Refusal, UnableToUseClientApi
from ocpi_party.ocpi.modules import FUNCTIONAL, InterfaceRole, ModuleId, Role, role_with
from ocpi_party.ocpi.types import now, parse_time
from ocpi_party.partners.answer import Answer, PartnerUnreachable
from ocpi_party.partners.exchange import Route
from ocpi_party.partners.partner import Partner, Party
from ocpi_party.partners.reach import NotReached, UnknownAuthority, addresses, certificate, tls_context
from ocpi_party.partners.secrets import other_encoding
from ocpi_party.partners.urls import check_url, resolve
from ocpi_party.transport.asked import Building

YOU: Final = "you"
THEY: Final = "the partner"
EITHER: Final = "the partner, or you"

_TOLERANCE = timedelta(seconds=5)
_SOON = timedelta(days=14)
_WITHIN = timedelta(seconds=10)
_NEXT = re.compile(r"<\s*([^>]*?)\s*>\s*;[^,]*rel\s*=\s*\"?next")


@dataclass(frozen=True, slots=True)
class Step:
    """who_must_mend  None if there is nothing to mend"""

    step: str
    words: str
    who_must_mend: str | None = None

    @property
    def ok(self) -> bool:
        return self.who_must_mend is None


Steps = AsyncIterator[Step]


@dataclass(slots=True)
class Preflight:
    """One look at a platform. The first step that leaves nothing to go on with is the last.

    encoding  of the token, base64 or raw; the other one is tried too (AMB-01)
    partner   None if it is not registered yet
    versions, endpoints  what was found
    """

    house: Building
    versions_url: str
    token: str
    encoding: str = "base64"
    partner: Partner | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    endpoints: Endpoints = field(default_factory=dict)

    async def steps(self) -> Steps:
        """In order, each as soon as it is known."""
        try:
            async for step in self._reach():
                yield step
            async for step in self._ask():
                yield step
        except _Ends as end:
            yield end.step

    async def _reach(self) -> Steps:
        try:
            check_url(self.versions_url, pointer="", allow_private=self.house.allow_private_urls)
        except InvalidObject as fault:
            raise _Ends("url", f"{self.versions_url} {fault.rule}", EITHER) from fault
        parts = urlsplit(self.versions_url)
        host = str(parts.hostname)
        try:
            found = await addresses(host, allow_private=self.house.allow_private_urls)
        except NotReached as fault:
            raise _Ends("dns", str(fault), EITHER) from fault
        yield Step("dns", f"{host} is {', '.join(found)}")
        if parts.scheme == "http":
            yield Step("tls", "the URL is http: nothing is encrypted, which OCPI_ALLOW_PRIVATE_URLS permits here")
            return
        context = tls_context(self.house.client.ca_bundle)
        try:
            version, ends = await certificate(host, parts.port or 443, found, context, within=_WITHIN)
        except UnknownAuthority as fault:
            hint = "all certificates between must be sent; an authority that only you know is named in OCPI_CA_BUNDLE"
            raise _Ends("tls", f"{fault}: {hint}", EITHER) from fault
        except NotReached as fault:
            raise _Ends("tls", str(fault), THEY) from fault
        soon = ends - now() < _SOON
        yield Step("tls", f"{version}, the certificate ends at {ends:%Y-%m-%d}", THEY if soon else None)

    async def _ask(self) -> Steps:
        sent = now()
        discovery, answer = await self._accepted()
        encoding = discovery.encoding
        if encoding == self.encoding:
            yield Step("token", f"it is accepted, {_spelt(encoding)}")
        else:
            words = f"it is accepted {_spelt(encoding)} only: set token_encoding to {encoding} for this partner"
            yield Step("token", words, YOU)
        yield _clock(answer, sent, now())
        version = self._version(answer)
        yield Step("versions", f"{self.versions_url} lists {', '.join(sorted(self.versions))}; we would use {version}")
        try:
            details = await discovery.details(self.versions[version], version)
        except Refusal as fault:
            raise _Ends("details", str(fault), THEY) from fault
        self.endpoints = details.endpoints
        yield _listed(details, self.versions[version])
        ours = await self._ours()
        yield _fits(details, {party.role for party in ours})
        yield await self._paging(ours, encoding)

    @property
    def _id(self) -> int | None:
        return self.partner.id if self.partner else None

    async def _accepted(self) -> tuple[Discovery, Answer]:
        """Who asks with the token in the form that is accepted, and the answer to GET versions."""
        faults: dict[str, UnableToUseClientApi] = {}
        for encoding in (self.encoding, other_encoding(self.encoding)):
            discovery = Discovery(self.house.client, self.house.allow_private_urls, self.token, encoding, self._id)
            try:
                return discovery, await discovery.ask_versions(self.versions_url)
            except UnableToUseClientApi as fault:
                faults[_spelt(encoding)] = fault
                if not form_may_be_wrong(fault, encoding):
                    break
        raise _no_versions(faults)

    async def _get(self, url: str, encoding: str, route: Route | None = None) -> Answer:
        return await self.house.client.send("GET", url, self.token, encoding, partner_id=self._id, route=route)

    def _version(self, answer: Answer) -> str:
        try:
            self.versions = Discovery.versions_in(answer, self.versions_url)
            newest = newest_mutual(self.versions, self.house.dialects)
        except Refusal as fault:
            raise _Ends("versions", str(fault), THEY) from fault
        agreed = self.partner.version if self.partner else None
        return agreed if agreed in self.versions else newest

    async def _ours(self) -> tuple[Party, ...]:
        ours = await self.house.directory.own_parties()
        return self.partner.agreed_with(ours) if self.partner else ours

    async def _paging(self, ours: tuple[Party, ...], encoding: str) -> Step:
        """The first two pages of one list, an object each."""
        found = self._list(ours)
        if found is None:
            return Step("paging", "there is no list that we would fetch")
        name, url, route = found
        try:
            first = await self._get(f"{url}?{urlencode({'offset': 0, 'limit': 1})}", encoding, route)
            if not first.ok and self.partner is None:
                return Step("paging", f"{name} is not given before registration ({first}): look again when connected")
            following = _next(first, url)
            second = await self._get(following, encoding, route) if following else None
        except PartnerUnreachable as fault:
            return Step("paging", f"GET {url}: {fault}", THEY)
        wrong = _wrong_pages(first, second)
        total = first.headers.get(headers.TOTAL_COUNT)
        return Step("paging", f"{name}: {wrong or f'its {total} objects are paged as they should be'}", wrong and THEY)

    def _list(self, ours: tuple[Party, ...]) -> tuple[str, str, Route] | None:
        for module in _LISTED:
            url = self.endpoints.get((module, InterfaceRole.SENDER))
            asker = next((one for one in ours if one.role is role_with(module, InterfaceRole.RECEIVER)), None)
            if url is not None and asker is not None:
                sends = role_with(module, InterfaceRole.SENDER)
                theirs = self.partner.parties if self.partner else ()
                to = next((one.key for one in theirs if one.role in (sends, Role.HUB)), None)
                return f"{module} {InterfaceRole.SENDER}", url, Route(asker.key, to)
        return None


_LISTED = (ModuleId.LOCATIONS, ModuleId.TARIFFS, ModuleId.SESSIONS, ModuleId.CDRS, ModuleId.TOKENS)


class _Ends(Exception):
    """A step that leaves nothing to go on with."""

    def __init__(self, step: str, words: str, who_must_mend: str) -> None:
        super().__init__(words)
        self.step = Step(step, words, who_must_mend)


def _no_versions(faults: Mapping[str, UnableToUseClientApi]) -> _Ends:
    """faults  by the form in which the token was sent"""
    refused = {form: fault.answer for form, fault in faults.items() if isinstance(fault, Unauthorized)}
    if refused:
        words = f"it is refused, {' and '.join(refused)} ({next(iter(refused.values()))}): ask for a new one"
        return _Ends("token", words, THEY)
    first = str(next(iter(faults.values())))
    return _Ends(
        "versions", f"{first}; the token in the other form changes nothing" if len(faults) > 1 else first, THEY
    )


def _spelt(encoding: str) -> str:
    return "in Base64" if encoding == "base64" else "raw"


def _clock(answer: Answer, sent: datetime, received: datetime) -> Step:
    """What a partner's clock says counts: we ask for changes since a moment, and newer objects win."""
    told = {"Date": _date(answer.headers.get("date")), "timestamp": _moment(answer.timestamp)}
    off = {name: _off(at, sent, received) for name, at in told.items() if at is not None}
    worst = max(off, key=lambda name: abs(off[name]), default=None)
    if worst is not None and abs(off[worst]) > _TOLERANCE:
        ahead = "ahead of" if off[worst] > timedelta() else "behind"
        seconds = abs(off[worst]).total_seconds()
        return Step("clock", f"its {worst} is {seconds:.0f} seconds {ahead} our clock: compare both with NTP", EITHER)
    if told["timestamp"] is None:
        return Step("clock", "the envelope has no timestamp that can be read", THEY)
    return Step("clock", f"within {_TOLERANCE.total_seconds():.0f} seconds of ours")


def _off(at: datetime, sent: datetime, received: datetime) -> timedelta:
    """How far a moment lies outside the time of our request. Date has whole seconds, cut off."""
    return min(at - sent + timedelta(seconds=1), timedelta()) + max(at - received, timedelta())


def _date(value: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(value) if value else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None


def _moment(value: str | None) -> datetime | None:
    try:
        return parse_time(value) if value else None
    except InvalidObject:
        return None


def _listed(details: Details, url: str) -> Step:
    listed = ", ".join(f"{module} {interface}" for module, interface in sorted(details.endpoints))
    return Step("details", "; ".join((f"{url} lists {listed}", *details.strays)), THEY if details.strays else None)


def _fits(details: Details, roles: set[Role]) -> Step:
    endpoints = details.endpoints
    if not roles:
        return Step("endpoints", "we have no party yet: ocpi-party party add", YOU)
    if useless(endpoints, roles):
        mend = THEY if details.strays else EITHER
        return Step("endpoints", f"none fits our roles ({', '.join(sorted(roles))})", mend)
    missing = [
        f"{module} {interface}"
        for module in sorted(FUNCTIONAL)
        for interface, mine in _OTHER_END.items()
        if role_with(module, mine) in roles and (module, interface) not in endpoints
    ]
    fits = f"they fit our roles ({', '.join(sorted(roles))})"
    return Step("endpoints", f"{fits}; not offered: {', '.join(missing)}" if missing else fits)


_OTHER_END = {InterfaceRole.SENDER: InterfaceRole.RECEIVER, InterfaceRole.RECEIVER: InterfaceRole.SENDER}


def _next(page: Answer, url: str) -> str | None:
    """Where the Link leads, as far as our token may go there."""
    found = _NEXT.search(page.headers.get(headers.LINK, ""))
    there = resolve(url, found[1]) if found else None
    return there if there and urlsplit(there)[:2] == urlsplit(url)[:2] else None


def _wrong_pages(first: Answer, second: Answer | None) -> str | None:
    """What is wrong with them in words."""
    if not first.ok or (second is not None and not second.ok):
        return f"it is refused: {second if first.ok else first}"
    total = first.headers.get(headers.TOTAL_COUNT, "")
    if not isinstance(first.data, list):
        return "the answer holds no list"
    if not total.isdecimal() or len(total) > 18:
        return "there is no X-Total-Count"
    if len(first.data) > 1:
        return f"limit=1 was answered with {len(first.data)} objects"
    if int(total) > 1 and second is None:
        return f"there are {total} objects, but no Link to the next page at the same host"
    if second is not None and second.data == first.data:
        return "the Link leads to the same page again"
    return None
