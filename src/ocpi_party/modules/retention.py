"""What is forgotten when its time is over, and what has to wait: how long is the operator's setting, for each kind of record.

Messages are not here: their days are dropped as a whole.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from ocpi_party.database import Database, DatabaseUnavailable, Statement
from ocpi_party.ocpi.modules import ModuleId

log = logging.getLogger(__name__)

BATCH: Final = 1000
"""Rows of one transaction: nobody waits long for a lock, and whoever breaks off has lost little."""


def _delete(table: str, key: str, age: str, only: str = "true", also: str = "") -> Statement:
    """also  a further part of WITH, for what goes together with the rows that are `gone`"""
    # Whoever changes a row at this moment keeps it. The rows are chosen once: joined, they might be chosen anew for each row.
    return Statement(
        f"""WITH gone AS (DELETE FROM {table} WHERE {key} = ANY(ARRAY(
                SELECT {key} FROM {table} t WHERE {age} < :before AND {only} ORDER BY {age} LIMIT :most FOR UPDATE SKIP LOCKED))
                RETURNING *){also}
            SELECT count(*) FROM gone"""
    )


def _requests(module: ModuleId) -> tuple[Statement, ...]:
    """Requests that have their result, or never get one; those of partners when they know it, or never will."""
    told = """NOT EXISTS (SELECT FROM results_due d WHERE d.request_id = t.id AND d.state = 'DUE')
              AND NOT EXISTS (SELECT FROM reservations v WHERE v.request_id = t.id)"""
    return (
        _delete("inbound_requests", "id", "deadline", f"module = '{module}' AND state <> 'PENDING' AND {told}"),
        _delete("outbound_requests", "id", "expires_at", f"module = '{module}' AND state <> 'WAITING'"),
    )


def _own(module: ModuleId, only: str = "true", also: str = "") -> Statement:
    """Our own have to wait for as long as a partner does not know them, be it that it refused them.

    They do not wait for a partner that is told nothing because the operator wants it so.
    """
    waits = f"""EXISTS (SELECT FROM outbox_marks m WHERE m.module = '{module}' AND m.ref = t.owner || '/' || t.key
                           AND m.state <> 'PAUSED')"""
    marks = f""", marks AS (DELETE FROM outbox_marks m USING gone
                             WHERE m.module = '{module}' AND m.ref = gone.owner || '/' || gone.key)"""
    return _delete(module, "seq", "last_updated", f"partner_id = 0 AND NOT {waits} AND {only}", marks + also)


def _received(module: ModuleId, only: str = "true") -> Statement:
    return _delete(module, "seq", "last_updated", f"partner_id <> 0 AND {only}")


# A CDR goes with the one that takes it back, or after it: alone, either would say that there is something to pay.
_NOT_CREDITED_SINCE: Final = """NOT EXISTS (SELECT FROM cdrs c WHERE c.partner_id = t.partner_id AND c.owner = t.owner
                                              AND c.credits = t.key AND c.last_updated >= :before)"""
_ITS_URLS: Final = ", urls AS (DELETE FROM cdr_urls u USING gone WHERE u.ref = gone.owner || '/' || gone.key)"

RULES: Final[Mapping[str, tuple[Statement, ...]]] = {
    "event": (_delete("events", "seq", "at"),),
    "authorization": (_delete("authorizations", "id", "at"),),
    # A reservation points at the command that made it, and goes before it.
    "command": (_delete("reservations", "id", "expires_at"), *_requests(ModuleId.COMMANDS)),
    "charging_profile": _requests(ModuleId.CHARGING_PROFILES),
    "finding": (_delete("findings", "id", "last_at"),),
    "own_session": (_own(ModuleId.SESSIONS),),
    "received_session": (_received(ModuleId.SESSIONS),),
    "own_cdr": (_own(ModuleId.CDRS, _NOT_CREDITED_SINCE, _ITS_URLS),),
    "received_cdr": (_received(ModuleId.CDRS, _NOT_CREDITED_SINCE),),
}
"""By kind of record; the settings are named after them."""


async def forget_old(
    database: Database, keep: Mapping[str, timedelta], now: datetime, *, batch: int = BATCH
) -> dict[str, int]:
    """Forget what was over so long ago, a batch in a transaction. A kind that cannot be forgotten is logged, and stops no other.

    keep     how long, by kind of record; none that is not in it is forgotten, nor one with zero
    Returns  how many rows went, of each kind of which there were any
    Raises   DatabaseUnavailable
    """
    gone: dict[str, int] = {}
    for kind, kept in keep.items():
        try:
            for statement in RULES[kind] if kept else ():
                if count := await _run_out(database, statement, now - kept, batch):
                    gone[kind] = gone.get(kind, 0) + count
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("old records of the kind %s could not be forgotten", kind)
    return gone


async def _run_out(database: Database, statement: Statement, before: datetime, batch: int) -> int:
    total = 0
    while True:
        async with database.write() as tx:
            count: int = await tx.value(statement, before=before, most=batch)
        total += count
        if count < batch:
            return total
