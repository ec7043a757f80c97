"""The operator switches off what a partner is told, and on again: what it does not know waits meanwhile, and is told then."""

from typing import Any

from ocpi_party.database import Statement, WriteTx
from ocpi_party.outbox import marking
from ocpi_party.outbox.reach import agreed, state
from ocpi_party.partners import repository as partners

# Whoever marks something for this partner holds it FOR KEY SHARE until his transaction ends: his marks are seen here, or he
# sees what is written here. Else a mark could stay paused for ever.
_DEALS_WITH = Statement(
    f"""SELECT ARRAY(SELECT o.owner FROM parties o WHERE {agreed("o.owner")}) AS owners
          FROM partners p WHERE id = :id FOR UPDATE"""
)

# Of what goes on its way, the age counts from now: nobody has to act because it was switched off for long.
_SWITCH = Statement(
    f"""UPDATE outbox_marks m SET state = {state("m.module", "m.ref")},
                                  marked_at = CASE m.state WHEN 'PAUSED' THEN now() ELSE m.marked_at END
          FROM partners p
         WHERE p.id = :id AND m.partner_id = p.id AND m.state IN ('WAITING', 'PAUSED')
           AND m.state <> {state("m.module", "m.ref")}"""
)


async def change(tx: WriteTx, partner_id: int, **columns: Any) -> None:
    """Set columns of a partner, `push`, `modules` and `parties` among them."""
    before = await tx.row(_DEALS_WITH, id=partner_id)
    await partners.change(tx, partner_id, **columns)
    await tx.run(_SWITCH, id=partner_id)
    after = await tx.row(_DEALS_WITH, id=partner_id)
    if before and after and (added := set(after["owners"]) - set(before["owners"])):
        await marking.mark_all_of(tx, partner_id, sorted(added))
