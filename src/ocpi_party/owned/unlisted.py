"""What a partner told us and its whole list leaves out is not valid any more (PAG-19). One list alone may be a mistake: two in a
row have to agree, and what is listed or told again counts anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import BigInteger, Column, SmallInteger, Table, Text

from ocpi_party.database import Statement, WriteTx, metadata
from ocpi_party.ocpi.types import fold
from ocpi_party.owned.table import Ref, in_columns

UNLISTED = Table(
    "unlisted",
    metadata,
    Column("module", Text, primary_key=True),
    Column(
        "seq", BigInteger, primary_key=True, autoincrement=False, comment="of the object in the table of its module"
    ),
    Column("rev", BigInteger, nullable=False, comment="it had when it was left out; told since, it counts anew"),
    Column("lists", SmallInteger, nullable=False, comment="so many in a row left it out; 2 for more"),
    comment="objects of partners that their whole lists leave out",
)


def left_out(table: str) -> str:
    """SQL: two lists in a row left an object out, and nobody told us of it since. The object is a row `t` of the table."""
    return f"""EXISTS (SELECT FROM unlisted u
                        WHERE u.module = '{table}' AND u.seq = t.seq AND u.rev = t.rev AND u.lists > 1)"""


@cache
def _listed(table: Table) -> Statement:
    return Statement(
        f"""
        DELETE FROM unlisted u
         USING {table.name} t
          JOIN unnest(CAST(:partner_ids AS bigint[]), CAST(:addressees AS text[]), CAST(:owners AS text[]), CAST(:keys AS text[]))
               AS o(partner_id, addressee, owner, key) USING (partner_id, addressee, owner, key)
         WHERE u.module = '{table.name}' AND u.seq = t.seq
        """
    )


async def listed(tx: WriteTx, table: Table, refs: Sequence[Ref]) -> None:
    """These objects are in a list."""
    await tx.run(_listed(table), **in_columns(refs))


@dataclass(frozen=True, slots=True)
class Missed:
    """An object that a whole list left out. ref  as it is shown; again  it is not the first list in a row that does"""

    seq: int
    ref: Ref
    again: bool


@cache
def _missed(table: Table) -> Statement:
    return Statement(
        f"""
        WITH missed AS MATERIALIZED (
            SELECT seq, rev, owner, {table.info["name"]} AS name FROM {table.name}
             WHERE partner_id = :partner_id AND addressee = :addressee AND owner || '/' || key = ANY(CAST(:refs AS text[]))
               AND rev <= :before AND NOT gone
             ORDER BY seq FOR UPDATE
        ), counted AS (
            INSERT INTO unlisted AS u (module, seq, rev, lists) SELECT '{table.name}', seq, rev, 1 FROM missed ORDER BY seq
            ON CONFLICT (module, seq) DO UPDATE
               SET lists = CASE WHEN u.rev = excluded.rev THEN 2 ELSE 1 END, rev = excluded.rev
            RETURNING seq, lists
        )
        SELECT seq, owner, name, lists > 1 AS again FROM missed JOIN counted USING (seq) ORDER BY seq
        """
    )


async def missed(
    tx: WriteTx, table: Table, partner_id: int, addressee: str, refs: Sequence[str], before: int
) -> list[Missed]:
    """A whole list left these out; what has a higher rev than `before` was told meanwhile, and is none of them.

    refs  as they are shown, OWNER/id
    """
    rows = await tx.rows(
        _missed(table), partner_id=partner_id, addressee=addressee, refs=[fold(ref) for ref in refs], before=before
    )
    return [Missed(r["seq"], Ref(partner_id, addressee, r["owner"], r["name"]), r["again"]) for r in rows]
