"""CDRs in the database. They are added and never changed."""

from collections.abc import Sequence
from datetime import datetime

from ocpi_party.database import ReadTx, Statement, WriteTx
from ocpi_party.modules.cdrs.table import CDRS
from ocpi_party.ocpi.types import JsonObject, document_of, encode, fold, parse_time
from ocpi_party.owned import repository
from ocpi_party.owned.repository import Stored, stored
from ocpi_party.owned.table import Ref
from ocpi_party.partners.audience import EVERYBODY

_ADD = Statement(
    """INSERT INTO cdrs (partner_id, addressee, owner, key, last_updated, audience, document)
       VALUES (:partner_id, :addressee, :owner, :key, :last_updated, :audience, CAST(:document AS json))
       ON CONFLICT DO NOTHING"""
)
_BY_ID = Statement(
    """SELECT seq, partner_id, addressee, owner, key, last_updated, audience, document
         FROM cdrs WHERE partner_id = :partner_id AND owner = :owner AND key = :key"""
)
_NEWEST = Statement(
    """SELECT seq, partner_id, addressee, owner, key, last_updated, audience, document FROM cdrs
        WHERE owner = :owner AND key = :key AND (CAST(:partner AS bigint) IS NULL OR partner_id = :partner)
        ORDER BY partner_id <> 0, last_updated DESC LIMIT 1"""
)
# Each way into the family by an index of its own: joined by OR, they would be looked for through the whole table.
_THESE = "c.partner_id = :partner_id AND c.owner = :owner"
_FAMILY = Statement(
    f"""
    WITH mates AS MATERIALIZED (
             SELECT c.seq, c.key FROM cdrs c WHERE {_THESE} AND c.key = ANY(:keys)
              UNION SELECT c.seq, c.key FROM cdrs c WHERE {_THESE} AND c.session = :session
              UNION SELECT c.seq, c.key FROM cdrs c WHERE {_THESE} AND c.credits = ANY(:keys)),
         family AS MATERIALIZED (
             SELECT seq FROM mates
              UNION SELECT c.seq FROM mates m CROSS JOIN LATERAL (
                        SELECT c.seq FROM cdrs c WHERE {_THESE} AND c.credits = m.key OFFSET 0) c)
    SELECT document FROM cdrs WHERE seq = ANY(ARRAY(SELECT seq FROM family)) ORDER BY seq
    """
)


async def documents(tx: ReadTx, seqs: Sequence[int]) -> list[tuple[int, int, bytes]]:
    """(seq, rev, document) of these rows."""
    return await repository.documents(tx, CDRS, seqs)


async def add(tx: WriteTx, ref: Ref, document: JsonObject, *, audience: str = EVERYBODY) -> bool:
    """Store a CDR. False, if there is one with this id: then that one stays as it is, also when both came at the same time."""
    added = await tx.run(
        _ADD,
        **ref._asdict(),
        last_updated=_at(document),
        audience=audience,
        document=encode(document).decode(),
    )
    return added == 1


def _at(document: JsonObject) -> datetime:
    return parse_time(document["last_updated"])


async def by_id(tx: ReadTx, partner_id: int, owner: str, cdr_id: str) -> Stored | None:
    """The CDR, whichever of our parties it was sent to."""
    row = await tx.row(_BY_ID, partner_id=partner_id, owner=owner, key=fold(cdr_id))
    return stored(row) if row else None


async def newest(tx: ReadTx, owner: str, key: str, partner: int | None) -> Stored | None:
    """Ours, else the newest that a partner, or this partner, sent us."""
    row = await tx.row(_NEWEST, owner=owner, key=key, partner=partner)
    return stored(row) if row else None


async def family(tx: ReadTx, partner_id: int, owner: str, cdr: JsonObject) -> list[JsonObject]:
    """All CDRs of the same session, and those that credit them or are credited by this one, oldest first.

    The CDR itself is among them only if it is stored.
    """
    keys = [fold(name) for name in (cdr["id"], cdr.get("credit_reference_id")) if name is not None]
    session = cdr.get("session_id")
    rows = await tx.rows(
        _FAMILY, partner_id=partner_id, owner=owner, keys=keys, session=None if session is None else fold(session)
    )
    return [document_of(row["document"]) for row in rows]
