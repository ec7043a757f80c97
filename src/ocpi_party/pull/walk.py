"""The way through a partner's list, which may change meanwhile. OCPI 2.2.1, Transport and format, "Pagination"."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ocpi_party.database import ReadTx
from ocpi_party.ocpi import headers
from ocpi_party.partners.answer import Answer
from ocpi_party.pull import links, progress
from ocpi_party.pull.page import Page
from ocpi_party.pull.progress import Pull


@dataclass(slots=True)
class Walk:
    """Goes from page to page.

    without_link  the list goes on although no Link says so
    """

    without_link: bool = False
    _seen: set[str] = field(default_factory=set)

    async def go_on(self, tx: ReadTx, pull: Pull, url: str, answer: Answer, page: Page, *, endpoint: str) -> str | None:
        """Where the list goes on behind this page, which learns its total; None at the end.

        A reason to doubt that this is all is left on the page. Raises ForeignLink
        """
        page.total = _count(answer.headers, pull.total)
        next_url = await self._next(tx, pull, url, answer, page, endpoint)
        self._seen = page.refs
        return next_url

    async def _next(self, tx: ReadTx, pull: Pull, url: str, answer: Answer, page: Page, endpoint: str) -> str | None:
        again = _shrunk(pull, url, page.total)
        if again is not None and not await progress.was_visited(tx, pull, again):
            return again
        if answer.data is None:
            page.doubt = "has no data"
        if not page.size:
            return None
        next_url = links.linked(url, endpoint, answer.headers)
        if next_url is None and self.without_link and page.refs != self._seen:
            next_url = links.moved(url, page.size)
        if next_url is None:
            return None
        if next_url == url or await progress.was_visited(tx, pull, next_url):
            page.doubt = "has a Link that leads back to a page before"
            return None
        return next_url


def _shrunk(pull: Pull, url: str, total: int | None) -> str | None:
    """The same page, begun as much earlier as objects left the list since the last one (PAG-13)."""
    before = pull.total
    return links.moved(url, total - before) if before is not None and total is not None and total < before else None


def _count(answered: Mapping[str, str], before: int | None) -> int | None:
    told = answered.get(headers.TOTAL_COUNT, "").strip()
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else before
