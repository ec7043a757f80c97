"""Tokens in the database: which one a URL means, where it may leave the type out."""

from collections.abc import Sequence

from ocpi_party.database import ReadTx, Statement
from ocpi_party.modules.tokens.keys import meant, token_keys
from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.ocpi.errors import UnknownToken
from ocpi_party.owned import repository
from ocpi_party.owned.table import Ref

_KEYS = Statement(
    """SELECT key FROM tokens
        WHERE partner_id = :partner_id AND addressee = :addressee AND owner = :owner AND key = ANY(:keys) AND NOT gone"""
)


async def named(tx: ReadTx, ref: Ref, uid: str, token_type: str | None) -> Ref:
    """The token that this uid means: of this type, else RFID, else the only one (AMB-51). Raises UnknownToken

    ref  of which owner and connection; its key does not matter
    """
    keys = token_keys(uid, token_type)
    if token_type:
        return ref._replace(key=keys[0])
    rows = await tx.rows(_KEYS, **ref._replace(key="")._asdict(), keys=keys)
    key = meant(keys, (row["key"] for row in rows))
    if key is None:
        raise UnknownToken(f"{ref.owner}/{uid}")
    return ref._replace(key=key)


async def documents(tx: ReadTx, seqs: Sequence[int]) -> list[tuple[int, int, bytes]]:
    """(seq, rev, document) of these rows."""
    return await repository.documents(tx, TOKENS, seqs)
