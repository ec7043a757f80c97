"""What the crawls of a list showed, one after the other, as long as it is doubted that they showed all.

Objects leave a list while it is walked, or move in it because they change, and those behind them are skipped: OCPI 2.2.1,
Transport and format, "Pagination", asks for an order that prevents it, and not all partners keep to it (AMB-23).
"""

from dataclasses import dataclass
from datetime import datetime

from ocpi_party.database import ReadTx, Statement
from ocpi_party.pull.progress import Pull

SHRANK = "lost objects while it was fetched, so that others may have been skipped"
TOO_FEW = "ends before as many different objects as X-Total-Count were sent"


@dataclass(frozen=True, slots=True)
class Shown:
    """Objects that a list showed when a crawl came to its end, each counted once.

    total     how many it says there are
    now       shown by this crawl
    together  by this one and those it repeats of which the pages are kept
    same      this one is a repeat, and showed what the one before it did: neither more nor less
    """

    total: int
    now: int
    together: int
    same: bool

    def doubt(self, pull: Pull) -> str | None:
        """Why the crawl may not have shown all. An object that is shown twice must not stand for one that was skipped."""
        if pull.shrank:
            return SHRANK
        return TOO_FEW if self.now < self.total else None

    def good_until(self, pull: Pull, doubt: str | None) -> datetime | None:
        """What changed before was fetched; None, if the list has to be fetched again to be sure.

        Where a repeat shows the same there is no more to be had, whatever the list says; and it need not be shown again and again
        to lists that always say so. A list that is ordered by last_updated and
        never rests shows something else each time: there, crawls are believed together, from the beginning of the first.
        """
        if doubt is None or self.same or doubt == pull.unfounded:
            return pull.started_at
        return pull.together_since if doubt == TOO_FEW and self.together >= self.total else None

    def unfounded(self, doubt: str | None) -> str | None:
        """A doubt that need not be raised again: the next crawl that ends so is believed at once."""
        return doubt if self.same and doubt != SHRANK else None


_SHOWN = Statement(
    """
    SELECT count(*) FILTER (WHERE last = :crawl) AS now, count(*) AS together,
           count(*) FILTER (WHERE (last = :crawl) <> before) AS changed
      FROM (SELECT max(g.crawl) AS last, bool_or(g.crawl = :crawl - 1) AS before
              FROM pull_pages g CROSS JOIN LATERAL unnest(g.refs) AS r(ref)
             WHERE g.pull_id = :id GROUP BY r.ref) s
    """
)


async def shown(tx: ReadTx, pull: Pull, total: int | None) -> Shown:
    row = await tx.row(_SHOWN, id=pull.id, crawl=pull.repeats)
    assert row is not None
    return Shown(total or 0, row["now"], row["together"], same=pull.repeats > 0 and not row["changed"])
