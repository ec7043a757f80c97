"""How the Tariffs of a partner's list are kept. OCPI 2.2.1, Tariffs, "Sender Interface", GET."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocpi_party.database import Statement, WriteTx
from ocpi_party.dialects.dialect import Dialect, Reading
from ocpi_party.events.repository import EventType
from ocpi_party.modules.tariffs.contradictions import noted
from ocpi_party.modules.tariffs.table import TARIFFS
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.owned import unlisted
from ocpi_party.owned.pull import Again, Found, Pulled, Refused
from ocpi_party.owned.receive import tell

_HIDE = Statement(
    """
    WITH hidden AS (
        UPDATE tariffs SET gone = true, rev = nextval('revisions') WHERE seq = ANY(:seqs) RETURNING seq, rev
    )
    UPDATE unlisted u SET rev = hidden.rev FROM hidden WHERE u.module = 'tariffs' AND u.seq = hidden.seq
    """
)


@dataclass(frozen=True, slots=True)
class PulledTariffs(Pulled):
    """What two whole lists in a row leave out is gone, as if its owner had deleted it, until it is listed or told again."""

    def read(self, spoken: Dialect, wire: object, quirks: Mapping[str, Any]) -> Reading:
        return noted(Pulled.read(self, spoken, wire, quirks))

    @property
    def held(self) -> str | None:
        # Those that lists took away as well: as long as there are any, lists of changes would not show that they are back.
        return f"""SELECT t.owner || '/' || t.key AS ref, t.owner || '/' || (t.document->>'id') AS name, t.rev FROM tariffs t
                    WHERE t.partner_id = :partner_id AND t.addressee = :addressee
                      AND (NOT t.gone OR {unlisted.left_out("tariffs")})
                      AND (CAST(:owner AS text) IS NULL OR t.owner = :owner)"""

    async def absorb(
        self, tx: WriteTx, found: Sequence[Found], *, since: int, any_age: bool = False
    ) -> Sequence[Refused]:
        refused = await Pulled.absorb(self, tx, found, since=since, any_age=any_age)
        await unlisted.listed(tx, TARIFFS, [one.ref for one in found])
        return refused

    async def missed(self, tx: WriteTx, partner_id: int, addressee: str, refs: Sequence[str], before: int) -> Again:
        missed = await unlisted.missed(tx, TARIFFS, partner_id, addressee, refs, before)
        gone = [one for one in missed if one.again]
        await tx.run(_HIDE, seqs=[one.seq for one in gone])
        for one in gone:
            await tell(tx, ModuleId.TARIFFS, one.ref, kind=EventType.OBJECT_REMOVED)
        return Again.SOON if len(gone) < len(missed) else Again.NEXT_TIME


PULLED = PulledTariffs(Tariff, TARIFFS)
