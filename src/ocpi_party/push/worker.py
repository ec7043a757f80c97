"""Tells partners what they do not know: claim a lane, send from the current state, settle.

Several workers, in this process and on other machines, share the lanes. No transaction is open while a partner answers.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ocpi_party.database import Database, WriteTx
from ocpi_party.dialects.dialect import Dialect, dialect_of
from ocpi_party.events import repository as events
from ocpi_party.events.repository import EventType
from ocpi_party.hands import Hands
from ocpi_party.leases import Leases
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role
from ocpi_party.ocpi.types import PartyId, now
from ocpi_party.outbox import lanes, telling
from ocpi_party.outbox.lanes import Lane
from ocpi_party.outbox.telling import Mark
from ocpi_party.owned.push import Pushed, State, Teller
from ocpi_party.partners import repository as partners
from ocpi_party.partners.answer import Answer, PartnerUnreachable
from ocpi_party.partners.client import OcpiClient
from ocpi_party.partners.exchange import Route
from ocpi_party.partners.findings import note
from ocpi_party.partners.partner import Partner
from ocpi_party.push.retry import next_attempt

log = logging.getLogger(__name__)

_BATCH = 50


class LaneLost(Exception):
    """Our lease ran out, and another worker may hold the lane: not a word more."""


class Unauthorized(PartnerUnreachable):
    """The partner does not accept our credentials token: nothing can be told until that is mended."""


@dataclass(slots=True)
class PushWorker:
    """One per process.

    lanes      how many partners are told at the same time
    lease_for  how long a lane is held without a sign of life; longer than a request may take
    """

    database: Database
    client: OcpiClient
    pushed: Mapping[ModuleId, Pushed]
    dialects: Mapping[str, Dialect]
    lanes: int = 32
    lease_for: timedelta = timedelta(seconds=60)
    retry_base: timedelta = timedelta(seconds=1)
    retry_most: timedelta = timedelta(minutes=5)
    hands: Hands = field(init=False)
    _leases: Leases[Lane] = field(init=False)
    _held: dict[Lane, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hands = Hands("pushing", self.lanes)
        self._leases = Leases(self.database, lanes.let_go)

    def wake(self) -> None:
        """There is something to tell: do not wait for the next poll."""
        self.hands.wake()

    async def run(self) -> None:
        """Work until cancelled; a lane that is being told is then left, and taken up by whoever comes next."""
        await self.hands.run(self.start_lanes, self._leases.let_go)

    async def start_lanes(self) -> int:
        """Claim what is due and begin to tell it; tells how many lanes were claimed."""
        if self.hands.free <= 0:
            return 0
        await self._leases.let_go()
        async with self.database.write() as tx:
            claimed = await lanes.claim(tx, most=self.hands.free, lease_for=self.lease_for)
        for lane in claimed:
            self.hands.take(self.tell_lane(lane), lane.partner_id)
        return len(claimed)

    async def tell_lane(self, lane: Lane) -> None:
        """Tell this party everything it does not know, in order, until there is nothing left or it cannot be told."""
        with self._leases.held(lane):
            await self._tell_all(lane)

    async def _tell_all(self, lane: Lane) -> None:
        try:
            failures = lane.failures
            while await self._tell_batch(lane, failures):
                failures = 0
        except LaneLost:
            log.warning("the lane to partner %s (%s) was lost to another worker", lane.partner_id, lane.party)
        except PartnerUnreachable as fault:
            until = next_attempt(
                lane.failures + 1, now(), base=self.retry_base, most=self.retry_most, asked=fault.retry_after
            )
            log.warning("partner %s (%s) cannot be told until %s: %s", lane.partner_id, lane.party, until, fault)
            async with self.database.write() as tx:
                await lanes.postpone(tx, lane, until, str(fault))
                if lane.failures == 0:
                    await self._tell_operator(tx, EventType.PARTNER_UNREACHABLE, lane, why=str(fault))
        else:
            async with self.database.write() as tx:
                await lanes.release(tx, lane)
                if lane.failures:
                    await self._tell_operator(tx, EventType.PARTNER_BACK, lane)
        finally:
            self._held.pop(lane, None)

    async def _hold(self, lane: Lane) -> None:
        """Before each request: the lease outlives the longest one only if it is renewed in time. Raises LaneLost"""
        moment = asyncio.get_running_loop().time()
        if moment - self._held.get(lane, float("-inf")) < self.lease_for.total_seconds() / 3:
            return
        async with self.database.write() as tx:
            if not await lanes.renew(tx, lane, self.lease_for):
                raise LaneLost
        self._held[lane] = moment

    async def _tell_batch(self, lane: Lane, failures: int) -> bool:
        """Tell the next few. False, if there is nothing left. Raises PartnerUnreachable, LaneLost

        failures  to reach the party, since it was reached last
        """
        await self._hold(lane)
        async with self.database.read() as tx:
            marks = await telling.waiting(tx, lane, _BATCH)
            partner = await partners.get(tx, lane.partner_id)
            states = await self._load(tx, marks)
        if not marks or partner is None:
            return False
        told: list[Mark] = []
        try:
            for mark in marks:
                teller = self._teller(lane, partner, mark, failures)
                if await self._tell(teller, lane, partner, mark, states.get((mark.module, mark.ref))):
                    told.append(mark)
                if teller.ahead:
                    break
        finally:
            if told:
                async with self.database.write() as tx:
                    await telling.settle(tx, lane, told, [m for m in told if self.pushed[m.module].by_moment])
        return True

    async def _load(self, tx: Any, marks: list[Mark]) -> dict[tuple[ModuleId, str], State]:
        found: dict[tuple[ModuleId, str], State] = {}
        for module in dict.fromkeys(mark.module for mark in marks):
            pushed = self.pushed.get(module)
            refs = [mark.ref for mark in marks if mark.module is module]
            if pushed is not None:
                found |= {(module, ref): state for ref, state in (await pushed.load(tx, refs)).items()}
        return found

    async def _tell(self, teller: Teller, lane: Lane, partner: Partner, mark: Mark, state: State | None) -> bool:
        """True, if it was told; what was refused or is void is settled here. Raises PartnerUnreachable"""
        pushed = self.pushed.get(mark.module)
        if pushed is None or not teller.url:
            async with self.database.write() as tx:
                await telling.drop(tx, mark)
            return False
        try:
            if state is not None and not state.is_there_for(lane.party):
                answer = await pushed.take_away(teller, mark, state)
            else:
                answer = await pushed.tell(teller, mark, state)
        except PartnerUnreachable as fault:
            if fault.maybe_done:
                async with self.database.write() as tx:
                    await telling.doubt(tx, mark, str(fault))
            raise
        if answer is None or answer.done:
            if answer is not None and answer.deviations:
                await self._note(teller, pushed, mark, answer)
            return True
        if answer.unauthorized:
            raise Unauthorized(f"the partner does not accept our credentials token: {answer}")
        log.warning("partner %s refuses %s %s: %s", partner.id, mark.module, mark.ref, answer)
        async with self.database.write() as tx:
            await telling.refuse(tx, mark, str(answer))
            shown = (await pushed.names(tx, [mark.ref])).get(mark.ref, mark.ref)
            await self._tell_operator(
                tx, EventType.DELIVERY_GIVEN_UP, lane, module=mark.module, object=shown, why=str(answer)
            )
        return False

    async def _note(self, teller: Teller, pushed: Pushed, mark: Mark, answer: Answer) -> None:
        """The partner took it; how it answered is a finding."""
        async with self.database.write() as tx:
            shown = (await pushed.names(tx, [mark.ref])).get(mark.ref, mark.ref)
            await note(tx, teller.partner_id, mark.module, shown, answer.deviations)

    async def _tell_operator(self, tx: WriteTx, kind: EventType, lane: Lane, **more: Any) -> None:
        data = {"partner": lane.partner_id, "party": lane.party} | more
        await events.tell(tx, kind, f"partners/{lane.partner_id}", data, partner_id=lane.partner_id)

    def _teller(self, lane: Lane, partner: Partner, mark: Mark, failures: int) -> Teller:
        pushed = self.pushed.get(mark.module)
        url = partner.endpoint(mark.module, pushed.interface if pushed else InterfaceRole.RECEIVER) or ""
        dialect = dialect_of(self.dialects, partner.version)
        route = Route(PartyId.parse(mark.ref.partition("/")[0]), PartyId.parse(lane.party))

        async def send(method: str, to: str, body: Any, params: Mapping[str, str] | None) -> Answer:
            await self._hold(lane)
            given = {} if body is None else {"body": body}
            answer = await self.client.call(partner, method, to, route=route, params=params, **given)
            return answer.taken() if answer.empty and partner.quirks.get("empty_is_done") else answer

        broadcast = any(one.role is Role.HUB and str(one.key) == lane.party for one in partner.parties)
        return Teller(
            url, send, dialect.write, self.database, lane.in_doubt, lane.partner_id, lane.party, broadcast, failures
        )
