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
    """Goes from page to page, forward but for a step back where objects left the list (PAG-13).

    without_link  the list goes on although no Link says so

    What it remembers is lost with the worker: whoever takes the crawl up again may at worst doubt that it is whole.

    _furthest  the greatest offset so far
    _first     the number of the first page since the last step back: those before may show something else by now
    _seen      what was on the page before
    """

    without_link: bool = False
    _furthest: int = -1
    _first: int = 0
    _seen: set[str] = field(default_factory=set)

    async def go_on(self, tx: ReadTx, pull: Pull, url: str, answer: Answer, page: Page, *, endpoint: str) -> str | None:
        """Where the list goes on behind this page, which learns its total and whether the list shrank; None at the end.

        A reason to doubt that this is all is left on the page. Raises ForeignLink
        """
        page.total = _count(answer.headers, pull.total)
        page.shrank = _shrank(pull.total, page, links.offset_of(url) or 0)
        next_url = self._earlier(pull, url, page) or await self._further(tx, pull, url, answer, page, endpoint)
        self._seen = page.refs
        self._furthest = max(self._furthest, links.offset_of(url) or 0)
        return next_url

    def _earlier(self, pull: Pull, url: str, page: Page) -> str | None:
        """The same page, begun as much earlier as objects left the list since the last one (PAG-13).

        Only at the front: a list that goes on shrinking behind it would lead back to its beginning.
        """
        at = links.offset_of(url)
        if not page.shrank or at is None or at <= self._furthest:
            return None
        self._first = pull.pages + 1
        return links.moved(url, (page.total or 0) - (pull.total or 0))

    async def _further(self, tx: ReadTx, pull: Pull, url: str, answer: Answer, page: Page, endpoint: str) -> str | None:
        if answer.data is None:
            page.doubt = "has no data"
        if not page.size:
            return None
        next_url = links.linked(url, endpoint, answer.headers)
        if next_url is None and self.without_link and page.refs != self._seen:
            next_url = links.moved(url, page.size)
        if next_url is None:
            return None
        if next_url == url or await progress.was_visited(tx, pull, next_url, since=self._first):
            page.doubt = "has a Link that leads back to a page before"
            return None
        return next_url


def _shrank(before: int | None, page: Page, offset: int) -> bool:
    """Whether objects left the list since the last page. Some partners count those of the page instead of all (AMB-21)."""
    if before is None or page.total is None or page.total >= before:
        return False
    return not page.size or page.total >= offset + page.size


def _count(answered: Mapping[str, str], before: int | None) -> int | None:
    told = answered.get(headers.TOTAL_COUNT, "").strip()
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else before
