"""Where partners deviate from the specification: kept, told once as an event, listed."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.events import repository as events
from ocpi_party.events.repository import EventType

_NOTE = Statement(
    """INSERT INTO findings (partner_id, module, ref, pointer, rule, times)
       SELECT :partner_id, CAST(:module AS text), ref, pointer, rule, count(*)
         FROM unnest(CAST(:refs AS text[]), CAST(:pointers AS text[]), CAST(:rules AS text[])) AS n(ref, pointer, rule)
        GROUP BY ref, pointer, rule ORDER BY ref, pointer, rule
       ON CONFLICT ON CONSTRAINT findings_key DO UPDATE SET times = findings.times + excluded.times, last_at = now()
       RETURNING ref, pointer, rule, xmax = 0 AS new"""
)


class Note(NamedTuple):
    """Where an object deviates. ref  OWNER/id…; pointer  a JSON Pointer; rule  in words"""

    ref: str
    pointer: str
    rule: str


async def note_many(tx: WriteTx, partner_id: int, module: str, notes: Collection[Note]) -> None:
    """Keep where a partner's objects deviate from the specification; what is new is an event."""
    if not notes:
        return
    rows = await tx.rows(
        _NOTE,
        partner_id=partner_id,
        module=module,
        refs=[one.ref for one in notes],
        pointers=[one.pointer for one in notes],
        rules=[one.rule for one in notes],
    )
    await tell_findings(tx, partner_id, module, [Note(r["ref"], r["pointer"], r["rule"]) for r in rows if r["new"]])


async def tell_findings(tx: WriteTx, partner_id: int, module: str, notes: Iterable[Note]) -> None:
    """Events for findings that were not there before."""
    about = [
        (f"{module}/{n.ref}", {"module": module, "object": n.ref, "pointer": n.pointer, "rule": n.rule}) for n in notes
    ]
    await events.tell_many(tx, EventType.FINDING_RECORDED, about, partner_id=partner_id)


async def note(tx: WriteTx, partner_id: int, module: str, ref: str, findings: Iterable[tuple[str, str]]) -> None:
    """Keep where a partner deviates from the specification.

    findings  (JSON Pointer, rule in words)
    """
    await note_many(tx, partner_id, module, [Note(ref, pointer, rule) for pointer, rule in findings])


_ONLY = """(CAST(:partner AS bigint) IS NULL OR partner_id = :partner) AND (CAST(:module AS text) IS NULL OR module = :module)
           AND last_at >= COALESCE(:date_from, '-infinity'::timestamptz)
           AND last_at < COALESCE(:date_to, 'infinity'::timestamptz)"""
_PAGE = Statement(
    f"""SELECT id, partner_id AS partner, module, ref AS object, pointer, rule, times, first_at, last_at FROM findings
         WHERE {_ONLY} ORDER BY last_at DESC, id DESC OFFSET :offset LIMIT :limit"""
)
_COUNT = Statement(f"SELECT count(*) FROM findings WHERE {_ONLY}")


async def page(
    tx: ReadTx,
    partner: int | None,
    module: str | None,
    date_from: datetime | None,
    date_to: datetime | None,
    *,
    offset: int,
    limit: int,
) -> tuple[list[Row], int]:
    """Where partners deviate, what was seen last first, and how much that is."""
    only = {"partner": partner, "module": module, "date_from": date_from, "date_to": date_to}
    return await tx.rows(_PAGE, **only, offset=offset, limit=limit), await tx.value(_COUNT, **only)
