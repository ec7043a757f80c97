"""What partners do not have of us: objects whose newest state they do not know, and results that they did not get."""

from datetime import timedelta

from ocpi_party.database import ReadTx, Statement, WriteTx
from ocpi_party.modules.callbacks import delivery
from ocpi_party.modules.oversight.shown import shown
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.outbox import lanes, telling
from ocpi_party.owned.listing import Window

_OBJECTS = """outbox_marks m JOIN outbox_lanes l USING (partner_id, party)
              WHERE (CAST(:partner AS bigint) IS NULL OR m.partner_id = :partner)
                AND (CAST(:module AS text) IS NULL OR m.module = :module)
                AND (CAST(:state AS text) IS NULL OR m.state = :state)
                AND m.marked_at >= COALESCE(CAST(:date_from AS timestamptz), '-infinity')
                AND m.marked_at < COALESCE(CAST(:date_to AS timestamptz), 'infinity')"""
_RESULTS = f"""results_due d JOIN inbound_requests r ON r.id = d.request_id
               WHERE d.state <> 'DELIVERED' AND (d.state = 'DUE' OR {delivery.RETRIABLE})
                 AND (CAST(:partner AS bigint) IS NULL OR d.partner_id = :partner)
                 AND (CAST(:module AS text) IS NULL OR r.module = :module)
                 AND (CAST(:state AS text) IS NULL OR d.state = CASE :state WHEN 'WAITING' THEN 'DUE' ELSE :state END)
                AND d.created_at >= COALESCE(CAST(:date_from AS timestamptz), '-infinity')
                AND d.created_at < COALESCE(CAST(:date_to AS timestamptz), 'infinity')"""
_SWITCHED_OFF = "the operator has switched it off: push, modules or parties of the partner"
# Each half goes no further than the page, so that a page of few among many marks reads few of them.
_PAGE = Statement(
    f"""
    SELECT id, partner, party, module, object, state, since, attempts, reason, next_attempt_at FROM (
        (SELECT 1 AS half, m.seq AS id, m.partner_id AS partner, m.party, m.module, m.ref AS object, lower(m.state) AS state,
                m.marked_at AS since,
                CASE m.state WHEN 'WAITING' THEN GREATEST(m.attempts, l.failures) ELSE m.attempts END AS attempts,
                CASE WHEN m.state = 'REFUSED' THEN m.error WHEN m.state = 'PAUSED' THEN '{_SWITCHED_OFF}'
                     WHEN l.failures > 0 THEN l.last_error END AS reason,
                CASE m.state WHEN 'WAITING' THEN l.next_attempt_at END AS next_attempt_at
           FROM {_OBJECTS} ORDER BY m.seq LIMIT CAST(:offset AS bigint) + :limit)
        UNION ALL
        (SELECT 2, d.id, d.partner_id, r.theirs, r.module, r.kind || '/' || r.id,
                CASE d.state WHEN 'DUE' THEN 'waiting' ELSE lower(d.state) END,
                d.created_at, d.attempts, d.error, CASE d.state WHEN 'DUE' THEN d.next_at END
           FROM {_RESULTS} ORDER BY d.id LIMIT CAST(:offset AS bigint) + :limit)) AS all_of_it
     ORDER BY half, id OFFSET :offset LIMIT :limit
    """
)
_COUNT = Statement(f"SELECT (SELECT count(*) FROM {_OBJECTS}) + (SELECT count(*) FROM {_RESULTS})")


async def page(
    tx: ReadTx, wanted: Window, *, partner: int | None, module: str | None, state: str | None
) -> tuple[list[JsonObject], int]:
    """Objects, then results, each the oldest first, since a moment of the window, and how much that is.

    state  WAITING, PAUSED, REFUSED or GIVEN_UP, None for all
    """
    only = {
        "partner": partner,
        "module": module,
        "state": state,
        "date_from": wanted.date_from,
        "date_to": wanted.date_to,
    }
    rows = await tx.rows(_PAGE, **only, offset=wanted.offset, limit=wanted.limit)
    names = await shown(tx, [(row["module"], row["object"]) for row in rows])
    told = [dict(row) | {"object": names[row["module"], row["object"]]} for row in rows]
    return told, await tx.value(_COUNT, **only)


async def retry(tx: WriteTx, partner_id: int, keep_trying: timedelta) -> int:
    """Tell a partner again what it refused or was given up, and try at once what waits; tells how much was not waiting.

    keep_trying  how long to try to deliver a result
    """
    refused = await telling.retry_refused(tx, partner_id)
    await lanes.wake(tx, partner_id)
    return refused + await delivery.retry(tx, partner_id, keep_trying)
