"""Webhooks in the database. Each is a lane of its own: lease, pause after failures, and how far it was told."""

import json

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.events import repository as events
from ocpi_party.partners.secrets import Vault
from ocpi_party.webhooks.signature import new_secret

COLUMNS = """id, url, types, asked, timeout_ms, enabled, cursor, failures, next_attempt_at, delivered, last_success_at,
              last_error, created_at"""


async def create(
    tx: WriteTx, vault: Vault, url: str, *, types: list[str] | None, asked: str | None, timeout_ms: int | None
) -> tuple[int, str]:
    """Add a webhook that is told what happens from now on; tells its id and, this once, its secret."""
    secret = new_secret()
    webhook_id: int = await tx.value(
        Statement(
            """INSERT INTO webhooks (url, secret, types, asked, timeout_ms, cursor)
               VALUES (:url, '', CAST(:types AS json), :asked, :timeout_ms, :cursor) RETURNING id"""
        ),
        url=url,
        types=None if types is None else json.dumps(types),
        asked=asked,
        timeout_ms=timeout_ms,
        cursor=await events.last(tx),
    )
    await tx.run(
        Statement("UPDATE webhooks SET secret = :secret WHERE id = :id"),
        secret=vault.seal(secret, webhook_id),
        id=webhook_id,
    )
    return webhook_id, secret


async def every(tx: ReadTx) -> list[Row]:
    """All webhooks, without their secrets."""
    return await tx.rows(Statement(f"SELECT {COLUMNS} FROM webhooks ORDER BY id"))


async def get(tx: ReadTx, webhook_id: int) -> Row | None:
    return await tx.row(Statement(f"SELECT {COLUMNS} FROM webhooks WHERE id = :id"), id=webhook_id)


async def locked(tx: WriteTx, webhook_id: int) -> Row | None:
    """Nobody else moves it until the transaction ends."""
    return await tx.row(Statement(f"SELECT {COLUMNS} FROM webhooks WHERE id = :id FOR UPDATE"), id=webhook_id)


async def delete(tx: WriteTx, webhook_id: int) -> bool:
    return await tx.run(Statement("DELETE FROM webhooks WHERE id = :id"), id=webhook_id) == 1


async def send_again(tx: WriteTx, webhook_id: int, after: int) -> None:
    """Deliver everything behind this event again.

    The lease ends: who is delivering just now would go on from its own place, and forget this one.
    """
    await tx.run(
        Statement("""UPDATE webhooks SET cursor = :after, next_attempt_at = now(), lease = NULL, leased_until = NULL
                WHERE id = :id"""),
        after=after,
        id=webhook_id,
    )


async def lags(tx: ReadTx) -> list[Row]:
    """For those who watch: how many events each webhook was not told yet, and the age of the oldest, in seconds."""
    return await tx.rows(
        Statement(
            """SELECT w.id, count(e.seq) AS pending, coalesce(extract(epoch FROM now() - min(e.at)), 0)::float AS lag
                 FROM webhooks w LEFT JOIN LATERAL (SELECT seq, at FROM events WHERE seq > w.cursor ORDER BY seq LIMIT 10000) e
                      ON true
                WHERE w.enabled AND w.asked IS NULL GROUP BY w.id ORDER BY w.id"""
        )
    )
