"""How the Locations of a partner's list are kept: whole trees, many in a few statements.

OCPI 2.2.1, Locations, "Receiver Interface".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ocpi_party.database import Statement, WriteTx
from ocpi_party.modules.locations.changes import TakenApart, taken_apart
from ocpi_party.modules.locations.table import LOCATIONS
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.location import Location
from ocpi_party.owned import unlisted
from ocpi_party.owned.pull import Again, Found, Pulled, Refused
from ocpi_party.owned.table import Ref, in_columns

# What is as we have it is not written again, but its row is locked before its EVSEs are, as by everybody else.
_PUT_HEADS = Statement(
    """
    INSERT INTO locations AS t (partner_id, addressee, owner, key, last_updated, document, stamp)
    SELECT partner_id, addressee, owner, key, at, CAST(document AS json), stamp
      FROM unnest(CAST(:partner_ids AS bigint[]), CAST(:addressees AS text[]), CAST(:owners AS text[]), CAST(:keys AS text[]),
                  CAST(:times AS timestamptz[]), CAST(:stamps AS text[]), CAST(:documents AS text[]))
           AS o(partner_id, addressee, owner, key, at, stamp, document)
     ORDER BY owner, key
    ON CONFLICT ON CONSTRAINT locations_key DO UPDATE
       SET last_updated = excluded.last_updated, audience = excluded.audience, document = excluded.document,
           stamp = excluded.stamp, rev = nextval('revisions'), gone = false
     WHERE (:any_age OR t.gone OR t.last_updated <= excluded.last_updated OR t.last_updated > now() + interval '5 minutes')
       AND (t.gone OR t.last_updated <> excluded.last_updated OR t.document::text <> excluded.document::text
            OR t.stamp <> excluded.stamp)
       AND (t.rev <= :since OR t.last_updated < excluded.last_updated)
    RETURNING seq, xmax = 0 AS created
    """
)
# A statement of its own, for it must see what others committed until those rows were locked.
_AS_TOLD = Statement(
    """
    SELECT o.number, l.seq, l.rev > :since AND l.seq <> ALL(CAST(:put AS bigint[])) AS meanwhile
      FROM unnest(CAST(:partner_ids AS bigint[]), CAST(:addressees AS text[]), CAST(:owners AS text[]), CAST(:keys AS text[]),
                  CAST(:times AS timestamptz[])) WITH ORDINALITY AS o(partner_id, addressee, owner, key, at, number)
      JOIN locations l USING (partner_id, addressee, owner, key) WHERE l.last_updated = o.at
    """
)
_HIDE_OTHERS = """
    UPDATE evses e SET gone = true WHERE e.location_seq = ANY(:seqs) AND e.location_seq <> ALL(:meanwhile) AND NOT e.gone
       AND NOT EXISTS (SELECT FROM told o WHERE o.seq = e.location_seq AND o.key = e.key) RETURNING e.location_seq"""
_KEEP = """NOT :any_age AND NOT t.gone AND t.last_updated > excluded.last_updated
           AND t.last_updated <= now() + interval '5 minutes'"""
# An EVSE that we know in a newer state keeps it: its own push was faster than the list. Of a Location that came meanwhile, one
# that it took away or that is of the same time stays as well.
_PUT_EVSES = Statement(
    f"""
    WITH told AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:of AS bigint[]), CAST(:keys AS text[]), CAST(:places AS int[]), CAST(:times AS timestamptz[]),
                             CAST(:documents AS text[])) AS o(seq, key, place, at, document)
    ), hidden AS ({_HIDE_OTHERS}), put AS (
        INSERT INTO evses AS t (location_seq, key, place, last_updated, document)
        SELECT seq, key, place, at, CAST(document AS json) FROM told
        ON CONFLICT (location_seq, key) DO UPDATE
           SET place = excluded.place, gone = false,
               last_updated = CASE WHEN {_KEEP} THEN t.last_updated ELSE excluded.last_updated END,
               document = CASE WHEN {_KEEP} THEN t.document ELSE excluded.document END
         WHERE (t.gone OR t.place <> excluded.place
                OR (NOT ({_KEEP}) AND (t.last_updated <> excluded.last_updated OR t.document::text <> excluded.document::text)))
           AND (t.location_seq <> ALL(:meanwhile) OR NOT t.gone AND t.last_updated < excluded.last_updated)
        RETURNING location_seq
    )
    SELECT location_seq AS seq FROM hidden UNION SELECT location_seq FROM put
    """
)
_REVISE = Statement("UPDATE locations SET rev = nextval('revisions') WHERE seq = ANY(:seqs)")


async def put_many(
    tx: WriteTx, told: Sequence[tuple[Ref, TakenApart]], *, since: int, any_age: bool
) -> list[tuple[Ref, bool]]:
    """Store whole Locations, each named once, as `repository.put` does; older states are passed over.

    since    what has a higher rev came meanwhile, and gives way only to a newer state
    Returns  those that changed, they or their EVSEs, and whether they are new
    """
    named: dict[str, list[Any]] = {
        **in_columns(ref for ref, _ in told),
        "times": [one.at for _, one in told],
    }
    put = await tx.rows(
        _PUT_HEADS,
        **named,
        stamps=[one.stamp for _, one in told],
        documents=[one.head.decode() for _, one in told],
        since=since,
        any_age=any_age,
    )
    await unlisted.listed(tx, LOCATIONS, [ref for ref, _ in told])
    news: dict[int, bool] = {row["seq"]: row["created"] for row in put}
    rows = await tx.rows(_AS_TOLD, **named, since=since, put=list(news))
    evses = [(row["seq"], place, evse) for row in rows for place, evse in enumerate(told[row["number"] - 1][1].evses)]
    touched = await tx.rows(
        _PUT_EVSES,
        seqs=[row["seq"] for row in rows],
        meanwhile=[row["seq"] for row in rows if row["meanwhile"]],
        of=[seq for seq, _, _ in evses],
        keys=[evse.key for _, _, evse in evses],
        places=[place for _, place, _ in evses],
        times=[evse.last_updated for _, _, evse in evses],
        documents=[evse.document.decode() for _, _, evse in evses],
        any_age=any_age,
    )
    below = {row["seq"] for row in touched}
    if below:
        await tx.run(_REVISE, seqs=sorted(below))
    changed = below | news.keys()
    return [(told[row["number"] - 1][0], news.get(row["seq"], False)) for row in rows if row["seq"] in changed]


@dataclass(frozen=True, slots=True)
class PulledLocations(Pulled):
    async def absorb(
        self, tx: WriteTx, found: Sequence[Found], *, since: int, any_age: bool = False
    ) -> Sequence[Refused]:
        told, refused = [], []
        for one in found:
            try:
                told.append((one.ref, taken_apart(one.reading.document)))
            except InvalidObject as fault:
                refused.append(Refused(one.ref, fault))
        await self.tell(tx, found, await put_many(tx, told, since=since, any_age=any_age))
        return refused

    async def missed(self, tx: WriteTx, partner_id: int, addressee: str, refs: Sequence[str], before: int) -> Again:
        """A Location that two lists in a row do not show is not valid any more: apps may not show it (`display`).

        It is kept, for sessions refer to it, and is back as soon as it is listed or told of; a list of changes would not
        show one that did not change.
        """
        missed = await unlisted.missed(tx, LOCATIONS, partner_id, addressee, refs, before)
        return Again.SOON if any(not one.again for one in missed) else Again.NEXT_TIME


PULLED = PulledLocations(Location, LOCATIONS, page_size=200)
