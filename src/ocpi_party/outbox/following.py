"""A party is reached another way than before: what it does not know goes there with it. OCPI 2.2.1, Message routing.

It registers with us directly, leaves and is still behind a hub, or moves from one hub to another. A mark that stayed behind would
wait for a way on which nobody comes back, and the party would never hear of its CDR.
"""

from collections.abc import Collection

from ocpi_party.database import ReadTx, Statement, WriteTx
from ocpi_party.outbox.reach import IN_ITS_ROLE, ONE_WAY, state

_FOLLOW = Statement(
    f"""
    WITH way AS (
        SELECT q.partner_id, q.owner, q.role, p.parties, p.push, p.modules
          FROM partner_parties q JOIN partners p ON p.id = q.partner_id AND p.status = 'CONNECTED'
         WHERE q.owner = ANY(CAST(:parties AS text[])) AND q.status IN ('CONNECTED', 'OFFLINE')
           AND {ONE_WAY}
         ORDER BY p.id FOR KEY SHARE OF p
    ), left_behind AS (
        DELETE FROM outbox_marks m
         USING way q JOIN partner_endpoints e ON e.partner_id = q.partner_id AND e.interface = 'RECEIVER'
                     JOIN outbox_lanes l ON l.party = q.owner AND l.partner_id <> q.partner_id
         WHERE m.partner_id = l.partner_id AND m.party = l.party
           AND m.module = e.module AND m.state <> 'REFUSED' AND {IN_ITS_ROLE}
           AND NOT EXISTS (SELECT FROM way q WHERE q.partner_id = m.partner_id AND q.owner = m.party AND {IN_ITS_ROLE})
        RETURNING q.partner_id, m.party, m.module, m.rank, m.ref, m.marked_at
    ), lanes AS (
        INSERT INTO outbox_lanes (partner_id, party)
        SELECT DISTINCT partner_id, party FROM left_behind ORDER BY 1, 2 ON CONFLICT DO NOTHING
    )
    INSERT INTO outbox_marks AS m (partner_id, party, module, rank, ref, marked_at, state)
    SELECT b.partner_id, b.party, b.module, b.rank, b.ref, min(b.marked_at), {state("b.module", "b.ref")}
      FROM left_behind b
      JOIN (SELECT DISTINCT partner_id, push, parties::jsonb, modules::jsonb FROM way) p ON p.partner_id = b.partner_id
     GROUP BY b.partner_id, b.party, b.module, b.rank, b.ref, p.push, p.parties, p.modules ORDER BY 1, 2
    ON CONFLICT ON CONSTRAINT outbox_marks_key DO UPDATE
       SET version = m.version + 1, state = excluded.state, error = NULL, patch = NULL
    """
)


async def follow(tx: WriteTx, parties: Collection[str]) -> None:
    """What these parties do not know waits on the way by which they are told now. parties  COUNTRY*PARTY"""
    await tx.run(_FOLLOW, parties=list(parties))


_PARTIES = Statement("SELECT DISTINCT party FROM outbox_marks WHERE partner_id = :id")


async def waited_for(tx: ReadTx, partner_id: int) -> list[str]:
    """The parties for which something waits at this partner."""
    return [row["party"] for row in await tx.rows(_PARTIES, id=partner_id)]
