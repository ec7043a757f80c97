"""How an object is shown: with its id as its owner spells it. Its key, by which it is found, is in upper case."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table

from ocpi_party.database import ReadTx, Statement
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.owned.table import Ref


def name_of(module: ModuleId, document: Mapping[str, Any]) -> str:
    """The id of an object, of a token `UID TYPE`. Folded it is the key of its Ref."""
    if module is ModuleId.TOKENS:
        return f"{document['uid']} {document['type'].replace(' ', '_')}"
    name: str = document["id"]
    return name


def spelt(module: ModuleId, ref: Ref, document: Mapping[str, Any]) -> Ref:
    """The Ref as it is shown; it finds nothing any more."""
    return ref._replace(key=name_of(module, document))


@cache
def _names(table: Table) -> Statement:
    return Statement(
        f"""SELECT owner || '/' || key AS ref, owner || '/' || ({table.info["name"]}) AS name FROM {table.name}
             WHERE partner_id = 0 AND addressee = ''
               AND (owner, key) IN (SELECT * FROM unnest(CAST(:owners AS text[]), CAST(:keys AS text[])))"""
    )


async def load_names(tx: ReadTx, table: Table, refs: Sequence[str]) -> Mapping[str, str]:
    """How our objects are shown. refs  COUNTRY*PARTY/id in upper case, as marks name them"""
    split = [ref.partition("/") for ref in refs]
    rows = await tx.rows(_names(table), owners=[owner for owner, _, _ in split], keys=[key for _, _, key in split])
    return {row["ref"]: row["name"] for row in rows}
