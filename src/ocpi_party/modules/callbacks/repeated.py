"""The same request again: it gets the answer that the first one got, which may have to be found out yet (CMD-R-25)."""

from datetime import timedelta
from typing import NamedTuple

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.modules.callbacks.inbound import MARGIN, Inbound


class First(NamedTuple):
    """A request that came before and is the same.

    response  what it is answered, unless it is open: then nobody may be told yet
    is_open   whether somebody takes it has to be found out
    is_asked  and somebody is at it; else whoever was has vanished
    """

    id: int
    response: bytes
    is_open: bool
    is_asked: bool


# A result may overtake the answer that the request was taken.
_COLUMNS = """id, convert_to(response::text, 'UTF8') AS response, asked_until IS NOT NULL AND state = 'PENDING' AS is_open,
              COALESCE(asked_until > now(), false) AS is_asked"""
_ALONE = Statement("SELECT pg_advisory_xact_lock(CAST(:partner_id AS int), hashtext(encode(:fingerprint, 'hex')))")
_FIRST = Statement(
    f"""SELECT {_COLUMNS} FROM inbound_requests
         WHERE partner_id = :partner_id AND fingerprint = :fingerprint AND (deadline > now() OR asked_until > now())
         ORDER BY id LIMIT 1"""
)
_AGAIN = Statement(f"SELECT {_COLUMNS} FROM inbound_requests WHERE id = :id")


def _read(row: Row) -> First:
    return First(row["id"], row["response"], row["is_open"], row["is_asked"])


async def first(tx: WriteTx, asked: Inbound) -> First | None:
    """This very request as it came before, if its time is not over. Others that are the same wait for this transaction."""
    await tx.row(_ALONE, partner_id=asked.partner_id, fingerprint=asked.fingerprint)
    row = await tx.row(_FIRST, partner_id=asked.partner_id, fingerprint=asked.fingerprint)
    return _read(row) if row else None


async def again(tx: ReadTx, request_id: int) -> First:
    """The same as it stands now."""
    row = await tx.row(_AGAIN, id=request_id)
    assert row is not None  # Requests go with their partner, which is asking.
    return _read(row)


_TAKE_OVER = Statement(
    """UPDATE inbound_requests SET asked_until = now() + :within
        WHERE id = :id AND state = 'PENDING' AND asked_until <= now()"""
)
_ANSWER = Statement(
    """UPDATE inbound_requests
          SET response = CAST(:response AS json), deadline = now() + CAST(:wait AS interval), asked_until = NULL,
              state = CASE WHEN :refused THEN 'REFUSED' ELSE state END, silence = :silence
        WHERE id = :id AND state = 'PENDING' AND asked_until IS NOT NULL"""
)


async def take_over(tx: WriteTx, request_id: int, within: timedelta) -> bool:
    """Whoever asked vanished: it is upon us now, unless somebody else was faster (False)."""
    return await tx.run(_TAKE_OVER, id=request_id, within=within) == 1


async def answer(
    tx: WriteTx, request_id: int, response: bytes, promised: timedelta, *, refused: bool, silence: str | None
) -> bool:
    """It was found out what the partner is answered. False, if the request has its answer or its result already.

    promised  the timeout that the partner is told
    refused   no result follows
    silence   why nobody said whether it is taken; the partner is not told
    """
    told = {"response": response.decode(), "wait": promised * (1 - MARGIN), "refused": refused, "silence": silence}
    return await tx.run(_ANSWER, id=request_id, **told) == 1
