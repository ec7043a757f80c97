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
from ocpi_party.outbox.reach import IN_ITS_ROLE, IS_TOLD_BY_CPOS, ONE_WAY, agreed, state
from ocpi_party.partners.audience import EVERYBODY, NOBODY

RANK = {ModuleId.TARIFFS: 0, ModuleId.LOCATIONS: 1, ModuleId.TOKENS: 1, ModuleId.SESSIONS: 2, ModuleId.CDRS: 3}
"""In what order a partner hears of them: a tariff before the location that refers to it, a session before its CDR."""

LAST = 9
"""The rank of what goes after everything else: a tariff is taken away when nothing refers to it any more."""

BROADCAST = frozenset({ModuleId.LOCATIONS, ModuleId.TARIFFS, ModuleId.TOKENS})
"""What may go to everybody behind a hub with one request; Sessions and CDRs never (Message routing, "Broadcast Push")."""


def _hears(module: str, audience: str, *, broadcast: str, to_cpos: str) -> str:
    """A party `q` of a partner `p` is told of an object, on this way. All are SQL expressions; audience  of the object"""
    to_hub = f"{audience} = '' AND {broadcast} AND p.is_hub AND p.quirks::jsonb->'broadcast' ? {module}"
    return f"""(CASE WHEN {to_hub} THEN q.role = 'HUB'
                     WHEN {to_cpos} THEN q.role = 'CPO' ELSE {IS_TOLD_BY_CPOS} END
                AND {audience} IN ('', q.owner) AND q.status IN ('CONNECTED', 'OFFLINE') AND {ONE_WAY})"""


_MARK = Statement(
    f"""
    WITH hear AS (
        SELECT q.partner_id, q.owner AS party
          FROM partner_endpoints e
          JOIN partners p ON p.id = e.partner_id AND p.status = 'CONNECTED'
          JOIN partner_parties q ON q.partner_id = p.id
         WHERE e.module = :module AND e.interface = 'RECEIVER'
           AND {_hears(":module", ":audience", broadcast=":broadcast", to_cpos=":to_cpos")}
         GROUP BY q.partner_id, q.owner
    ), switch AS (
        SELECT p.id, {state(":module", ":ref")} AS state, {agreed(":owner")} AS agreed FROM partners p
         WHERE p.id IN (SELECT partner_id FROM hear) ORDER BY p.id FOR KEY SHARE
    ), told AS (
        SELECT partner_id, party, state FROM hear JOIN switch ON switch.id = partner_id WHERE agreed OR :audience <> ''
    ), lanes AS (
        INSERT INTO outbox_lanes (partner_id, party) SELECT partner_id, party FROM told ORDER BY 1, 2 ON CONFLICT DO NOTHING
    )
    INSERT INTO outbox_marks AS m (partner_id, party, module, rank, ref, patch, state)
    SELECT partner_id, party, :module, :rank, :ref, CAST(:patch AS json), state FROM told ORDER BY 1, 2
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

    A partner that does not deal with the object's owner is not concerned, unless the object is for one of its parties alone: then
    it waits, paused, until they deal with each other. No CDR is lost because of a switch.

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
    SELECT id, :party, :module, :rank, :ref, {state(":module", ":ref")} FROM partners p
     WHERE id = :partner_id AND status = 'CONNECTED' FOR KEY SHARE
    ON CONFLICT ON CONSTRAINT outbox_marks_key DO UPDATE
       SET version = m.version + 1, state = excluded.state, error = NULL, patch = NULL
    """
)


async def mark_party(tx: WriteTx, module: ModuleId, ref: str, partner_id: int, party: str) -> None:
    """Note that this one party of a partner does not know the newest state of an object."""
    rank = RANK.get(module, LAST)
    await tx.run(_MARK_PARTY, module=module, rank=rank, ref=ref, partner_id=partner_id, party=party)


def _ref(module: ModuleId) -> str:
    # A Location's reference has further ids behind its own, so that slashes in them are written %2F.
    key = "replace(replace(t.key, '%', '%25'), '/', '%2F')" if module is ModuleId.LOCATIONS else "t.key"
    return f"t.owner || '/' || {key}"


def _changed_since(module: ModuleId) -> Statement:
    return Statement(
        f"""
        WITH lane AS (INSERT INTO outbox_lanes (partner_id, party) VALUES (:partner_id, :party) ON CONFLICT DO NOTHING),
             p AS (SELECT push, modules, parties FROM partners WHERE id = :partner_id FOR KEY SHARE)
        INSERT INTO outbox_marks AS m (partner_id, party, module, rank, ref, state)
        SELECT :partner_id, :party, '{module}', {RANK[module]}, {_ref(module)}, {state(f"'{module}'", "t.owner")}
          FROM {module} t CROSS JOIN p
         WHERE t.partner_id = 0 AND NOT t.gone AND t.audience IN ('', :party) AND t.last_updated >= :since
           AND {agreed("t.owner")} ORDER BY t.seq
        ON CONFLICT ON CONSTRAINT outbox_marks_key DO UPDATE
           SET version = m.version + 1, state = excluded.state, patch = NULL
        """
    )


_CHANGED_SINCE = {module: _changed_since(module) for module in BROADCAST}


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


def _all_of(module: ModuleId) -> Statement:
    to_cpos = str(module not in OWNED_BY_CPO)
    return Statement(
        f"""
        WITH told AS (
            SELECT DISTINCT q.owner AS party, t.seq, {_ref(module)} AS ref, {state(f"'{module}'", "t.owner")} AS state
              FROM partners p
              JOIN partner_endpoints e ON e.partner_id = p.id AND e.module = '{module}' AND e.interface = 'RECEIVER'
              JOIN partner_parties q ON q.partner_id = p.id
              JOIN {module} t ON t.partner_id = 0 AND NOT t.gone AND t.owner = ANY(CAST(:owners AS text[]))
             WHERE p.id = :partner_id AND p.status = 'CONNECTED'
               AND {_hears(f"'{module}'", "t.audience", broadcast="true", to_cpos=to_cpos)}
        ), lanes AS (
            INSERT INTO outbox_lanes (partner_id, party)
            SELECT DISTINCT :partner_id, party FROM told ORDER BY 2 ON CONFLICT DO NOTHING
        )
        INSERT INTO outbox_marks AS m (partner_id, party, module, rank, ref, state)
        SELECT :partner_id, party, '{module}', {RANK[module]}, ref, state FROM told ORDER BY party, seq
        ON CONFLICT ON CONSTRAINT outbox_marks_key DO UPDATE
           SET version = m.version + 1, state = excluded.state, patch = NULL
        """
    )


_ALL_OF = {module: _all_of(module) for module in sorted(BROADCAST)}


async def mark_all_of(tx: WriteTx, partner_id: int, owners: Iterable[str]) -> None:
    """A partner deals with these parties of ours from now on: what is for everybody was not kept for it until now, so it is told
    all of it. owners  COUNTRY*PARTY; the partner is locked against other marks"""
    for statement in _ALL_OF.values():
        await tx.run(statement, partner_id=partner_id, owners=list(owners))


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
