"""The operator switches off what a partner is told, and on again: what it does not know waits meanwhile, and is told then."""

from typing import Any

from ocpi_party.database import Statement, WriteTx
from ocpi_party.outbox.reach import state
from ocpi_party.partners import repository as partners

# Whoever marks something for this partner holds it FOR KEY SHARE until his transaction ends: his marks are seen here, or he
# sees what is written here. Else a mark could stay paused for ever.
_HOLD = Statement("SELECT id FROM partners WHERE id = :id FOR UPDATE")

# Of what goes on its way, the age counts from now: nobody has to act because it was switched off for long.
_SWITCH = Statement(
    f"""UPDATE outbox_marks m SET state = {state("m.module")},
                                  marked_at = CASE m.state WHEN 'PAUSED' THEN now() ELSE m.marked_at END
          FROM partners p
         WHERE p.id = :id AND m.partner_id = p.id AND m.state IN ('WAITING', 'PAUSED') AND m.state <> {state("m.module")}"""
)


async def change(tx: WriteTx, partner_id: int, **columns: Any) -> None:
    """Set columns of a partner, `push` and `modules` among them."""
    await tx.row(_HOLD, id=partner_id)
    await partners.change(tx, partner_id, **columns)
    await tx.run(_SWITCH, id=partner_id)
