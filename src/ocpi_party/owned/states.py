"""Our objects as they stand now, for those who tell partners of them."""

from collections.abc import Mapping, Sequence
from functools import cache

from sqlalchemy import Table

from ocpi_party.database import ReadTx, Statement
from ocpi_party.owned.push import State


@cache
def _states(table: str) -> Statement:
    return Statement(
        f"""SELECT owner || '/' || key AS ref, audience, gone, convert_to(document::text, 'UTF8') AS document,
                   document->>'country_code' AS country_code, document->>'party_id' AS party_id, document->>'id' AS id
              FROM {table} WHERE partner_id = 0 AND addressee = ''
               AND (owner, key) IN (SELECT * FROM unnest(CAST(:owners AS text[]), CAST(:keys AS text[])))"""
    )


async def load_states(tx: ReadTx, table: Table, refs: Sequence[str]) -> Mapping[str, State]:
    """refs  COUNTRY*PARTY/id in upper case, as marks name them; hidden objects are told as gone"""
    split = [ref.partition("/") for ref in refs]
    rows = await tx.rows(
        _states(table.name), owners=[owner for owner, _, _ in split], keys=[key for _, _, key in split]
    )
    return {
        row["ref"]: State(
            (row["country_code"], row["party_id"], row["id"]),
            row["document"],
            gone=row["gone"],
            audience=row["audience"],
        )
        for row in rows
    }
