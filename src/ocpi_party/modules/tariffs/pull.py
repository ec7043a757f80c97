"""How partners' Tariffs are kept when we fetch their list. OCPI 2.2.1, Tariffs, "Sender Interface"."""

from dataclasses import dataclass
from typing import Final

from ocpi_party.database import Statement, WriteTx
from ocpi_party.modules.tariffs.table import TARIFFS
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.owned import receive
from ocpi_party.owned.pull import Missing, Pulled
from ocpi_party.owned.table import Ref

_DROP: Final = Statement(
    """DELETE FROM tariffs
        WHERE partner_id = :partner_id AND addressee = :addressee AND rev <= :before
          AND (owner, key) IN (SELECT * FROM unnest(CAST(:owners AS text[]), CAST(:keys AS text[])))
       RETURNING owner, key"""
)


@dataclass(frozen=True, slots=True)
class PulledTariffs(Pulled):
    """A list holds every Tariff that is valid: one that it does not show any more is taken away (TAR-S-03)."""

    async def missed(self, tx: WriteTx, missing: Missing) -> None:
        if not missing.is_sure:
            return
        split = [ref.partition("/") for ref in missing.refs]
        rows = await tx.rows(
            _DROP,
            partner_id=missing.partner_id,
            addressee=missing.addressee,
            before=missing.before,
            owners=[owner for owner, _, _ in split],
            keys=[key for _, _, key in split],
        )
        gone = [Ref(missing.partner_id, missing.addressee, row["owner"], row["key"]) for row in rows]
        await receive.tell_removed(tx, ModuleId.TARIFFS, gone)


PULLED = PulledTariffs(Tariff, TARIFFS)
