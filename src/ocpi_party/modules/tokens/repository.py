"""Tokens in the database: which one a URL means, where it may leave the type out."""

from collections.abc import Sequence

from ocpi_party.database import ReadTx, Statement, WriteTx
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


_PUT_RULES = Statement(
    """INSERT INTO token_rules (token_seq, rules)
       SELECT seq, CAST(:rules AS json) FROM tokens
        WHERE partner_id = :partner_id AND addressee = :addressee AND owner = :owner AND key = :key AND NOT gone
       ON CONFLICT (token_seq) DO UPDATE SET rules = excluded.rules"""
)
_RULES = Statement(
    """SELECT COALESCE(r.rules::text, '{}') FROM tokens t LEFT JOIN token_rules r ON r.token_seq = t.seq
        WHERE t.partner_id = :partner_id AND t.addressee = :addressee AND t.owner = :owner AND t.key = :key AND NOT t.gone"""
)


async def put_rules(tx: WriteTx, ref: Ref, rules: bytes) -> None:
    """Judge a token of ours by these TokenRules from now on. Raises UnknownToken"""
    if not await tx.run(_PUT_RULES, **ref._asdict(), rules=rules.decode()):
        raise UnknownToken(ref)


async def rules(tx: ReadTx, ref: Ref) -> str:
    """The TokenRules of a token of ours as JSON text. Raises UnknownToken"""
    found: str | None = await tx.value(_RULES, **ref._asdict())
    if found is None:
        raise UnknownToken(ref)
    return found
