"""The outbox: mark what partners do not know, claim a lane to one of them, settle what was told.

An entry is no message. It says "this party does not know the newest state of this object"; a second change merges into it,
and no entry means up to date. OCPI 2.2.1, Offline behaviour.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.ocpi.modules import OWNED_BY_CPO, ModuleId
from ocpi_party.partners.audience import EVERYBODY, NOBODY

RANK = {ModuleId.TARIFFS: 0, ModuleId.LOCATIONS: 1, ModuleId.TOKENS: 1, ModuleId.SESSIONS: 2, ModuleId.CDRS: 3}
"""In what order a partner hears of them: a tariff before the location that refers to it, a session before its CDR."""

LAST = 9
"""The rank of what goes after everything else: a tariff is taken away when nothing refers to it any more."""

BROADCAST = frozenset({ModuleId.LOCATIONS, ModuleId.TARIFFS, ModuleId.TOKENS})
"""What may go to everybody behind a hub with one request; Sessions and CDRs never (Message routing, "Broadcast Push")."""

# A mark is for a party in a role: a hub may say that NL/ALL is there as CPO, and away as eMSP. Only tokens are told to CPOs.
_IN_ITS_ROLE = f"(q.role = 'HUB' OR (q.role = 'CPO') = (m.module = '{ModuleId.TOKENS}'))"

_REACHABLE = f"""coalesce((SELECT bool_or(q.status = 'CONNECTED') FROM partner_parties q
                           WHERE q.partner_id = m.partner_id AND q.owner = m.party AND {_IN_ITS_ROLE}), true)"""
"""Nothing is sent to a party that is away (HubClientInfo, "Another Party goes OFFLINE"); what it does not know stays marked."""

_MARK = Statement(
    """
    WITH told AS (
        SELECT q.partner_id, q.owner AS party
          FROM partner_endpoints e
          JOIN partners p ON p.id = e.partner_id AND p.status = 'CONNECTED' AND p.push
          JOIN partner_parties q ON q.partner_id = p.id AND q.status IN ('CONNECTED', 'OFFLINE')
         WHERE e.module = :module AND e.interface = 'RECEIVER'
           AND (CASE WHEN :broadcast AND p.is_hub AND p.quirks::jsonb->'broadcast' ? :module THEN q.role = 'HUB'
                     WHEN :to_cpos THEN q.role = 'CPO' ELSE q.role NOT IN ('CPO', 'HUB') END)
           AND (:audience = '' OR q.owner = :audience)
           AND (p.modules IS NULL OR p.modules::jsonb ? :module)
           AND (p.parties IS NULL OR p.parties::jsonb ? :owner)
           AND (CAST(:only AS bigint) IS NULL OR p.id = :only)
           -- One way to each party: directly, else through the hub we know longest; a hub with `over_direct` goes first (HUB-27).
           AND NOT EXISTS (
                    SELECT FROM partner_parties d JOIN partners dp ON dp.id = d.partner_id AND dp.status = 'CONNECTED'
                     WHERE d.owner = q.owner AND d.role = q.role AND d.partner_id <> q.partner_id
                       AND d.status IN ('CONNECTED', 'OFFLINE')
                       AND (d.status, dp.quirks->>'over_direct' IS DISTINCT FROM 'true', d.source, dp.id)
                         < (q.status, p.quirks->>'over_direct' IS DISTINCT FROM 'true', q.source, p.id))
           AND NOT (q.source = 'hub' AND EXISTS (SELECT FROM parties o WHERE o.owner = q.owner AND o.role = q.role))
         GROUP BY q.partner_id, q.owner
    ), lanes AS (
        INSERT INTO outbox_lanes (partner_id, party) SELECT partner_id, party FROM told ORDER BY 1, 2 ON CONFLICT DO NOTHING
    )
    INSERT INTO outbox_marks AS m (partner_id, party, module, rank, ref, patch)
    SELECT partner_id, party, :module, :rank, :ref, CAST(:patch AS json) FROM told ORDER BY 1, 2
    ON CONFLICT ON CONSTRAINT outbox_marks_key DO UPDATE
       SET version = m.version + 1,
           rank = excluded.rank,
           state = 'WAITING',
           error = NULL,
           patch = CASE WHEN m.patch IS NOT NULL AND excluded.patch IS NOT NULL
                        THEN (m.patch::jsonb || excluded.patch::jsonb)::json END
    """
)


async def mark(
    tx: WriteTx,
    module: ModuleId,
    ref: str,
    *,
    owner: str,
    audience: str = EVERYBODY,
    patch: dict[str, Any] | None = None,
    only: int | None = None,
    rank: int | None = None,
) -> int:
    """Note that the partners concerned do not know the newest state of one of our objects; tells how many there are.

    ref       COUNTRY*PARTY/id, for parts of a Location /evse_uid and /connector_id behind it
    owner     our party that it belongs to
    audience  the party that alone may see it, EVERYBODY, or NOBODY
    patch     the fields that changed, last_updated among them; None when the whole object is news
    only      a partner that alone is told
    rank      its place among what else is waiting, None for that of its module
    """
    if audience == NOBODY:
        return 0
    return await tx.run(
        _MARK,
        module=module,
        rank=RANK.get(module, LAST) if rank is None else rank,
        ref=ref,
        owner=owner,
        audience=audience,
        to_cpos=module not in OWNED_BY_CPO,
        broadcast=audience == EVERYBODY and module in BROADCAST,
        patch=None if patch is None else json.dumps(patch),
        only=only,
    )


_MARK_PARTY = Statement(
    """
    WITH lane AS (INSERT INTO outbox_lanes (partner_id, party) VALUES (:partner_id, :party) ON CONFLICT DO NOTHING)
    INSERT INTO outbox_marks AS m (partner_id, party, module, rank, ref)
    SELECT id, :party, :module, :rank, :ref FROM partners WHERE id = :partner_id AND status = 'CONNECTED' AND push
    ON CONFLICT ON CONSTRAINT outbox_marks_key DO UPDATE
       SET version = m.version + 1, state = 'WAITING', error = NULL, patch = NULL
    """
)


async def mark_party(tx: WriteTx, module: ModuleId, ref: str, partner_id: int, party: str) -> None:
    """Note that this one party of a partner does not know the newest state of an object."""
    rank = RANK.get(module, 9)
    await tx.run(_MARK_PARTY, module=module, rank=rank, ref=ref, partner_id=partner_id, party=party)


@dataclass(frozen=True, slots=True)
class Lane:
    """The way to one party of a partner, held by one worker for a time.

    in_doubt  its last holder vanished: what it sent last, the partner may know or not
    """

    partner_id: int
    party: str
    lease: str
    failures: int
    in_doubt: bool


@dataclass(frozen=True, slots=True)
class Mark:
    seq: int
    version: int
    module: ModuleId
    ref: str
    patch: dict[str, Any] | None
    attempts: int


_CLAIM = Statement(
    f"""
    UPDATE outbox_lanes l SET leased_until = now() + :lease_for, lease = :lease
      FROM (SELECT o.partner_id, o.party, o.leased_until IS NOT NULL AS in_doubt
              FROM outbox_lanes o
             WHERE o.next_attempt_at <= now() AND (o.leased_until IS NULL OR o.leased_until < now())
               -- Cheap, and enough for a party that is away in all its roles, however much it missed.
               AND coalesce((SELECT bool_or(q.status = 'CONNECTED') FROM partner_parties q
                              WHERE q.partner_id = o.partner_id AND q.owner = o.party), true)
               AND EXISTS (SELECT FROM outbox_marks m
                            WHERE m.partner_id = o.partner_id AND m.party = o.party AND m.state = 'WAITING' AND {_REACHABLE})
             ORDER BY o.next_attempt_at LIMIT :most FOR UPDATE SKIP LOCKED) due
     WHERE l.partner_id = due.partner_id AND l.party = due.party
    RETURNING l.partner_id, l.party, l.failures, due.in_doubt
    """
)


async def claim(tx: WriteTx, *, most: int, lease_for: timedelta) -> list[Lane]:
    """Take up to `most` lanes that have something to tell and are nobody else's."""
    lease = secrets.token_hex(8)
    rows = await tx.rows(_CLAIM, lease=lease, most=most, lease_for=lease_for)
    return [Lane(r["partner_id"], r["party"], lease, r["failures"], r["in_doubt"]) for r in rows]


_RENEW = Statement(
    """UPDATE outbox_lanes SET leased_until = now() + :lease_for
        WHERE partner_id = :partner_id AND party = :party AND lease = :lease AND leased_until > now()"""
)


async def renew(tx: WriteTx, lane: Lane, lease_for: timedelta) -> bool:
    """Hold the lane longer. False, if it is lost: another worker may have it."""
    return (
        await tx.run(_RENEW, partner_id=lane.partner_id, party=lane.party, lease=lane.lease, lease_for=lease_for) == 1
    )


_WAITING = Statement(
    f"""SELECT seq, version, module, ref, patch, attempts FROM outbox_marks m
         WHERE partner_id = :partner_id AND party = :party AND state = 'WAITING' AND {_REACHABLE}
         ORDER BY rank, seq LIMIT :most"""
)


async def waiting(tx: ReadTx, lane: Lane, most: int) -> list[Mark]:
    """What this party does not know, in the order in which it should hear of it."""
    rows = await tx.rows(_WAITING, partner_id=lane.partner_id, party=lane.party, most=most)
    return [
        Mark(
            r["seq"],
            r["version"],
            ModuleId(r["module"]),
            r["ref"],
            r["patch"] and json.loads(r["patch"]),
            r["attempts"],
        )
        for r in rows
    ]


_SETTLE = Statement(
    """DELETE FROM outbox_marks m USING unnest(CAST(:seqs AS bigint[]), CAST(:versions AS int[])) AS told(seq, version)
        WHERE m.seq = told.seq AND m.version = told.version"""
)
_DELIVERED = Statement(
    """UPDATE outbox_lanes SET failures = 0, delivered = delivered + :n, last_success_at = now()
        WHERE partner_id = :partner_id AND party = :party"""
)


async def settle(tx: WriteTx, lane: Lane, told: Sequence[Mark]) -> None:
    """These were told. One that changed meanwhile stays: its newer state was not."""
    await tx.run(_SETTLE, seqs=[m.seq for m in told], versions=[m.version for m in told])
    await tx.run(_DELIVERED, n=len(told), partner_id=lane.partner_id, party=lane.party)


async def refuse(tx: WriteTx, mark: Mark, why: str) -> None:
    """The partner refuses this object; it is told again when it changes or an operator asks for it."""
    await tx.run(
        Statement(
            """UPDATE outbox_marks SET state = 'REFUSED', attempts = attempts + 1, error = :why
                WHERE seq = :seq AND version = :version"""
        ),
        seq=mark.seq,
        version=mark.version,
        why=why[:1000],
    )


async def doubt(tx: WriteTx, mark: Mark, why: str) -> None:
    """Nobody knows whether the partner took it; the next attempt tells the whole object."""
    await tx.run(
        Statement("UPDATE outbox_marks SET attempts = attempts + 1, error = :why, patch = NULL WHERE seq = :seq"),
        seq=mark.seq,
        why=why[:1000],
    )


async def drop(tx: WriteTx, mark: Mark) -> None:
    """There is nothing to tell any more: the object is no longer ours, or the partner has no interface for it."""
    await tx.run(
        Statement("DELETE FROM outbox_marks WHERE seq = :seq AND version = :version"),
        seq=mark.seq,
        version=mark.version,
    )


async def postpone(tx: WriteTx, lane: Lane, until: datetime, error: str) -> None:
    """The partner cannot be told now: the breaker of this lane opens until then."""
    await tx.run(
        Statement(
            """UPDATE outbox_lanes SET failures = failures + 1, next_attempt_at = :until, last_failure_at = now(),
                      last_error = :error, leased_until = NULL, lease = NULL
                WHERE partner_id = :partner_id AND party = :party AND lease = :lease"""
        ),
        partner_id=lane.partner_id,
        party=lane.party,
        lease=lane.lease,
        until=until,
        error=error[:1000],
    )


async def release(tx: WriteTx, lane: Lane) -> None:
    await tx.run(
        Statement(
            """UPDATE outbox_lanes SET leased_until = NULL, lease = NULL
                WHERE partner_id = :partner_id AND party = :party AND lease = :lease"""
        ),
        partner_id=lane.partner_id,
        party=lane.party,
        lease=lane.lease,
    )


_WAKE = Statement(
    """UPDATE outbox_lanes SET next_attempt_at = now()
        WHERE partner_id = :id AND (CAST(:party AS text) IS NULL OR party = :party)"""
)


async def wake(tx: WriteTx, partner_id: int, party: str | None = None) -> None:
    """Try this partner's lanes, or that of one party of it, again at once."""
    await tx.run(_WAKE, id=partner_id, party=party)


async def retry_refused(tx: WriteTx, partner_id: int) -> int:
    """Tell the partner again what it refused; tells how many objects that are."""
    return await tx.run(
        Statement(
            "UPDATE outbox_marks SET state = 'WAITING', patch = NULL WHERE partner_id = :id AND state = 'REFUSED'"
        ),
        id=partner_id,
    )


def _changed_since(table: str, module: ModuleId) -> Statement:
    # A Location's reference has further ids behind its own, so that slashes in them are written %2F.
    key = "replace(replace(t.key, '%', '%25'), '/', '%2F')" if module is ModuleId.LOCATIONS else "t.key"
    return Statement(
        f"""
        WITH lane AS (INSERT INTO outbox_lanes (partner_id, party) VALUES (:partner_id, :party) ON CONFLICT DO NOTHING)
        INSERT INTO outbox_marks AS m (partner_id, party, module, rank, ref)
        SELECT :partner_id, :party, '{module}', {RANK[module]}, t.owner || '/' || {key}
          FROM {table} t
         WHERE t.partner_id = 0 AND NOT t.gone AND t.audience IN ('', :party) AND t.last_updated >= :since ORDER BY t.seq
        ON CONFLICT ON CONSTRAINT outbox_marks_key DO UPDATE SET version = m.version + 1, state = 'WAITING', patch = NULL
        """
    )


_CHANGED_SINCE = {module: _changed_since(str(module), module) for module in RANK}


async def mark_changed_since(
    tx: WriteTx, partner_id: int, party: str, role: str, since: datetime, modules: Iterable[str]
) -> None:
    """A party can be reached again: it is told what changed meanwhile, each object once, as it stands now.

    modules  of which no marks are kept for the party itself, because their objects go to the hub as a broadcast
    """
    has = await tx.rows(
        Statement("SELECT module FROM partner_endpoints WHERE partner_id = :id AND interface = 'RECEIVER'"),
        id=partner_id,
    )
    for module in (ModuleId(row["module"]) for row in has if row["module"] in BROADCAST.intersection(modules)):
        if (module not in OWNED_BY_CPO) == (role == "CPO"):
            await tx.run(_CHANGED_SINCE[module], partner_id=partner_id, party=party, since=since)


_DROP_ALL = Statement(
    f"""DELETE FROM outbox_marks m USING (SELECT CAST(:role AS text) AS role) q
         WHERE m.partner_id = :id AND m.party = :party AND {_IN_ITS_ROLE} RETURNING m.module, m.ref"""
)


async def give_up(tx: WriteTx, partner_id: int, party: str, role: str) -> list[tuple[ModuleId, str]]:
    """Nothing is told to a party in this role any more; what it did not know."""
    rows = await tx.rows(_DROP_ALL, id=partner_id, party=party, role=role)
    return [(ModuleId(row["module"]), row["ref"]) for row in rows]


async def forget(tx: WriteTx, partner_id: int) -> None:
    """Nothing is told to this partner any more."""
    for table in ("outbox_marks", "outbox_lanes"):
        await tx.run(Statement(f"DELETE FROM {table} WHERE partner_id = :id"), id=partner_id)


_STATE = Statement(
    """
    SELECT m.module, count(*) FILTER (WHERE m.state = 'WAITING') AS pending, count(*) FILTER (WHERE m.state = 'REFUSED') AS refused,
           min(m.marked_at) FILTER (WHERE m.state = 'WAITING') AS oldest, max(m.error) AS error
      FROM outbox_marks m WHERE m.partner_id = :id GROUP BY m.module ORDER BY m.module
    """
)
_LANES = Statement(
    """SELECT party, failures, next_attempt_at, leased_until, delivered, last_success_at, last_failure_at, last_error
         FROM outbox_lanes WHERE partner_id = :id ORDER BY party"""
)


async def state(tx: ReadTx, partner_id: int) -> tuple[list[Row], list[Row]]:
    """What is pending per module, and the lanes: for people who look."""
    return await tx.rows(_STATE, id=partner_id), await tx.rows(_LANES, id=partner_id)


_EVERY_LANE = Statement(
    """
    SELECT l.partner_id, l.party, l.delivered, (l.next_attempt_at > now())::int AS broken,
           count(m.seq) FILTER (WHERE m.state = 'WAITING') AS pending, count(m.seq) FILTER (WHERE m.state = 'REFUSED') AS refused,
           coalesce(extract(epoch FROM now() - min(m.marked_at) FILTER (WHERE m.state = 'WAITING')), 0)::float AS lag
      FROM outbox_lanes l LEFT JOIN outbox_marks m ON m.partner_id = l.partner_id AND m.party = l.party
     GROUP BY l.partner_id, l.party ORDER BY l.partner_id, l.party
    """
)


async def lanes(tx: ReadTx) -> list[Row]:
    """Every lane in numbers, for those who watch. lag  age of the oldest thing it was not told, in seconds"""
    return await tx.rows(_EVERY_LANE)


_ONLY = """(CAST(:partner AS bigint) IS NULL OR m.partner_id = :partner) AND (CAST(:module AS text) IS NULL OR m.module = :module)
           AND (CAST(:state AS text) IS NULL OR m.state = :state)"""
_PAGE = Statement(
    f"""SELECT m.seq AS id, m.partner_id AS partner, m.party, m.module, m.ref AS object, lower(m.state) AS state,
               m.marked_at AS since, m.attempts, CASE m.state WHEN 'REFUSED' THEN m.error ELSE l.last_error END AS reason,
               CASE m.state WHEN 'WAITING' THEN l.next_attempt_at END AS next_attempt_at
          FROM outbox_marks m JOIN outbox_lanes l USING (partner_id, party)
         WHERE {_ONLY} ORDER BY m.seq OFFSET :offset LIMIT :limit"""
)
_COUNT = Statement(f"SELECT count(*) FROM outbox_marks m WHERE {_ONLY}")


async def page(
    tx: ReadTx, *, partner: int | None, module: str | None, state: str | None, offset: int, limit: int
) -> tuple[list[Row], int]:
    """What partners do not know, oldest first, and how much that is. state  WAITING or REFUSED, None for both"""
    only = {"partner": partner, "module": module, "state": state}
    return await tx.rows(_PAGE, **only, offset=offset, limit=limit), await tx.value(_COUNT, **only)
