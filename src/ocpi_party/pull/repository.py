"""Pulls in the database: plan, want, claim, turn a page, finish, fail. OCPI 2.2.1, Transport and format, "Pagination"."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.ocpi.modules import OWNED_BY_CPO, ModuleId
from ocpi_party.partners.findings import Note, tell_findings
from ocpi_party.pull.planning import Wanted

_KEYS = """unnest(CAST(:modules AS text[]), CAST(:parties AS text[]), CAST(:addressees AS text[]), CAST(:ranks AS int[]))
           AS w(module, party, addressee, rank)"""
_PLAN = Statement(
    f"""
    WITH gone AS (
        DELETE FROM pulls p WHERE partner_id = :partner_id AND NOT EXISTS (
            SELECT FROM {_KEYS} WHERE (w.module, w.party, w.addressee) = (p.module, p.party, p.addressee))
    )
    INSERT INTO pulls AS p (partner_id, module, party, addressee, rank, next_at)
    SELECT :partner_id, module, party, addressee, rank, now() FROM {_KEYS}
    ON CONFLICT ON CONSTRAINT pulls_key DO UPDATE
       SET rank = excluded.rank,
           next_at = CASE WHEN p.leased_until IS NULL AND p.finished_at IS NULL THEN COALESCE(p.next_at, now()) ELSE p.next_at END
    """
)


async def plan(tx: WriteTx, partner_id: int, lists: Sequence[Wanted]) -> None:
    """Fetch these lists of the partner from now on, and no others; those that are fetched already go on as they are."""
    await tx.run(
        _PLAN,
        partner_id=partner_id,
        modules=[one.module for one in lists],
        parties=[one.party for one in lists],
        addressees=[one.addressee for one in lists],
        ranks=[one.rank for one in lists],
    )


_WANT = Statement(
    """UPDATE pulls SET next_at = LEAST(next_at, GREATEST(now(), finished_at + :pause))
        WHERE partner_id = :partner_id AND module = :module
          AND (next_at IS NULL OR next_at > GREATEST(now(), finished_at + :pause))"""
)
_PAUSE = timedelta(seconds=5)
"""A partner that changes many objects unknown to us is not asked for its list at each of them."""


async def want(tx: WriteTx, partner_id: int, module: ModuleId) -> bool:
    """The partner has something that we miss: fetch what changed soon. False, if that was planned, or nothing is fetched."""
    return await tx.run(_WANT, partner_id=partner_id, module=module, pause=_PAUSE) > 0


# A crawl that runs ends with a good_until of its own, so that only a further one of everything is sure to see what came back.
_CATCH_UP = Statement(
    """
    WITH back AS (
        UPDATE partner_parties SET away_since = NULL
          FROM partner_parties q
         WHERE q.partner_id = :partner_id AND q.status = 'CONNECTED' AND q.away_since IS NOT NULL
           AND (partner_parties.partner_id, partner_parties.owner, partner_parties.role) = (q.partner_id, q.owner, q.role)
        RETURNING q.role, q.away_since)
    UPDATE pulls p
       SET next_at = LEAST(next_at, GREATEST(now(), finished_at + CAST(:pause AS interval))),
           good_until = CASE WHEN started_at IS NOT NULL THEN good_until
                             WHEN b.since > to_timestamp(0) THEN LEAST(good_until, b.since) END,
           wanted_full = wanted_full OR (started_at IS NOT NULL AND leased_until IS NOT NULL)
      FROM (SELECT role = 'CPO' AS cpo, min(away_since) AS since FROM back GROUP BY role = 'CPO') b
     WHERE p.partner_id = :partner_id AND p.module <> 'hubclientinfo'
       AND b.cpo = (p.module = ANY(CAST(:of_cpos AS text[])))
    """
)


async def catch_up(tx: WriteTx, partner_id: int) -> None:
    """Parties of a hub are there, or back: what they have, or changed meanwhile, is fetched soon (HCI-R-06)."""
    await tx.run(_CATCH_UP, partner_id=partner_id, pause=_PAUSE, of_cpos=sorted(OWNED_BY_CPO))


_NOW = Statement(
    """UPDATE pulls SET next_at = now(), wanted_full = wanted_full OR :full,
              started_at = CASE WHEN :full AND leased_until IS NULL THEN NULL ELSE started_at END
        WHERE partner_id = :partner_id AND (CAST(:module AS text) IS NULL OR module = :module)"""
)


async def pull_now(tx: WriteTx, partner_id: int, module: ModuleId | None, *, full: bool) -> int:
    """Fetch the partner's lists, or those of one module, at once; tells how many there are."""
    return await tx.run(_NOW, partner_id=partner_id, module=module, full=full)


@dataclass(frozen=True, slots=True)
class Pull:
    """A list of a partner, held by one worker for a time, and the crawl through it as far as it came.

    started_at  None: the crawl has not begun
    date_from   None: a crawl of everything
    since_rev   what has a higher revision was written while we crawled
    total       X-Total-Count of the last page
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
    failures: int


_COLUMNS = """p.id, p.lease, p.partner_id, p.module, p.party, p.addressee, p.wanted_full, p.good_until, p.started_at, p.date_from,
              p.since_rev, p.next_url, p.pages, p.objects, p.total, p.failures"""
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
               refused = 0, total = NULL, since_rev = (SELECT last_value FROM revisions)
         WHERE {_HELD} RETURNING {_COLUMNS}"""
)


_FORGET_PAGES = Statement("DELETE FROM pull_pages WHERE pull_id = :id")


async def begin(tx: WriteTx, pull: Pull, url: str, at: datetime, date_from: datetime | None) -> Pull:
    """Begin a crawl, from its first page on. Raises LeaseLost"""
    row = await tx.row(_BEGIN, id=pull.id, lease=pull.lease, at=at, date_from=date_from, url=url)
    if row is None:
        raise LeaseLost
    await tx.run(_FORGET_PAGES, id=pull.id)
    return _pull(row)


_HOLD = Statement(f"UPDATE pulls p SET leased_until = now() + :lease_for WHERE {_HELD}")


async def hold(tx: WriteTx, pull: Pull, lease_for: timedelta) -> None:
    """Keep the list longer; nobody takes it before this transaction ends. Raises LeaseLost"""
    if not await tx.run(_HOLD, id=pull.id, lease=pull.lease, lease_for=lease_for):
        raise LeaseLost


@dataclass(frozen=True, slots=True)
class Turned:
    """A page that was fetched.

    refs      the objects on it, OWNER/key, those that we could not take among them; None in a crawl of changes
    next_url  None: it was the last one
    """

    url: str
    objects: int
    refused: int
    total: int | None
    refs: Sequence[str] | None
    next_url: str | None


_TURN = Statement(
    f"""
    WITH page AS (INSERT INTO pull_pages (pull_id, number, url, refs) VALUES (:id, :number, :url, :refs))
    UPDATE pulls p SET next_url = :next_url, pages = pages + 1, objects = objects + :objects, refused = refused + :refused,
           total = :total, failures = 0, error = NULL
     WHERE p.id = :id RETURNING {_COLUMNS}
    """
)


async def turn(tx: WriteTx, pull: Pull, page: Turned) -> Pull:
    """Keep how far the crawl came, in the transaction that holds it and keeps the page's objects."""
    row = await tx.row(
        _TURN,
        id=pull.id,
        number=pull.pages,
        url=page.url,
        refs=None if page.refs is None else list(page.refs),
        next_url=page.next_url,
        objects=page.objects,
        refused=page.refused,
        total=page.total,
    )
    assert row is not None
    return _pull(row)


_VISITED = Statement("SELECT EXISTS (SELECT FROM pull_pages WHERE pull_id = :id AND url = :url)")


async def was_visited(tx: ReadTx, pull: Pull, url: str) -> bool:
    """Whether this crawl fetched that page already."""
    return bool(await tx.value(_VISITED, id=pull.id, url=url))


@cache
def _missing(held: str) -> Statement:
    # What was written since the crawl began may be too new for its pages.
    return Statement(
        f"""
        INSERT INTO findings (partner_id, module, ref, pointer, rule)
        SELECT :partner_id, CAST(:module AS text), h.ref, '', CAST(:rule AS text)
          FROM ({held}) h
         WHERE h.rev <= :before
           AND NOT EXISTS (SELECT FROM pull_pages g CROSS JOIN LATERAL unnest(g.refs) AS r(ref)
                            WHERE g.pull_id = :id AND r.ref = h.ref)
         ORDER BY 3
        ON CONFLICT ON CONSTRAINT findings_key DO UPDATE SET times = findings.times + 1, last_at = now()
        RETURNING ref, pointer, rule, xmax = 0 AS new
        """
    )


async def note_missing(tx: WriteTx, pull: Pull, held: str, owner: str | None, rule: str) -> list[str]:
    """A finding for each object that we hold and a whole crawl did not show (PAG-19); their refs.

    held   Pulled.held
    owner  whose objects the list holds; None for everybody's behind a hub
    """
    rows = await tx.rows(
        _missing(held),
        id=pull.id, partner_id=pull.partner_id, addressee=pull.addressee, owner=owner,
        module=pull.module, rule=rule, before=pull.since_rev,
    )  # fmt: skip
    new = [Note(row["ref"], row["pointer"], row["rule"]) for row in rows if row["new"]]
    await tell_findings(tx, pull.partner_id, pull.module, new)
    return [row["ref"] for row in rows]


_FINISH = Statement(
    f"""
    WITH pages AS (DELETE FROM pull_pages WHERE pull_id = :id)
    UPDATE pulls p SET good_until = started_at, finished_at = now(), started_at = NULL, next_url = NULL, failures = 0, error = NULL,
           next_at = LEAST(next_at, :next_at, CASE WHEN wanted_full THEN now() END), leased_until = NULL, lease = NULL
     WHERE {_HELD}
    """
)


async def finish(tx: WriteTx, pull: Pull, next_at: datetime | None) -> None:
    """The crawl came to its end. next_at  None: not again, unless somebody wanted it meanwhile. Raises LeaseLost"""
    if not await tx.run(_FINISH, id=pull.id, lease=pull.lease, next_at=next_at):
        raise LeaseLost


_WANT_WHOLE = Statement(
    """UPDATE pulls SET wanted_full = true, next_at = CASE WHEN :soon THEN LEAST(next_at, now() + :pause) ELSE next_at END
        WHERE id = :id"""
)


async def want_whole(tx: WriteTx, pull: Pull, *, soon: bool) -> None:
    """The next time, fetch the whole list and not what changed. soon  do not wait until it is due"""
    await tx.run(_WANT_WHOLE, id=pull.id, soon=soon, pause=_PAUSE)


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
    await tx.run(_FAIL, id=pull.id, lease=pull.lease, until=until, error=error[:1000], anew=anew)


_LET_GO = Statement("UPDATE pulls SET leased_until = now() WHERE id = :id AND lease = :lease")


async def let_go(tx: WriteTx, left: Sequence[Pull]) -> None:
    """Whoever comes next may go on with these lists, as if their leases had run out."""
    await tx.run_many(_LET_GO, [{"id": one.id, "lease": one.lease} for one in left])


_STATE = Statement(
    """SELECT module, party, addressee, next_at, wanted_full, COALESCE(leased_until >= now(), false) AS running, started_at,
              date_from, good_until, pages, objects, refused, total, failures, error, finished_at
         FROM pulls WHERE partner_id = :id ORDER BY rank, module, party, addressee"""
)


async def state(tx: ReadTx, partner_id: int) -> list[Row]:
    """The partner's lists and how far we are: for people who look."""
    return await tx.rows(_STATE, id=partner_id)


_AGES = Statement(
    """SELECT partner_id, module, max(extract(epoch FROM now() - good_until))::float AS age FROM pulls
        WHERE good_until IS NOT NULL GROUP BY partner_id, module ORDER BY partner_id, module"""
)


async def ages(tx: ReadTx) -> list[Row]:
    """For those who watch: how old, in seconds, is what was fetched of each list; none for one never fetched."""
    return await tx.rows(_AGES)
