"""One crawl through a partner's list, page by page. OCPI 2.2.1, Transport and format, "Pagination".

Each page is kept in one transaction with the position of the next: whoever takes a crawl up again goes on where it stopped.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpi_party.database import Database, WriteTx
from ocpi_party.dialects.dialect import Dialect
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, sender_of
from ocpi_party.ocpi.types import PartyId, fold, now, parse_time, wire_time
from ocpi_party.owned.pull import Again, Found, Pulled
from ocpi_party.owned.receive import clock_ahead
from ocpi_party.owned.table import Ref
from ocpi_party.partners.answer import Answer
from ocpi_party.partners.client import OcpiClient
from ocpi_party.partners.exchange import Route
from ocpi_party.partners.findings import Note, note_many
from ocpi_party.partners.partner import Partner
from ocpi_party.pull import links, progress, schedule
from ocpi_party.pull.missing import note_missing
from ocpi_party.pull.page import Page
from ocpi_party.pull.progress import Pull, Turned
from ocpi_party.pull.repeats import SHRANK, shown
from ocpi_party.pull.walk import Walk

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=5)
"""How far windows overlap: the partner's clock is not ours, and what it stored late it may have dated earlier (OPS-05)."""

NOT_LISTED = "is not in the partner's full list"

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 50
"""So many objects are read before other work of this process has its turn."""


class ListRefused(Exception):
    """The partner answered with an error, or with something that is no list: nothing follows from it (STS-10)."""


class NotAuthorized(ListRefused):
    """The partner does not accept our credentials token."""


@dataclass(slots=True)
class Crawl:
    """A list of a partner, fetched by the one who holds it.

    direct     parties for which a hub does not speak
    lease_for  from each page on
    next_at    when the list is to be fetched the next time
    again_at   when it is to be fetched again, because this crawl of it may not have shown all
    oldest     what did not change since then would be forgotten at once, and must not look new: it is passed over
    """

    database: Database
    client: OcpiClient
    pulled: Pulled
    dialect: Dialect
    partner: Partner
    direct: Collection[str]
    lease_for: timedelta
    next_at: Callable[[], datetime | None]
    again_at: Callable[[Pull], datetime]
    pull: Pull
    oldest: datetime | None = None
    _walk: Walk = field(init=False)

    def __post_init__(self) -> None:
        self._walk = Walk(without_link=bool(self.partner.quirks.get("paging_without_link")))

    @property
    def endpoint(self) -> str:
        url = self.partner.endpoint(self.pull.module, InterfaceRole.SENDER)
        if url is None:
            raise ListRefused("the partner has no such interface any more")
        return url

    async def run(self) -> None:
        """Fetch what is left, to the end.

        Raises PartnerUnreachable, ListRefused, ForeignLink, LeaseLost; what was fetched before is kept
        """
        if not self._goes_on():
            await self._begin()
        url = self.pull.next_url
        answer = await self._get(url) if url else None
        while url is not None and answer is not None:
            page, next_url = await self._look(url, answer)
            async with self._ahead(next_url) as coming:
                await self._turn(url, page, next_url)
                url, answer = next_url, await coming if coming else None

    @asynccontextmanager
    async def _ahead(self, next_url: str | None) -> AsyncIterator[asyncio.Task[Answer] | None]:
        """The next page on its way while this one is kept: partners take their time. Never more than one is asked for."""
        coming = asyncio.create_task(self._get(next_url)) if next_url else None
        try:
            yield coming
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    def _goes_on(self) -> bool:
        """Whether a crawl began that has pages left, at an endpoint that is still the partner's."""
        url = self.pull.next_url
        return self.pull.started_at is not None and url is not None and links.is_at_home(url, self.endpoint)

    async def _begin(self) -> None:
        since = None if self.pull.wanted_full else self.pull.good_until
        whole = _BEGINNING if self.pulled.needs_date_from else None
        date_from = since - OVERLAP if since else self.oldest or whole
        if self.pull.repeats and date_from is not None:  # What a repeat asks for is at least what it repeats.
            date_from = min(date_from, self.pull.date_from) if self.pull.date_from else None
        limit = self.partner.quirks.get("page_limit")
        url = links.first_page(
            self.endpoint,
            limit=limit if isinstance(limit, int) and limit > 0 else self.pulled.page_size,
            date_from=wire_time(date_from) if date_from else None,
        )
        async with self.database.write() as tx:
            self.pull = await progress.begin(tx, self.pull, url, now(), date_from)

    async def _get(self, url: str) -> Answer:
        route = None
        if self.pull.addressee:
            route = Route(PartyId.parse(self.pull.addressee), PartyId.parse(self.pull.party))
        answer = await self.client.call(self.partner, "GET", url, route=route)
        if answer.unauthorized:
            raise NotAuthorized(f"the partner does not accept our credentials token: {answer}")
        if not answer.ok:
            raise ListRefused(f"the partner refuses its list: {answer}")
        if (
            answer.empty or answer.http_status == 204
        ):  # Nothing is not an empty list: from that one it follows what is gone.
            raise ListRefused(f"the answer holds no list: {answer}")
        if answer.data is not None and not isinstance(answer.data, list):
            raise ListRefused("the answer holds no list")
        return answer

    async def _look(self, url: str, answer: Answer) -> tuple[Page, str | None]:
        """What is on a page, and where the list goes on. A page behind which we must not go is kept at once (TRN-30)."""
        page = await self._read(answer.data or [])
        page.notes.extend(Note(f"{self.pull.party}/", *deviation) for deviation in answer.deviations)
        try:
            async with self.database.read() as tx:
                return page, await self._walk.go_on(tx, self.pull, url, answer, page, endpoint=self.endpoint)
        except links.ForeignLink:
            async with self.database.write() as tx:
                await self._keep(tx, page)
                await note_many(tx, self.partner.id, self.pull.module, page.notes)
            raise

    async def _turn(self, url: str, page: Page, next_url: str | None) -> None:
        """Keep a page together with where it goes on; at the end also what follows from the whole."""
        async with self.database.write() as tx:
            await self._keep(tx, page)
            turned = Turned(url, page.size, page.refused, page.total, page.shrank, sorted(page.refs), next_url)
            self.pull = await progress.turn(tx, self.pull, turned)
            if next_url is None:
                await self._finish(tx, page)
            await note_many(tx, self.partner.id, self.pull.module, page.notes)

    async def _keep(self, tx: WriteTx, page: Page) -> None:
        """Keep the objects of a page, and on the page what is to be noted of them."""
        await progress.hold(tx, self.pull, self.lease_for)
        any_age = bool(self.partner.quirks.get("accept_older"))
        found, since = list(page.found.values()), self.pull.since_rev or 0
        for refusal in await self.pulled.absorb(tx, found, since=since, any_age=any_age):
            page.refuse(str(self.pulled.shown(page.found[refusal.ref])), refusal.fault.pointer, refusal.fault.rule)
        if page.refused:
            log.warning(
                "partner %s: %s of %s %s on a page cannot be taken, see its findings",
                self.partner.id, page.refused, page.size, self.pull.module,
            )  # fmt: skip

    async def _read(self, items: list[Any]) -> Page:
        page = Page(len(items))
        for number, item in enumerate(items, start=1):
            self._sort(item, page)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return page

    def _sort(self, item: Any, page: Page) -> None:
        """Good objects are kept, each bad one is noted (TRN-30, OWN-21)."""
        name = self._name(item)
        try:
            reading = self.pulled.read(self.dialect, item, self.partner.quirks)
        except InvalidObject as fault:
            page.refs.add(fold(name))
            return page.refuse(name, fault.pointer, fault.rule)
        document = reading.document
        owner = PartyId(document["country_code"], document["party_id"]).folded()
        if not self._may_own(owner):
            page.refs.add(fold(name))
            return page.refuse(name, "/party_id", "is no party of this partner; skipped")
        ref = Ref(self.partner.id, self.pull.addressee, str(owner), fold(self.pulled.name(document)))
        page.refs.add(str(ref))
        if self.oldest is not None and parse_time(document["last_updated"]) < self.oldest:
            return None
        page.found[ref] = found = Found(ref, reading)
        strays = self.partner.strays(owner, self.pull.module) if self.pulled.table is not None else ()
        shown = str(self.pulled.shown(found))
        findings = (*reading.findings, *strays, *clock_ahead(document))
        page.notes.extend(Note(shown, finding.pointer, finding.rule) for finding in findings)
        return None

    def _name(self, item: Any) -> str:
        """An object as far as it can be named before it is read."""
        try:
            return f"{fold(item['country_code'])}*{fold(item['party_id'])}/" + self.pulled.name(item)
        except (KeyError, TypeError, AttributeError):
            return f"{self.pull.party}/"

    def _may_own(self, owner: PartyId) -> bool:
        if self.pulled.table is None:
            return True
        return self.partner.may_own(owner, sender_of(self.pull.module), self.direct)

    async def _finish(self, tx: WriteTx, page: Page) -> None:
        """The list came to its end; if it is doubted that it showed all, it is fetched again until that is believed."""
        seen = await shown(tx, self.pull, page.total)
        doubt = page.doubt or seen.doubt(self.pull)
        if doubt is not None and doubt != SHRANK:
            page.notes.append(Note(f"{self.pull.party}/", "", f"the list {doubt}"))
        good_until = seen.good_until(self.pull, doubt)
        if good_until is None:
            await self._repeat(tx, f"the list {doubt}; it is fetched again")
        else:
            again = await self._missed(tx) if doubt is None and self.pull.date_from is None else None
            await progress.finish(tx, self.pull, self.next_at(), good_until, seen.unfounded(doubt))
            if again is not None:
                await schedule.want_whole(tx, self.pull.id, soon=again is Again.SOON)
        if self.pull.module is ModuleId.HUB_CLIENT_INFO:
            await schedule.catch_up(tx, self.partner.id)

    async def _missed(self, tx: WriteTx) -> Again | None:
        """What is absent from the whole list is not valid any more: that is noted, and nothing deleted (PAG-19, AMB-36)."""
        if self.pulled.held is None or self.pull.since_rev is None:
            return None
        owner = None if self.partner.is_hub else self.pull.party
        missing = await note_missing(tx, self.pull, self.pulled.held, owner, NOT_LISTED)
        if not missing:
            return None
        return await self.pulled.missed(tx, self.partner.id, self.pull.addressee, missing, self.pull.since_rev)

    async def _repeat(self, tx: WriteTx, why: str) -> None:
        log.warning("partner %s, %s: %s", self.partner.id, self.pull.module, why)
        await progress.doubt(tx, self.pull, self.again_at(self.pull), why)
