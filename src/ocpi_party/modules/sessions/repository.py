"""Sessions in the database, beyond what all client owned objects share."""

from collections.abc import Sequence
from datetime import timedelta

from ocpi_party.database import ReadTx, Statement
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.ocpi.types import fold
from ocpi_party.owned import repository
from ocpi_party.owned.listing import Window
from ocpi_party.owned.repository import Stored, stored

_COLUMNS = "seq, partner_id, addressee, owner, key, last_updated, audience, document"

_NEWEST_OF_A_PARTNER = Statement(
    f"""SELECT {_COLUMNS} FROM sessions
         WHERE partner_id <> 0 AND owner = :owner AND key = :key AND NOT gone
           AND (CAST(:partner_id AS bigint) IS NULL OR partner_id = :partner_id)
         ORDER BY last_updated DESC, seq DESC LIMIT 1"""
)
_SILENT = """FROM sessions
        WHERE status NOT IN ('COMPLETED', 'INVALID') AND NOT gone AND last_updated < now() - CAST(:silent_for AS interval)
          AND (CAST(:own AS boolean) IS NULL OR (partner_id = 0) = :own)
          AND last_updated >= COALESCE(:date_from, '-infinity'::timestamptz)
          AND last_updated < COALESCE(:date_to, 'infinity'::timestamptz)"""
_SILENT_PAGE = Statement(
    f"SELECT convert_to(document::text, 'UTF8') AS document {_SILENT} ORDER BY last_updated, seq OFFSET :offset LIMIT :limit"
)
_SILENT_COUNT = Statement(f"SELECT count(*) {_SILENT}")


async def documents(tx: ReadTx, seqs: Sequence[int]) -> list[tuple[int, int, bytes]]:
    """(seq, rev, document) of these rows."""
    return await repository.documents(tx, SESSIONS, seqs)


async def newest_of_a_partner(tx: ReadTx, owner: str, session_id: str, partner_id: int | None) -> Stored | None:
    """A session that a partner, or this partner, told us; of those told to several of our parties the newest."""
    row = await tx.row(_NEWEST_OF_A_PARTNER, owner=owner, key=fold(session_id), partner_id=partner_id)
    return stored(row) if row else None


async def silent(tx: ReadTx, wanted: Window, silent_for: timedelta, own: bool | None) -> tuple[list[bytes], int]:
    """Sessions that should be going on, but of which nothing was heard for so long, the most silent ones first; how many there are.

    wanted  dates are of last_updated
    own     True ours, False theirs, None both
    """
    only = {"silent_for": silent_for, "own": own, "date_from": wanted.date_from, "date_to": wanted.date_to}
    rows = await tx.rows(_SILENT_PAGE, **only, offset=wanted.offset, limit=wanted.limit)
    return [row["document"] for row in rows], await tx.value(_SILENT_COUNT, **only)
