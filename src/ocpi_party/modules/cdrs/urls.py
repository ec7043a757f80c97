"""Under which URLs partners keep our CDRs; no other is ever asked. OCPI 2.2.1, CDRs, "Response URL"."""

from ocpi_party.database import ReadTx, Row, Statement, WriteTx

_KEEP = Statement(
    """INSERT INTO cdr_urls (ref, partner_id, url, attempts) VALUES (:ref, :partner_id, :url, :attempts)
       ON CONFLICT (ref, partner_id) DO UPDATE
       SET url = COALESCE(excluded.url, cdr_urls.url), told_at = now(), attempts = excluded.attempts"""
)
_DELIVERIES = Statement(
    """SELECT partner_id, 'DELIVERED' AS state, url, told_at AS at, attempts, NULL AS error
         FROM cdr_urls WHERE ref = :ref
       UNION ALL
       SELECT partner_id, m.state, NULL, m.marked_at, CASE m.state WHEN 'WAITING' THEN GREATEST(m.attempts, l.failures)
                                                                   ELSE m.attempts END,
              CASE m.state WHEN 'WAITING' THEN CASE WHEN l.failures > 0 THEN l.last_error END ELSE m.error END
         FROM outbox_marks m JOIN outbox_lanes l USING (partner_id, party) WHERE m.module = 'cdrs' AND m.ref = :ref
       ORDER BY partner_id, at"""
)


async def keep(tx: WriteTx, ref: str, partner_id: int, url: str | None, attempts: int) -> None:
    """The partner has this CDR. url  None if it did not say where; attempts  that this took"""
    await tx.run(_KEEP, ref=ref, partner_id=partner_id, url=url, attempts=attempts)


async def deliveries(tx: ReadTx, ref: str) -> list[Row]:
    """Which partners have a CDR of ours, wait for it, are paused, or refused it: partner_id, state, url, at, attempts, error.

    attempts  to tell it, or to reach the partner; None where the CDR was told before they were counted
    error     why it was refused, or why who waits for it is not reached; None for who was not tried yet, or has it
    """
    return await tx.rows(_DELIVERIES, ref=ref)
