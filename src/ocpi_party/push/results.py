"""Delivers the results of what partners asked of us to their response_url, and times out what got none.

OCPI 2.2.1, Commands, Sender interface. Several workers share the rows; no transaction is open while a partner answers.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ocpi_party.database import Database
from ocpi_party.dialects.dialect import Dialect, dialect_of
from ocpi_party.hands import Hands
from ocpi_party.leases import Leases
from ocpi_party.modules.callbacks import delivery, inbound, outbound
from ocpi_party.modules.callbacks.delivery import Due
from ocpi_party.modules.callbacks.urls import check_response_url
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import House, PartyId, now
from ocpi_party.partners import repository as partners
from ocpi_party.partners.answer import Answer, PartnerUnreachable
from ocpi_party.partners.client import OcpiClient
from ocpi_party.partners.exchange import About, Route
from ocpi_party.partners.findings import note
from ocpi_party.partners.partner import PartnerStatus
from ocpi_party.push.retry import next_attempt

log = logging.getLogger(__name__)

_EACH = 4
"""Results of one partner that are on their way at the same time: one that hangs must not hold up the others."""


@dataclass(slots=True)
class ResultWorker:
    """One per process.

    kinds        what a request of this module and kind gets as its result
    at_once      how many results are on their way at the same time
    lease_for    how long a result is held without a sign of life; longer than a request may take
    keep_trying  how long the result of a request that timed out is tried
    turned_at    when its loop began to look for work the last time, on the clock of the event loop; None before the first
    """

    database: Database
    client: OcpiClient
    kinds: Mapping[tuple[ModuleId, str], type[House]]
    dialects: Mapping[str, Dialect]
    lease_for: timedelta
    retry_base: timedelta
    retry_most: timedelta
    keep_trying: timedelta
    at_once: int = 32
    hands: Hands = field(init=False)
    _leases: Leases[Due] = field(init=False)

    def __post_init__(self) -> None:
        self.hands = Hands("delivery of results", self.at_once)
        self._leases = Leases(self.database, delivery.let_go)

    def wake(self) -> None:
        """There is a result: do not wait for the next poll."""
        self.hands.wake()

    async def run(self) -> None:
        """Work until cancelled; a result that is on its way is then delivered by whoever takes it up."""
        await self.hands.run(self._settle_and_start, self._leases.let_go)

    async def _settle_and_start(self) -> int:
        return await self.time_out() + await self.start()

    async def time_out(self) -> int:
        """Settle what is overdue, inbound and outbound; tells how many there were."""
        async with self.database.write() as tx:
            return await inbound.time_out(tx, self.keep_trying) + await outbound.time_out(tx)

    async def start(self) -> int:
        """Claim what is due and begin to deliver it; tells how many results were claimed."""
        if self.hands.free <= 0:
            return 0
        full = [partner for partner, count in Counter(self.hands.busy.values()).items() if count >= _EACH]
        await self._leases.let_go()
        async with self.database.write() as tx:
            claimed = await delivery.claim(tx, most=self.hands.free, each=_EACH, busy=full, lease_for=self.lease_for)
        for due in claimed:
            self.hands.take(self.deliver(due), due.partner_id)
        return len(claimed)

    async def deliver(self, due: Due) -> None:
        """POST a result; it is delivered, refused, tried again later, or given up."""
        with self._leases.held(due):
            await self._deliver(due)

    async def _deliver(self, due: Due) -> None:
        try:
            state, error = await self._post(due)
        except PartnerUnreachable as fault:
            await self._later(due, fault)
            return
        if error is not None:
            log.warning("partner %s does not get result %s of %s: %s", due.partner_id, due.id, due.kind, error)
        async with self.database.write() as tx:
            await delivery.settle(tx, due, state, error)

    async def _post(self, due: Due) -> tuple[str, str | None]:
        """What became of it. Raises PartnerUnreachable, if it is worth another try"""
        async with self.database.read() as tx:
            partner = await partners.get(tx, due.partner_id)
        assert partner is not None  # The results of a partner that is deleted go with it.
        if partner.status is PartnerStatus.UNREGISTERED:
            return "GIVEN_UP", "the partner has left: nobody is there to be told"
        if due.theirs and not partner.reaches(PartyId.parse(due.theirs), as_cpo=False):
            raise PartnerUnreachable(f"{due.theirs} is not connected to its hub")
        try:
            # The partner may have moved since it asked: its token goes to no host that is not its own today.
            url = check_response_url(due.response_url, partner, allow_private=self.client.allow_private)
        except InvalidObject as fault:
            return "REFUSED", f"we may not call its response_url any more: it {fault.rule}"
        dialect = dialect_of(self.dialects, partner.version)
        kind = self.kinds[due.module, due.kind]
        route = Route(PartyId.parse(due.ours), PartyId.parse(due.theirs) if due.theirs else None)
        about = About(due.module, f"{due.kind}/{due.request_id}", url_is_secret=True)
        body = dialect.write(kind, due.document)
        answer = await self.client.call(partner, "POST", url, route=route, body=body, about=about)
        if answer.ok:
            # Nobody can be asked what became of it: an empty answer with a status of success has to do.
            await self._note(due, answer.taken() if answer.empty else answer)
            return "DELIVERED", None
        if answer.unauthorized or not answer.refused:
            raise PartnerUnreachable(str(answer))
        return "REFUSED", str(answer)

    async def _note(self, due: Due, answer: Answer) -> None:
        """The partner took it; how it answered is a finding."""
        if answer.deviations:
            async with self.database.write() as tx:
                await note(tx, due.partner_id, due.module, due.kind, answer.deviations)

    async def _later(self, due: Due, fault: PartnerUnreachable) -> None:
        until = next_attempt(due.attempts, now(), base=self.retry_base, most=self.retry_most, asked=fault.retry_after)
        async with self.database.write() as tx:
            if until >= due.give_up_at:
                log.error("partner %s never got result %s of %s: %s", due.partner_id, due.id, due.kind, fault)
                await delivery.settle(tx, due, "GIVEN_UP", str(fault))
            else:
                await delivery.postpone(tx, due, until, str(fault))
