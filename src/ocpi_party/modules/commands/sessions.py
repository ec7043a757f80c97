"""What commands need to know of sessions: whose a session of ours is, and which session a command led to."""

from collections.abc import Mapping
from typing import Final

from ocpi_party.database import ReadTx, Row, Statement
from ocpi_party.modules.charge import CLOCKS_DIFFER
from ocpi_party.ocpi.types import fold

_OWN = Statement(
    """SELECT audience, document ->> 'status' AS status FROM sessions
        WHERE partner_id = 0 AND addressee = '' AND owner = :owner AND key = :key AND NOT gone"""
)
_CLOCKS_DIFFER = f"interval '{CLOCKS_DIFFER.total_seconds()} seconds'"
_BEGAN_BY = f"""(SELECT c.id FROM {{table}} c
      WHERE upper(c.request ->> 'authorization_reference') = s.authorization_reference
        AND c.module = 'commands' AND c.kind = 'START_SESSION' AND {{parties}}
        AND c.{{at}} < COALESCE(CAST(s.document ->> 'end_date_time' AS timestamptz), 'infinity') + {_CLOCKS_DIFFER}
      ORDER BY {{refused}},
               c.{{at}} > CAST(s.document ->> 'start_date_time' AS timestamptz) + {_CLOCKS_DIFFER},
               abs(extract(epoch FROM CAST(s.document ->> 'start_date_time' AS timestamptz) - c.{{at}})), c.id DESC
      LIMIT 1)"""
_REFUSED = "COALESCE({result}, 'ACCEPTED') NOT IN ('ACCEPTED', 'TIMEOUT')"

# An eMSP may give one authorization_reference to several commands, for a driver who charges again. Then a session belongs
# to the last one that was sent before it began, and to none that was sent after its end.
BEGAN_BY_OURS: Final = _BEGAN_BY.format(
    table="outbound_requests",
    at="sent_at",
    parties="c.theirs = s.owner",
    refused="c.state IN ('REFUSED', 'FAILED') OR " + _REFUSED.format(result="c.results -> -1 -> 'result' ->> 'result'"),
)
"""SQL: the START_SESSION that we sent by which a partner's session s began."""

BEGAN_BY_THEIRS: Final = _BEGAN_BY.format(
    table="inbound_requests",
    at="received_at",
    parties="c.ours = s.owner AND c.theirs IN ('', s.audience)",
    refused="c.state = 'REFUSED' OR " + _REFUSED.format(result="c.result ->> 'result'"),
)
"""SQL: the START_SESSION that we took by which a session s of ours began."""

_STARTED = Statement(
    f"""SELECT DISTINCT ON (command) command, convert_to(document::text, 'UTF8') AS document
          FROM (SELECT s.document, s.last_updated, {BEGAN_BY_OURS} AS command FROM sessions s
                 WHERE s.authorization_reference = ANY(:references) AND s.partner_id <> 0 AND NOT s.gone) begun
         WHERE command = ANY(:commands) ORDER BY command, last_updated DESC"""
)


async def own_session(tx: ReadTx, owner: str, session_id: str) -> Row | None:
    """audience and status of a session at our charge points; its audience is the eMSP whose token it was started with."""
    return await tx.row(_OWN, owner=owner, key=fold(session_id))


async def started_by(tx: ReadTx, references: Mapping[int, str]) -> dict[int, bytes]:
    """The newest Session that each START_SESSION of ours led to, by the id of the command.

    references  the authorization_reference of each command
    """
    given = {"references": [fold(one) for one in references.values()], "commands": list(references)}
    return {row["command"]: row["document"] for row in await tx.rows(_STARTED, **given)}
