"""The credentials tokens that partners send us, by digest. OCPI 2.2.1, Credentials."""

from datetime import datetime

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.partners.table import DIRECTORY

_BY_DIGEST = Statement(
    """
    SELECT t.digest, t.partner_id, t.state, t.first_used_at
      FROM credentials_tokens t
     WHERE t.digest = ANY(:digests) AND (t.expires_at IS NULL OR t.expires_at > now())
    """
)


async def token_states(tx: ReadTx, digests: list[bytes]) -> list[Row]:
    """The tokens among these that are valid now: digest, partner_id, state, first_used_at."""
    return await tx.rows(_BY_DIGEST, digests=digests)


_ISSUE = Statement(
    """INSERT INTO credentials_tokens (digest, partner_id, state, issued_at)
       VALUES (:digest, :id, :state, clock_timestamp())"""
)


async def issue_token(tx: WriteTx, partner_id: int, digest: bytes, state: str) -> None:
    """Make a token valid that this partner will send. state  INVITATION, OFFERED or ISSUED"""
    await tx.run(_ISSUE, digest=digest, id=partner_id, state=state)
    await tx.notify(DIRECTORY)


_SETTLE = Statement(
    """WITH offer AS (SELECT partner_id, issued_at, clock_timestamp() AS settled_at
                        FROM credentials_tokens WHERE digest = :digest)
       UPDATE credentials_tokens t
          SET issued_at = offer.settled_at,
              state = 'ISSUED',
              first_used_at = CASE t.digest WHEN :digest THEN NULL ELSE t.first_used_at END,
              expires_at = CASE t.digest WHEN :digest THEN NULL ELSE t.expires_at END
         FROM offer
        WHERE t.digest = :digest
           OR t.partner_id = offer.partner_id AND t.state = 'ISSUED' AND t.issued_at > offer.issued_at"""
)


async def settle_offer(tx: WriteTx, digest: bytes) -> None:
    """Our own PUT or POST was answered: the token that it offered counts as issued from now on, and as never used.

    Most partners use it while they answer, to call us back: that did not say yet that they keep it. Tokens that the partner got
    by a PUT of its own meanwhile are as old as this one: nobody knows which of them it keeps, so that none may end another.
    """
    await tx.run(_SETTLE, digest=digest)
    await tx.notify(DIRECTORY)


_WITHDRAW = Statement("DELETE FROM credentials_tokens WHERE digest = :digest")


async def withdraw_token(tx: WriteTx, digest: bytes) -> None:
    await tx.run(_WITHDRAW, digest=digest)
    await tx.notify(DIRECTORY)


_WITHDRAW_ALL = Statement("DELETE FROM credentials_tokens WHERE partner_id = :id")


async def withdraw_tokens(tx: WriteTx, partner_id: int) -> None:
    """Withdraw all tokens of a partner."""
    await tx.run(_WITHDRAW_ALL, id=partner_id)
    await tx.notify(DIRECTORY)


_EXPIRE_OLDER = Statement(
    """UPDATE credentials_tokens t SET expires_at = :at
         FROM credentials_tokens new
        WHERE new.digest = :than AND t.partner_id = new.partner_id AND t.expires_at IS NULL AND t.issued_at < new.issued_at
          AND (t.state = 'ISSUED' OR t.state = 'OFFERED' AND t.issued_at < clock_timestamp() - interval '10 minutes')"""
)


async def expire_older_tokens(tx: WriteTx, than: bytes, at: datetime) -> None:
    """The partner's tokens from before this one end at the given time, if nobody uses the new one first (AMB-02).

    So do those that were offered by requests whose answer was lost; not by one that may still be open.
    """
    await tx.run(_EXPIRE_OLDER, than=than, at=at)


_FIRST_USE = Statement(
    """UPDATE credentials_tokens SET first_used_at = now() WHERE digest = :digest AND first_used_at IS NULL
        RETURNING CASE state WHEN 'ISSUED' THEN issued_at END"""
)
_END_OLDER = Statement(
    """DELETE FROM credentials_tokens
        WHERE partner_id = :id AND state = 'ISSUED' AND digest <> :digest AND issued_at < :issued"""
)


async def first_use(tx: WriteTx, partner_id: int, digest: bytes) -> None:
    """A token is used for the first time: it works, so those issued before it end now (AMB-02).

    A token of our own request that is still open stays: the partner may store it after this one.
    """
    issued = await tx.value(_FIRST_USE, digest=digest)
    if issued is not None:
        await tx.run(_END_OLDER, id=partner_id, digest=digest, issued=issued)
    await tx.notify(DIRECTORY)
