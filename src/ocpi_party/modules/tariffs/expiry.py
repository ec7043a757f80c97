"""Our Tariffs end: a list shows those that are valid now or will be. OCPI 2.2.1, Tariffs, "Sender Interface"."""

from ocpi_party.database import Statement, WriteTx
from ocpi_party.ocpi.types import now, wire_time
from ocpi_party.owned.table import Ref
from ocpi_party.partners.audience import NOBODY

_WITHDRAW = Statement(
    """UPDATE tariffs SET shown_to = audience, audience = :nobody, rev = nextval('revisions')
        WHERE partner_id = 0 AND audience <> :nobody AND expires < :moment"""
)
_SHOW_AGAIN = Statement(
    """UPDATE tariffs SET audience = shown_to, shown_to = NULL, rev = nextval('revisions')
        WHERE partner_id = 0 AND addressee = '' AND owner = :owner AND key = :key AND shown_to IS NOT NULL"""
)


async def withdraw_expired(tx: WriteTx) -> int:
    """Tariffs that ended are for nobody from now on; the operator still sees them. Tells how many there were."""
    return await tx.run(_WITHDRAW, nobody=NOBODY, moment=wire_time(now())[:19])


async def show_again(tx: WriteTx, ref: Ref) -> None:
    """A tariff that ended is changed: it is for whom it was before, and is withdrawn again if it still has ended."""
    await tx.run(_SHOW_AGAIN, owner=ref.owner, key=ref.key)
