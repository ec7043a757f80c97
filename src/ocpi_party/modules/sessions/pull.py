"""How the sessions of a partner's list are kept. OCPI 2.2.1, Sessions, "Pull model"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ocpi_party.database import Statement, WriteTx
from ocpi_party.dialects.dialect import Dialect, Reading
from ocpi_party.modules.drivers import with_driver
from ocpi_party.modules.sessions.audit import audit
from ocpi_party.modules.sessions.status import FINAL
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.types import parse_time
from ocpi_party.owned.pull import Found, Pulled, Refused
from ocpi_party.owned.table import Ref, in_columns
from ocpi_party.partners.findings import Note, note_many

_ENDED = Statement(
    """SELECT s.partner_id, s.addressee, s.owner, s.key, s.last_updated
         FROM sessions s
         JOIN unnest(CAST(:partner_ids AS bigint[]), CAST(:addressees AS text[]), CAST(:owners AS text[]), CAST(:keys AS text[]))
              AS o(partner_id, addressee, owner, key) USING (partner_id, addressee, owner, key)
        WHERE s.status IN ('COMPLETED', 'INVALID') AND NOT s.gone"""
)


@dataclass(frozen=True, slots=True)
class PulledSessions(Pulled):
    """Sessions that have ended do not go on, whatever a list says (AMB-45)."""

    def read(self, spoken: Dialect, wire: object, quirks: Mapping[str, Any]) -> Reading:
        if not isinstance(wire, dict):
            return Pulled.read(self, spoken, wire, quirks)
        whole, lacking = with_driver(wire, quirks)
        reading = Pulled.read(self, spoken, whole, quirks)
        return replace(reading, findings=(*reading.findings, *lacking))

    async def absorb(
        self, tx: WriteTx, found: Sequence[Found], *, since: int, any_age: bool = False
    ) -> Sequence[Refused]:
        await Pulled.absorb(self, tx, found, since=since, any_age=any_age)
        going_on = [one for one in found if one.reading.document["status"] not in FINAL]
        ended = await _ended(tx, [one.ref for one in going_on])
        await self._note_odd(tx, [one for one in found if one.ref not in ended])
        fault = InvalidObject("/status", "would let a session go on that has ended")
        return [Refused(one.ref, fault) for one in going_on if _is_newer(one, ended.get(one.ref))]

    async def _note_odd(self, tx: WriteTx, found: Sequence[Found]) -> None:
        if not found:
            return
        partner_id = found[0].ref.partner_id
        odd = await audit(tx, partner_id, [one.reading.document for one in found])
        notes = [Note(str(self.shown(one)), *each) for one, many in zip(found, odd, strict=True) for each in many]
        await note_many(tx, partner_id, ModuleId.SESSIONS, notes)


async def _ended(tx: WriteTx, refs: Sequence[Ref]) -> dict[Ref, datetime]:
    """Those among them that have ended, and when that was told."""
    rows = await tx.rows(_ENDED, **in_columns(refs))
    return {Ref(r["partner_id"], r["addressee"], r["owner"], r["key"]): r["last_updated"] for r in rows}


def _is_newer(one: Found, ended_at: datetime | None) -> bool:
    """An older state is passed over in silence; a newer one deserves a word."""
    return ended_at is not None and parse_time(one.reading.document["last_updated"]) >= ended_at


PULLED = PulledSessions(Session, SESSIONS, needs_date_from=True)
