"""Fetches partners' lists: claim one that is due, crawl through it, plan the next time.

Several workers, in this process and on other machines, share the lists; of one partner one list is fetched at a time, in the
order of their ranks. No transaction is open while a partner answers.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ocpi_party.database import Database, DatabaseUnavailable, WriteTx
from ocpi_party.dialects.dialect import Dialect, dialect_of
from ocpi_party.hands import Hands
from ocpi_party.leases import Leases
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import now
from ocpi_party.owned.pull import Pulled
from ocpi_party.partners import repository as partners
from ocpi_party.partners.answer import PartnerUnreachable
from ocpi_party.partners.client import OcpiClient
from ocpi_party.partners.parties import own_parties, reached_directly
from ocpi_party.pull import progress, schedule
from ocpi_party.pull.crawl import Crawl, ListRefused, NotAuthorized
from ocpi_party.pull.links import ForeignLink
from ocpi_party.pull.planning import wanted
from ocpi_party.pull.progress import LeaseLost, Pull
from ocpi_party.push.retry import next_attempt

log = logging.getLogger(__name__)

NOT_AUTHORIZED = "the partner does not accept our credentials token"

_PATIENCE = 5
"""After so many failures in a row a crawl begins anew: the partner may not know the URL of its next page any more."""


@dataclass(slots=True)
class PullWorker:
    """One per process.

    interval   between two pulls of a list, give or take a quarter; zero for never again
    keep       how long objects of a module are kept after their last change; for ever, if it is not in it
    crawls     how many partners are asked at the same time
    lease_for  how long a list is held without a sign of life; longer than a request may take
    """

    database: Database
    client: OcpiClient
    pulled: Mapping[ModuleId, Pulled]
    dialects: Mapping[str, Dialect]
    interval: timedelta
    keep: Mapping[ModuleId, timedelta] = field(default_factory=dict)
    crawls: int = 8
    lease_for: timedelta = timedelta(seconds=120)
    retry_base: timedelta = timedelta(seconds=1)
    retry_most: timedelta = timedelta(minutes=5)
    hands: Hands = field(init=False)
    _leases: Leases[Pull] = field(init=False)

    def __post_init__(self) -> None:
        self.hands = Hands("pulling", self.crawls)
        self._leases = Leases(self.database, progress.let_go)

    async def plan(self, tx: WriteTx, partner_id: int) -> None:
        """Fetch from now on what we need of this partner as it is now; nothing, if it is not connected or not to be pulled."""
        partner = await partners.get(tx, partner_id)
        lists = wanted(partner, await own_parties(tx), self.pulled) if partner else []
        await schedule.plan(tx, partner_id, lists)
        await schedule.catch_up(tx, partner_id)

    async def unplan(self, tx: WriteTx, partner_id: int) -> None:
        await schedule.plan(tx, partner_id, [])

    def wake(self) -> None:
        """There is something to fetch: do not wait for the next poll."""
        self.hands.wake()

    async def run(self) -> None:
        """Work until cancelled; a crawl is then left, and taken up at its next page by whoever comes next."""
        await self.hands.run(self.start_crawls, self._leases.let_go)

    async def start_crawls(self) -> int:
        """Claim what is due and begin to fetch it; tells how many lists were claimed."""
        claimed = await self._claim(self.hands.free)
        for pull in claimed:
            self.hands.take(self.crawl(pull), pull.partner_id)
        return len(claimed)

    async def pull_due(self) -> int:
        """Fetch all that is due, here and now; tells how many lists that were."""
        count = 0
        while claimed := await self._claim(self.crawls):
            await asyncio.gather(*(self.crawl(pull) for pull in claimed))
            count += len(claimed)
        return count

    async def _claim(self, most: int) -> list[Pull]:
        if most <= 0:
            return []
        await self._leases.let_go()
        async with self.database.write() as tx:
            return await progress.claim(tx, most=most, lease_for=self.lease_for)

    async def crawl(self, pull: Pull) -> None:
        """Fetch a list to its end, or note why that cannot be done now."""
        try:
            with self._leases.held(pull):
                await self._crawl_through(pull)
        except DatabaseUnavailable as fault:
            # Nothing can be noted now; when the database is back, the crawl goes on at its next page.
            log.warning("a crawl breaks off: %s", fault)

    async def _crawl_through(self, pull: Pull) -> None:
        crawl = await self._crawl(pull)
        if crawl is None:
            return
        try:
            await crawl.run()
        except LeaseLost:
            log.warning("the list %s of partner %s is fetched by another worker", pull.module, pull.partner_id)
        except (PartnerUnreachable, ListRefused, ForeignLink) as fault:
            await self._fail(crawl.pull, fault)
        except DatabaseUnavailable:
            raise
        except Exception as fault:
            log.exception("bug in a crawl of %s of partner %s", pull.module, pull.partner_id)
            await self._fail(crawl.pull, fault)
        else:
            async with self.database.write() as tx:
                await partners.settle_alert(tx, pull.partner_id, NOT_AUTHORIZED)

    async def _crawl(self, pull: Pull) -> Crawl | None:
        async with self.database.read() as tx:
            partner = await partners.get(tx, pull.partner_id)
            direct = await reached_directly(tx) if partner and partner.is_hub else frozenset()
        pulled = self.pulled.get(pull.module)
        if partner is None or pulled is None:
            return None
        dialect = dialect_of(self.dialects, partner.version)
        keep = self.keep.get(pull.module)
        return Crawl(
            self.database, self.client, pulled, dialect, partner, direct, self.lease_for, self._next_time, self._again_time,
            pull, oldest=None if keep is None else now() - keep,
        )  # fmt: skip

    def _next_time(self) -> datetime | None:
        """With jitter, so that partners are not all asked in the same minute (PAG-20)."""
        if not self.interval:
            return None
        return now() + self.interval * random.uniform(0.75, 1.25)  # noqa: S311 - jitter is no secret

    def _again_time(self, pull: Pull) -> datetime:
        """Later and later, up to the usual interval; the longer a crawl took, the longer its partner is left alone."""
        took = now() - pull.started_at if pull.started_at else timedelta()
        base, most = max(self.retry_base, took * 2), max(self.interval, self.retry_most)
        return next_attempt(pull.repeats + 1, now(), base=base, most=most)

    async def _fail(self, pull: Pull, fault: Exception) -> None:
        asked = fault.retry_after if isinstance(fault, PartnerUnreachable) else None
        most = self.retry_most if isinstance(fault, PartnerUnreachable) else max(self.interval, self.retry_most)
        failures = pull.failures + 1
        until = next_attempt(failures, now(), base=self.retry_base, most=most, asked=asked)
        told = isinstance(fault, PartnerUnreachable | ListRefused | ForeignLink)
        error = str(fault) if told else f"we made a mistake ({type(fault).__name__}); it is logged"
        log.warning("partner %s: %s cannot be fetched until %s: %s", pull.partner_id, pull.module, until, error)
        async with self.database.write() as tx:
            await progress.fail(tx, pull, until, error, anew=failures % _PATIENCE == 0)
            if isinstance(fault, NotAuthorized):
                await partners.alert(tx, pull.partner_id, str(fault))
