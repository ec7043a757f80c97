"""Renews credentials on its own: tokens that grow old, and what we offer when that changed. OCPI 2.2.1, Credentials, "Update"."""

import logging
from dataclasses import dataclass, field
from datetime import timedelta

from ocpi_party.hands import Hands
from ocpi_party.modules.credentials.asking import rotate
from ocpi_party.ocpi.errors import Refusal
from ocpi_party.partners import repository
from ocpi_party.transport.asked import Building

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RenewalWorker:
    """One per process; several share the partners.

    at_once      how many partners are asked at the same time: one that hangs must not hold up the others
    again_after  when a renewal that failed, or whose process ended, is tried again
    """

    building: Building
    at_once: int = 4
    again_after: timedelta = timedelta(hours=1)
    hands: Hands = field(init=False)

    def __post_init__(self) -> None:
        self.hands = Hands("renewal of credentials", self.at_once)

    def wake(self) -> None:
        """What we offer has changed: do not wait for the next poll."""
        self.hands.wake()

    async def run(self) -> None:
        """Work until cancelled; a renewal that is under way then leaves the partner with tokens that work."""
        await self.hands.run(self.start)

    async def start(self) -> int:
        """Claim a partner whose credentials are due, and begin to renew them; tells how many were claimed."""
        if self.hands.free <= 0:
            return 0
        async with self.building.database.write() as tx:
            due = await repository.claim_renewal(tx, self.again_after)
        if due is None:
            return 0
        self.hands.take(self.renew(due.id), due.id)
        return 1

    async def renew(self, partner_id: int) -> None:
        """Give a partner new tokens, and tell it what we offer; where that fails, its alert says why."""
        try:
            await rotate(self.building, partner_id)
        except Refusal as fault:
            log.warning("the credentials of partner %s could not be renewed: %s", partner_id, fault)
