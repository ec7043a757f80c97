"""What partners do not know: marked in the transaction of the change, and when a party comes back; dropped when it goes.

A mark is no message. It says "this party does not know the newest state of this object"; a second change merges into it,
and no mark means up to date. Marks are made for a partner whose pushes are switched off as well, paused until they are
switched on. OCPI 2.2.1, Offline behaviour.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ocpi_party.database import Statement, WriteTx
from ocpi_party.ocpi.modules import OWNED_BY_CPO, TOLD_BY_CPOS, ModuleId, Role
from ocpi_party.ocpi.types import encode
from ocpi_party.outbox.reach import IN_ITS_ROLE, IS_TOLD_BY_CPOS, ONE_WAY, state
from ocpi_party.partners.audience import EVERYBODY, NOBODY

RANK = {ModuleId.TARIFFS: 0, ModuleId.LOCATIONS: 1, ModuleId.TOKENS: 1, ModuleId.SESSIONS: 2, ModuleId.CDRS: 3}
"""In what order a partner hears of them: a tariff before the location that refers to it, a session before its CDR."""

LAST = 9
"""The rank of what goes after everything else: a tariff is taken away when nothing refers to it any more."""

BROADCAST = frozenset({ModuleId.LOCATIONS, ModuleId.TARIFFS, ModuleId.TOKENS})
"""What may go to everybody behind a hub with one request; Sessions and CDRs never (Message routing, "Broadcast Push")."""

_MARK = Statement(
    f"""
    WITH told AS (
        SELECT q.partner_id, q.owner AS party
          FROM partner_endpoints e
          JOIN partners p ON p.id = e.partner_id AND p.status = 'CONNECTED'
          JOIN partner_parties q ON q.partner_id = p.id AND q.status IN ('CONNECTED', 'OFFLINE')
         WHERE e.module = :module AND e.interface = 'RECEIVER'
           AND (CASE WHEN :broadcast AND p.is_hub AND p.quirks::jsonb->'broadcast' ? :module THEN q.role = 'HUB'
                     WHEN :to_cpos THEN q.role = 'CPO' ELSE {IS_TOLD_BY_CPOS} END)
           AND (:audience = '' OR q.owner = :audience)
           AND (p.parties IS NULL OR p.parties::jsonb ? :owner)
           AND {ONE_WAY}
         GROUP BY q.partner_id, q.owner
    ), switch AS (
        SELECT p.id, {state(":module")} AS state FROM partners p
         WHERE p.id IN (SELECT partner_id FROM told) ORDER BY p.id FOR KEY SHARE
    ), lanes AS (
        INSERT INTO outbox_lanes (partner_id, party) SELECT partner_id, party FROM told ORDER BY 1, 2 ON CONFLICT DO NOTHING
    )
    INSERT INTO outbox_marks AS m (partner_id, party, module, rank, ref, patch, state)
    SELECT partner_id, party, :module, :rank, :ref, CAST(:patch AS json), state
      FROM told JOIN switch ON switch.id = partner_id ORDER BY 1, 2
    ON CONFLICT ON CONSTRAINT outbox_marks_key DO UPDATE
       SET version = m.version + 1,
           rank = excluded.rank,
           state = excluded.state,
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
    rank: int | None = None,
) -> int:
    """Note that the partners concerned do not know the newest state of one of our objects; tells how many there are.

    ref       COUNTRY*PARTY/id, for parts of a Location /evse_uid and /connector_id behind it
    owner     our party that it belongs to
    audience  the party that alone may see it, EVERYBODY, or NOBODY
    patch     the fields that changed, last_updated among them; None when the whole object is news
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
        patch=None if patch is None else encode(patch).decode(),
    )


_MARK_PARTY = Statement(
    f"""
    WITH lane AS (INSERT INTO outbox_lanes (partner_id, party) VALUES (:partner_id, :party) ON CONFLICT DO NOTHING)
    INSERT INTO outbox_marks AS m (partner_id, party, module, rank, ref, state)
    SELECT id, :party, :module, :rank, :ref, {state(":module")} FROM partners p
     WHERE id = :partner_id AND status = 'CONNECTED' FOR KEY SHARE
    ON CONFLICT ON CONSTRAINT outbox_marks_key DO UPDATE
       SET version = m.version + 1, state = excluded.state, error = NULL, patch = NULL
    """
)


async def mark_party(tx: WriteTx, module: ModuleId, ref: str, partner_id: int, party: str) -> None:
    """Note that this one party of a partner does not know the newest state of an object."""
    rank = RANK.get(module, LAST)
    await tx.run(_MARK_PARTY, module=module, rank=rank, ref=ref, partner_id=partner_id, party=party)


def _changed_since(table: str, module: ModuleId) -> Statement:
    # A Location's reference has further ids behind its own, so that slashes in them are written %2F.
    key = "replace(replace(t.key, '%', '%25'), '/', '%2F')" if module is ModuleId.LOCATIONS else "t.key"
    return Statement(
        f"""
        WITH lane AS (INSERT INTO outbox_lanes (partner_id, party) VALUES (:partner_id, :party) ON CONFLICT DO NOTHING),
             switch AS (SELECT {state(f"'{module}'")} AS state FROM partners p WHERE p.id = :partner_id FOR KEY SHARE)
        INSERT INTO outbox_marks AS m (partner_id, party, module, rank, ref, state)
        SELECT :partner_id, :party, '{module}', {RANK[module]}, t.owner || '/' || {key}, switch.state
          FROM {table} t CROSS JOIN switch
         WHERE t.partner_id = 0 AND NOT t.gone AND t.audience IN ('', :party) AND t.last_updated >= :since ORDER BY t.seq
        ON CONFLICT ON CONSTRAINT outbox_marks_key DO UPDATE
           SET version = m.version + 1, state = excluded.state, patch = NULL
        """
    )


_CHANGED_SINCE = {module: _changed_since(str(module), module) for module in RANK}


_RECEIVES = Statement("SELECT module FROM partner_endpoints WHERE partner_id = :id AND interface = 'RECEIVER'")


async def mark_changed_since(
    tx: WriteTx, partner_id: int, party: str, role: str, since: datetime, modules: Iterable[str]
) -> None:
    """A party can be reached again: it is told what changed meanwhile, each object once, as it stands now.

    modules  of which no marks are kept for the party itself, because their objects go to the hub as a broadcast
    """
    has = await tx.rows(_RECEIVES, id=partner_id)
    for module in (ModuleId(row["module"]) for row in has if row["module"] in BROADCAST.intersection(modules)):
        if role in (TOLD_BY_CPOS if module in OWNED_BY_CPO else {Role.CPO}):
            await tx.run(_CHANGED_SINCE[module], partner_id=partner_id, party=party, since=since)


_DROP_ALL = Statement(
    f"""DELETE FROM outbox_marks m USING (SELECT CAST(:role AS text) AS role) q
         WHERE m.partner_id = :id AND m.party = :party AND {IN_ITS_ROLE} RETURNING m.module, m.ref"""
)


async def give_up(tx: WriteTx, partner_id: int, party: str, role: str) -> list[tuple[ModuleId, str]]:
    """Nothing is told to a party in this role any more; what it did not know."""
    rows = await tx.rows(_DROP_ALL, id=partner_id, party=party, role=role)
    return [(ModuleId(row["module"]), row["ref"]) for row in rows]


_FORGET = Statement("DELETE FROM outbox_marks WHERE partner_id = :id RETURNING module, ref")
_FORGET_LANES = Statement("DELETE FROM outbox_lanes WHERE partner_id = :id")


async def forget(tx: WriteTx, partner_id: int) -> list[tuple[ModuleId, str]]:
    """Nothing is told to this partner any more; what it did not know."""
    rows = await tx.rows(_FORGET, id=partner_id)
    await tx.run(_FORGET_LANES, id=partner_id)
    return [(ModuleId(row["module"]), row["ref"]) for row in rows]
