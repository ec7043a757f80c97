"""Client owned objects in the database: find, store, hide. A partner's objects and our own lie in the same tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Table

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.owned.table import Ref, in_columns
from ocpi_party.partners.audience import EVERYBODY


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it is stored; document is its JSON text."""

    seq: int
    ref: Ref
    last_updated: datetime
    audience: str
    document: str


_COLUMNS = "seq, partner_id, addressee, owner, key, last_updated, audience, document"


@cache
def _find(table: str, *, lock: bool) -> Statement:
    return Statement(
        f"""SELECT {_COLUMNS} FROM {table}
             WHERE partner_id = :partner_id AND addressee = :addressee AND owner = :owner AND key = :key AND NOT gone
             {"FOR UPDATE" if lock else ""}"""
    )


def stored(row: Row) -> Stored:
    ref = Ref(row["partner_id"], row["addressee"], row["owner"], row["key"])
    return Stored(row["seq"], ref, row["last_updated"], row["audience"], row["document"])


async def get(tx: ReadTx, table: Table, ref: Ref) -> Stored | None:
    row = await tx.row(_find(table.name, lock=False), **ref._asdict())
    return stored(row) if row else None


async def lock(tx: WriteTx, table: Table, ref: Ref) -> Stored | None:
    """The object, nobody else changing it until the transaction ends."""
    row = await tx.row(_find(table.name, lock=True), **ref._asdict())
    return stored(row) if row else None


_PLACE = Statement("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))")


async def hold_place(tx: WriteTx, table: Table, ref: Ref) -> None:
    """Nobody else makes an object here until the transaction ends: there is no row yet that could be locked."""
    await tx.row(_PLACE, place=" ".join([table.name, *map(str, ref._asdict().values())]))


async def lock_or_hold(tx: WriteTx, table: Table, ref: Ref) -> Stored | None:
    """As `lock`; and None means that there is none until we make one: of two who do, the second sees what the first made."""
    known = await lock(tx, table, ref)
    if known is None:
        await hold_place(tx, table, ref)
        known = await lock(tx, table, ref)
    return known


def _set(table: Table) -> str:
    # Equal times are applied, older ones are not (AMB-28). A stored time far in the future is a wrong clock, and must not
    # block the object for ever.
    return f"""
        ON CONFLICT ON CONSTRAINT {table.name}_key DO UPDATE
           SET last_updated = excluded.last_updated, audience = excluded.audience, document = excluded.document,
               rev = nextval('revisions'), gone = false
         WHERE (t.gone OR NOT ({table.info["stays"]}) AND (:any_age OR t.last_updated <= excluded.last_updated
                                                           OR t.last_updated > now() + interval '5 minutes'))"""


@cache
def _put(table: Table) -> Statement:
    # Whether it was hidden is asked of the locked row: what others did until then is no part of what this statement sees
    # otherwise, and of two who put a hidden object at the same time only one makes it new.
    return Statement(
        f"""
        WITH known AS MATERIALIZED (
            SELECT gone FROM {table.name}
             WHERE partner_id = :partner_id AND addressee = :addressee AND owner = :owner AND key = :key FOR UPDATE
        )
        INSERT INTO {table.name} AS t (partner_id, addressee, owner, key, last_updated, audience, document)
        SELECT :partner_id, :addressee, :owner, :key, CAST(:last_updated AS timestamptz), :audience, CAST(:document AS json)
          FROM (SELECT count(*) FROM known) AS locked
        {_set(table)}
        RETURNING seq, xmax = 0 OR COALESCE((SELECT gone FROM known), false) AS created
        """
    )


@dataclass(frozen=True, slots=True)
class Put:
    seq: int
    created: bool


async def put(
    tx: WriteTx,
    table: Table,
    ref: Ref,
    document: bytes,
    last_updated: datetime,
    *,
    audience: str = EVERYBODY,
    any_age: bool = False,
) -> Put | None:
    """Store an object, new or in place of the one that we have. None, if that one is newer, or stays for another reason.

    any_age  store it even if it is older
    """
    row = await tx.row(
        _put(table),
        **ref._asdict(),
        last_updated=last_updated,
        audience=audience,
        document=document.decode(),
        any_age=any_age,
    )
    return Put(row["seq"], row["created"]) if row else None


@dataclass(frozen=True, slots=True)
class Told:
    """An object as its owner told it. document  its JSON text"""

    ref: Ref
    document: bytes
    last_updated: datetime


@cache
def _put_many(table: Table) -> Statement:
    # What is as we have it is not written again: most of a list did not change since the last time. What was hidden is asked of
    # the locked rows, as in `_put`.
    return Statement(
        f"""
        WITH told AS MATERIALIZED (
            SELECT * FROM unnest(CAST(:partner_ids AS bigint[]), CAST(:addressees AS text[]), CAST(:owners AS text[]),
                                 CAST(:keys AS text[]), CAST(:times AS timestamptz[]), CAST(:documents AS text[]))
                          AS o(partner_id, addressee, owner, key, last_updated, document)
        ), known AS MATERIALIZED (
            SELECT k.seq, k.gone FROM told JOIN {table.name} k USING (partner_id, addressee, owner, key)
             ORDER BY owner, key FOR UPDATE OF k
        )
        INSERT INTO {table.name} AS t (partner_id, addressee, owner, key, last_updated, audience, document)
        SELECT partner_id, addressee, owner, key, last_updated, :audience, CAST(document AS json)
          FROM told, (SELECT count(*) FROM known) AS locked
         ORDER BY owner, key
        {_set(table)}
           AND (t.gone OR t.last_updated <> excluded.last_updated OR t.document::text <> excluded.document::text)
           AND (t.rev <= :since OR t.last_updated < excluded.last_updated)
        RETURNING partner_id, addressee, owner, key, xmax = 0 OR seq IN (SELECT seq FROM known WHERE gone) AS created
        """
    )


async def put_many(
    tx: WriteTx, table: Table, told: Sequence[Told], *, since: int, any_age: bool = False
) -> list[tuple[Ref, bool]]:
    """Store many objects, each named once, as `put` does; older states are passed over.

    since    what has a higher rev came meanwhile, and gives way only to a newer state
    Returns  those that changed, and whether they are new
    """
    rows = await tx.rows(
        _put_many(table),
        **in_columns(one.ref for one in told),
        times=[one.last_updated for one in told],
        documents=[one.document.decode() for one in told],
        audience=EVERYBODY,
        since=since,
        any_age=any_age,
    )
    return [(Ref(r["partner_id"], r["addressee"], r["owner"], r["key"]), r["created"]) for r in rows]


@cache
def _hide(table: str) -> Statement:
    return Statement(
        f"""UPDATE {table} SET gone = true, rev = nextval('revisions')
             WHERE partner_id = :partner_id AND addressee = :addressee AND owner = :owner AND key = :key AND NOT gone"""
    )


async def hide(tx: WriteTx, table: Table, ref: Ref) -> bool:
    """Show an object no more, but keep it for those who must still be told that it is gone, and for who comes with an older
    state of it. False, if there is none."""
    return await tx.run(_hide(table.name), **ref._asdict()) == 1


@cache
def _hidden_at(table: str) -> Statement:
    return Statement(
        f"""SELECT last_updated FROM {table}
             WHERE partner_id = :partner_id AND addressee = :addressee AND owner = :owner AND key = :key AND gone"""
    )


async def hidden_at(tx: ReadTx, table: Table, ref: Ref) -> datetime | None:
    """last_updated of an object that is hidden: partners may still know it. None, if none is."""
    found: datetime | None = await tx.value(_hidden_at(table.name), **ref._asdict())
    return found


@cache
def _own_by_key(table: str) -> Statement:
    return Statement(
        f"""SELECT {_COLUMNS} FROM {table}
             WHERE partner_id = 0 AND addressee = '' AND owner = ANY(:owners) AND key = :key
               AND audience = ANY(:audiences) AND NOT gone"""
    )


async def own_by_key(
    tx: ReadTx, table: Table, key: str, owners: Sequence[str], audiences: Sequence[str]
) -> list[Stored]:
    """Our own objects with this id that somebody may see, at most one for each owner: a URL without owner names them (AMB-09)."""
    rows = await tx.rows(_own_by_key(table.name), key=key, owners=list(owners), audiences=list(audiences))
    return [stored(row) for row in rows]


@cache
def _documents(table: str) -> Statement:
    return Statement(
        f"SELECT seq, rev, convert_to(document::text, 'UTF8') AS document FROM {table} WHERE seq = ANY(:seqs)"
    )


async def documents(tx: ReadTx, table: Table, seqs: Sequence[int]) -> list[tuple[int, int, bytes]]:
    """(seq, rev, document) of these rows."""
    rows = await tx.rows(_documents(table.name), seqs=list(seqs))
    return [(r["seq"], r["rev"], r["document"]) for r in rows]
