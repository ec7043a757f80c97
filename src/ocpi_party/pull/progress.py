"""How far a crawl came: claim a list, begin, hold, turn a page, finish, fail. OCPI 2.2.1, Transport and format, "Pagination"."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.partners import repository as partners


@dataclass(frozen=True, slots=True)
class Pull:
    """A list of a partner, held by one worker for a time, and the crawl through it as far as it came.

    started_at  None: the crawl has not begun
    date_from   None: a crawl of everything
    since_rev   what has a higher revision was written while we crawled
    total       X-Total-Count of the last page
    shrank      it was less than on a page before
    repeats     how many crawls before this one are doubted, so that it fetches the same again
    together_since  since when nothing left the list, as far as crawls that are doubted saw: together they may have shown all
    unfounded   a doubt about which a repeat showed that there is no more to be had
    """

    id: int
    lease: str
    partner_id: int
    module: ModuleId
    party: str
    addressee: str
    wanted_full: bool
    good_until: datetime | None
    started_at: datetime | None
    date_from: datetime | None
    since_rev: int | None
    next_url: str | None
    pages: int
    objects: int
    total: int | None
    shrank: bool
    failures: int
    repeats: int
    together_since: datetime | None
    unfounded: str | None


_COLUMNS = """p.id, p.lease, p.partner_id, p.module, p.party, p.addressee, p.wanted_full, p.good_until, p.started_at, p.date_from,
              p.since_rev, p.next_url, p.pages, p.objects, p.total, p.shrank, p.failures, p.repeats, p.together_since,
              p.unfounded"""
_ONE_AT_A_TIME = Statement("SELECT pg_advisory_xact_lock(hashtext('pulls'))")
_DUE = "(o.leased_until < now() OR o.leased_until IS NULL AND o.next_at <= now())"
_CLAIM = Statement(
    f"""
    UPDATE pulls p SET leased_until = now() + :lease_for, lease = :lease, next_at = NULL
      FROM (SELECT id FROM pulls WHERE id = ANY(ARRAY(
                    SELECT DISTINCT ON (o.partner_id) o.id FROM pulls o
                     WHERE {_DUE} AND NOT EXISTS (
                           SELECT FROM pulls h WHERE h.partner_id = o.partner_id AND h.leased_until >= now())
                     ORDER BY o.partner_id, o.rank, o.id))
             ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED) due
     WHERE p.id = due.id
    RETURNING {_COLUMNS}
    """
)


def _pull(row: Row) -> Pull:
    return Pull(**{**row, "module": ModuleId(row["module"])})


async def claim(tx: WriteTx, *, most: int, lease_for: timedelta) -> list[Pull]:
    """Take up to `most` lists that are due, one of a partner, of partners that nobody is asking."""
    # That a partner is being asked stands in another row than the one that is taken: who claims must see what others took.
    await tx.value(_ONE_AT_A_TIME)
    return [_pull(row) for row in await tx.rows(_CLAIM, lease=secrets.token_hex(8), most=most, lease_for=lease_for)]


class LeaseLost(Exception):
    """Another worker has this list now, or it is not wanted any more."""


_HELD = "p.id = :id AND p.lease = :lease AND p.leased_until >= now()"
_BEGIN = Statement(
    f"""UPDATE pulls p SET started_at = :at, date_from = :date_from, next_url = :url, wanted_full = false, pages = 0, objects = 0,
               refused = 0, total = NULL, shrank = false, since_rev = (SELECT last_value FROM revisions)
         WHERE {_HELD} RETURNING {_COLUMNS}"""
)
_FORGET_PAGES = Statement("DELETE FROM pull_pages WHERE pull_id = :id AND crawl >= :crawl")


async def begin(tx: WriteTx, pull: Pull, url: str, at: datetime, date_from: datetime | None) -> Pull:
    """Begin a crawl, from its first page on. Raises LeaseLost"""
    row = await tx.row(_BEGIN, id=pull.id, lease=pull.lease, at=at, date_from=date_from, url=url)
    if row is None:
        raise LeaseLost
    await tx.run(_FORGET_PAGES, id=pull.id, crawl=pull.repeats)
    return _pull(row)


_HOLD = Statement(f"UPDATE pulls p SET leased_until = now() + :lease_for WHERE {_HELD}")


async def hold(tx: WriteTx, pull: Pull, lease_for: timedelta) -> None:
    """Keep the list longer; nobody takes it before this transaction ends. Raises LeaseLost

    The partner is locked before its list, and both before what the list holds: whoever plans its lists anew, because it or a
    party behind it changed, goes the same way.
    """
    await partners.lock(tx, pull.partner_id)
    if not await tx.run(_HOLD, id=pull.id, lease=pull.lease, lease_for=lease_for):
        raise LeaseLost


@dataclass(frozen=True, slots=True)
class Turned:
    """A page that was fetched.

    shrank    its total is less than that of the page before
    refs      the objects on it, OWNER/key, those that we could not take among them
    next_url  None: it was the last one
    """

    url: str
    objects: int
    refused: int
    total: int | None
    shrank: bool
    refs: Sequence[str]
    next_url: str | None


_TURN = Statement(
    f"""
    WITH page AS (INSERT INTO pull_pages (pull_id, crawl, number, url, refs) VALUES (:id, :crawl, :number, :url, :refs))
    UPDATE pulls p SET next_url = :next_url, pages = pages + 1, objects = objects + :objects, refused = refused + :refused,
           total = :total, shrank = shrank OR :shrank, failures = 0, error = NULL
     WHERE p.id = :id RETURNING {_COLUMNS}
    """
)


async def turn(tx: WriteTx, pull: Pull, page: Turned) -> Pull:
    """Keep how far the crawl came, in the transaction that holds it and keeps the page's objects."""
    row = await tx.row(
        _TURN,
        id=pull.id,
        crawl=pull.repeats,
        number=pull.pages,
        url=page.url,
        refs=list(page.refs),
        next_url=page.next_url,
        objects=page.objects,
        refused=page.refused,
        total=page.total,
        shrank=page.shrank,
    )
    assert row is not None
    return _pull(row)


_VISITED = Statement(
    "SELECT EXISTS (SELECT FROM pull_pages WHERE pull_id = :id AND crawl = :crawl AND number >= :since AND url = :url)"
)


async def was_visited(tx: ReadTx, pull: Pull, url: str, *, since: int) -> bool:
    """Whether this crawl fetched that page already. since  the number of the first page that counts"""
    return bool(await tx.value(_VISITED, id=pull.id, crawl=pull.repeats, since=since, url=url))


_ENDED = """finished_at = now(), started_at = NULL, next_url = NULL, failures = 0, error = NULL, leased_until = NULL, lease = NULL,
           next_at = LEAST(next_at, :next_at, CASE WHEN wanted_full THEN now() END)"""
_FINISH = Statement(
    f"""
    WITH pages AS (DELETE FROM pull_pages WHERE pull_id = :id)
    UPDATE pulls p SET good_until = :good_until, repeats = 0, doubt = NULL, together_since = NULL,
           unfounded = COALESCE(:unfounded, unfounded), {_ENDED}
     WHERE {_HELD}
    """
)


async def finish(
    tx: WriteTx, pull: Pull, next_at: datetime | None, good_until: datetime, unfounded: str | None
) -> None:
    """The crawl came to its end. Raises LeaseLost

    next_at     None: not again, unless somebody wanted it meanwhile
    good_until  what changed before was fetched
    unfounded   the doubt about which this repeat showed that there is no more to be had
    """
    given = {"next_at": next_at, "good_until": good_until, "unfounded": unfounded}
    if not await tx.run(_FINISH, id=pull.id, lease=pull.lease, **given):
        raise LeaseLost


_DOUBT = Statement(
    f"""
    WITH pages AS (DELETE FROM pull_pages WHERE pull_id = :id AND crawl < :kept)
    UPDATE pulls p SET repeats = repeats + 1, doubt = :doubt, {_ENDED},
           together_since = CASE WHEN NOT shrank THEN COALESCE(together_since, started_at) END
     WHERE {_HELD}
    """
)


async def doubt(tx: WriteTx, pull: Pull, next_at: datetime, why: str) -> None:
    """The crawl came to its end, and may not have shown all: the next one fetches the same again. Raises LeaseLost"""
    # Three crawls are compared at most. What may have left the list since it was shown says nothing about what was not.
    kept = pull.repeats if pull.shrank or pull.together_since is None else pull.repeats - 1
    if not await tx.run(_DOUBT, id=pull.id, lease=pull.lease, next_at=next_at, doubt=why, kept=kept):
        raise LeaseLost


_FAIL = Statement(
    """
    UPDATE pulls SET failures = failures + 1, error = :error, next_at = LEAST(next_at, :until), leased_until = NULL, lease = NULL,
           wanted_full = wanted_full OR (:anew AND started_at IS NOT NULL AND date_from IS NULL),
           started_at = CASE WHEN NOT :anew THEN started_at END
     WHERE id = :id AND lease = :lease
    """
)


async def fail(tx: WriteTx, pull: Pull, until: datetime, error: str, *, anew: bool) -> None:
    """The next page cannot be had now; what was fetched is kept. anew  begin again at the first page"""
    await partners.lock(tx, pull.partner_id)  # As in `hold`: an alert may follow.
    await tx.run(_FAIL, id=pull.id, lease=pull.lease, until=until, error=error[:1000], anew=anew)


_LET_GO = Statement("UPDATE pulls SET leased_until = now() WHERE id = :id AND lease = :lease")


async def let_go(tx: WriteTx, left: Sequence[Pull]) -> None:
    """Whoever comes next may go on with these lists, as if their leases had run out."""
    await tx.run_many(_LET_GO, [{"id": one.id, "lease": one.lease} for one in left])
