"""Renews credentials on its own: tokens that grow old, and what we offer when that changed. OCPI 2.2.1, Credentials, "Update"."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta

from ocpi_party.database import DatabaseUnavailable
from ocpi_party.modules.credentials.asking import rotate
from ocpi_party.ocpi.errors import Refusal
from ocpi_party.partners import repository
from ocpi_party.transport.asked import Building

log = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0


@dataclass(slots=True)
class RenewalWorker:
    """One per process; several share the partners.

    again_after  when a renewal that failed, or whose process ended, is tried again
    """

    building: Building
    again_after: timedelta = timedelta(hours=1)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.renew_due()
            except DatabaseUnavailable as fault:
                log.warning("renewal pauses: %s", fault)
            try:
                await asyncio.wait_for(self._woken.wait(), _LOOK_SECONDS)
            except TimeoutError:
                continue

    async def renew_due(self) -> int:
        """Renew the credentials of every partner where that is due; tells how many succeeded."""
        renewed = 0
        while True:
            async with self.building.database.write() as tx:
                due = await repository.claim_renewal(tx, self.again_after)
            if due is None:
                return renewed
            try:
                await rotate(self.building, due.id)
                renewed += 1
            except Refusal as fault:
                # It stands in the partner's alert, too; the old tokens work as before.
                log.warning("the credentials of partner %s could not be renewed: %s", due.id, fault)
