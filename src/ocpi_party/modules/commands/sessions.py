"""What commands need to know of sessions: whose a session of ours is, and which session a command led to."""

from collections.abc import Sequence

from ocpi_party.database import ReadTx, Row, Statement
from ocpi_party.ocpi.types import fold

_OWN = Statement(
    """SELECT audience, document ->> 'status' AS status FROM sessions
        WHERE partner_id = 0 AND addressee = '' AND owner = :owner AND key = :key AND NOT gone"""
)
_STARTED = Statement(
    """SELECT DISTINCT ON (partner_id, authorization_reference) partner_id, authorization_reference AS reference,
              convert_to(document::text, 'UTF8') AS document
         FROM sessions
        WHERE authorization_reference = ANY(:references) AND partner_id <> 0 AND NOT gone
        ORDER BY partner_id, authorization_reference, last_updated DESC"""
)


async def own_session(tx: ReadTx, owner: str, session_id: str) -> Row | None:
    """audience and status of a session at our charge points; its audience is the eMSP whose token it was started with."""
    return await tx.row(_OWN, owner=owner, key=fold(session_id))


async def started_by(tx: ReadTx, references: Sequence[str]) -> dict[tuple[int, str], bytes]:
    """The newest Session of each partner that carries one of these references: (partner, reference in upper case) → Session."""
    rows = await tx.rows(_STARTED, references=[fold(one) for one in references])
    return {(row["partner_id"], row["reference"]): row["document"] for row in rows}
