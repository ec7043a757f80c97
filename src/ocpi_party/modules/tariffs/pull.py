"""How the Tariffs of a partner's list are kept. OCPI 2.2.1, Tariffs, "Sender Interface", GET."""

from collections.abc import Sequence
from dataclasses import dataclass

from ocpi_party.database import Statement, WriteTx
from ocpi_party.events.repository import EventType
from ocpi_party.modules.tariffs.table import TARIFFS
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.ocpi.types import fold
from ocpi_party.owned.pull import Again, Found, Pulled, Refused
from ocpi_party.owned.receive import tell
from ocpi_party.owned.table import Ref

_LISTED = Statement(
    """
    UPDATE tariffs t SET unlisted = NULL
      FROM unnest(CAST(:partner_ids AS bigint[]), CAST(:addressees AS text[]), CAST(:owners AS text[]), CAST(:keys AS text[]))
           AS o(partner_id, addressee, owner, key)
     WHERE (t.partner_id, t.addressee, t.owner, t.key) = (o.partner_id, o.addressee, o.owner, o.key) AND t.unlisted IS NOT NULL
    """
)
# One that was pushed since a list left it out has another rev: then this list is the first that does.
_UNLISTED = Statement(
    """
    WITH missed AS MATERIALIZED (
        SELECT seq, rev, unlisted IS NOT DISTINCT FROM rev AS again, nextval('revisions') AS next FROM tariffs
         WHERE partner_id = :partner_id AND addressee = :addressee AND owner || '/' || key = ANY(CAST(:refs AS text[]))
           AND rev <= :before AND NOT gone
         ORDER BY seq FOR UPDATE
    )
    UPDATE tariffs t SET gone = m.again, rev = CASE WHEN m.again THEN m.next ELSE t.rev END,
                         unlisted = CASE WHEN m.again THEN m.next ELSE t.rev END
      FROM missed m WHERE t.seq = m.seq
    RETURNING t.owner, t.document ->> 'id' AS name, t.gone
    """
)


@dataclass(frozen=True, slots=True)
class PulledTariffs(Pulled):
    """What two whole lists in a row leave out is not valid any more (PAG-19): it is gone, as if its owner had deleted it, until it
    is listed or pushed again. One list alone may be a mistake, and takes nothing away."""

    @property
    def held(self) -> str | None:
        # Those that a list took away as well: as long as there are any, lists of changes would not show that they are back.
        assert self.table is not None
        return """SELECT t.owner || '/' || t.key AS ref, t.owner || '/' || (t.document->>'id') AS name, t.rev FROM tariffs t
                   WHERE t.partner_id = :partner_id AND t.addressee = :addressee AND (NOT t.gone OR t.unlisted = t.rev)
                     AND (CAST(:owner AS text) IS NULL OR t.owner = :owner)"""

    async def absorb(
        self, tx: WriteTx, found: Sequence[Found], *, since: int, any_age: bool = False
    ) -> Sequence[Refused]:
        refused = await Pulled.absorb(self, tx, found, since=since, any_age=any_age)
        refs = [one.ref for one in found]
        await tx.run(
            _LISTED,
            partner_ids=[ref.partner_id for ref in refs],
            addressees=[ref.addressee for ref in refs],
            owners=[ref.owner for ref in refs],
            keys=[ref.key for ref in refs],
        )
        return refused

    async def missed(self, tx: WriteTx, partner_id: int, addressee: str, refs: Sequence[str], before: int) -> Again:
        keys = [fold(ref) for ref in refs]
        rows = await tx.rows(_UNLISTED, partner_id=partner_id, addressee=addressee, refs=keys, before=before)
        for row in rows:
            if row["gone"]:
                shown = Ref(partner_id, addressee, row["owner"], row["name"])
                await tell(tx, ModuleId.TARIFFS, shown, kind=EventType.OBJECT_REMOVED)
        return Again.SOON if any(not row["gone"] for row in rows) else Again.NEXT_TIME


PULLED = PulledTariffs(Tariff, TARIFFS)
