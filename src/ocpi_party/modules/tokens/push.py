"""How CPOs are told of our tokens: PATCH of what changed first, PUT of the whole on doubt; with ?type= unless RFID.

OCPI 2.2.1, Tokens, "Receiver Interface".
"""

from collections.abc import Mapping, Sequence

from ocpi_party.database import ReadTx, Statement
from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.ocpi.token import Token, TokenType
from ocpi_party.outbox.telling import Mark
from ocpi_party.owned.names import load_names
from ocpi_party.owned.push import Pushed, State, Teller
from ocpi_party.partners.answer import Answer

_STATES = Statement(
    """SELECT t.owner || '/' || t.key AS ref, t.document->>'country_code' AS country_code,
              t.document->>'party_id' AS party_id, t.document->>'uid' AS uid, t.document->>'type' AS type,
              convert_to(t.document::text, 'UTF8') AS document
         FROM tokens t JOIN unnest(CAST(:owners AS text[]), CAST(:keys AS text[])) AS w(owner, key)
           ON t.partner_id = 0 AND t.addressee = '' AND t.owner = w.owner AND t.key = w.key
        WHERE NOT t.gone"""
)


class PushedTokens(Pushed):
    """References are OWNER/UID TYPE; a uid may hold slashes."""

    async def load(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, State]:
        split = [ref.partition("/") for ref in refs]
        rows = await tx.rows(_STATES, owners=[owner for owner, _, _ in split], keys=[key for _, _, key in split])
        return {
            row["ref"]: State(
                (row["country_code"], row["party_id"], row["uid"]), row["document"], type_parameter(row["type"])
            )
            for row in rows
        }

    async def names(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, str]:
        return await load_names(tx, TOKENS, refs)

    async def tell(self, teller: Teller, mark: Mark, state: State | None) -> Answer | None:
        return None if state is None else await teller.put_or_patch(Token, state, mark)


def type_parameter(token_type: str) -> dict[str, str] | None:
    """The query of a URL that names a token: RFID is its default, and partners that never heard of it get along."""
    return None if token_type == TokenType.RFID else {"type": token_type}


PUSHED = PushedTokens()
