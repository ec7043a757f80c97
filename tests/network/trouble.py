"""What goes wrong in the hour: kill -9 at random moments, partners with faults, tokens that are renewed in between."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import httpx

from ocpi_party.cli.demo.platform import Refused
from ocpi_party.cli.demo.program import Program
from tests.network.platforms import Member, Sandbox

CALM_SECONDS = 3.0
"""Between the end of one outage and the next kill: so that each message that was lost belongs to one kill."""
_DOWN_SECONDS = (0.2, 2.0)


@dataclass(frozen=True)
class Kill:
    """at  and until: when it was killed, and when everything was well again; loses  messages may be lost with it"""

    what: str
    member: str
    at: float
    until: float
    loses: bool


@dataclass
class Trouble:
    """
    renewals  tokens that were renewed, and tries that failed because somebody was away
    """

    members: list[Member]
    sandboxes: list[Sandbox]
    dice: random.Random
    kills: list[Kill] = field(default_factory=list)
    renewals: int = 0
    failed_renewals: list[str] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        """Until so much time is over; everybody is well again when it returns."""
        # Dice of their own: what one of them throws does not depend on when another one does.
        own = [random.Random(self.dice.random()) for _ in self.sandboxes]
        faulty = [asyncio.create_task(self._have_fault(*one, seconds)) for one in zip(own, self.sandboxes, strict=True)]
        renewing = asyncio.create_task(self._renew(random.Random(self.dice.random()), seconds))
        try:
            await self._kill_until(time.monotonic() + seconds)
            await asyncio.gather(renewing, *faulty)
        finally:
            for task in (renewing, *faulty):
                task.cancel()

    async def _have_fault(self, dice: random.Random, sandbox: Sandbox, seconds: float) -> None:
        """Twice for about a sixth of the time each."""
        for pause, lasts in ((0.1, 0.18), (0.2, 0.18)):
            await asyncio.sleep(seconds * pause * dice.uniform(0.7, 1.3))
            await sandbox.have(sandbox.fault)
            # A list with a fault is of interest only to those who read it; the member may be down just now.
            with suppress(Refused, httpx.HTTPError, RuntimeError):
                partner_id = sandbox.member.partner_ids[sandbox.name]
                await sandbox.member.call("POST", f"/partners/{partner_id}/pull", {"full": True})
            await asyncio.sleep(seconds * lasts)
            await sandbox.have()

    async def _renew(self, dice: random.Random, seconds: float) -> None:
        """Each partnership of a member, now and then."""
        pairs = [(member, name) for member in self.members for name in member.partner_ids]
        dice.shuffle(pairs)
        for member, name in pairs:
            await asyncio.sleep(seconds / (len(pairs) + 2))
            try:
                await member.call("POST", f"/partners/{member.partner_ids[name]}/rotate")
                self.renewals += 1
            except Exception as fault:
                self.failed_renewals.append(f"{member.name} with {name}: {fault!r}"[:200])

    def _victims(self) -> list[tuple[str, Member, Callable[[], None], bool]]:
        found: list[tuple[str, Member, Callable[[], None], bool]] = []
        for member in self.members:
            for words, program in zip(member.commands, member.programs, strict=True):
                found.append((f"{member.name} {words[0]}", member, program.kill, True))
            found.append((f"{member.name} PostgreSQL", member, partial(_kill_postgres, member), False))
            consumer: Program | None = member.consumer
            assert consumer is not None
            found.append((f"{member.name} consumer", member, consumer.kill, False))
        return found

    async def _kill_until(self, deadline: float) -> None:
        victims = self._victims()
        turn: list[int] = []
        while True:
            await asyncio.sleep(CALM_SECONDS * self.dice.uniform(1, 2))
            if time.monotonic() > deadline - CALM_SECONDS:
                return
            turn = turn or self.dice.sample(range(len(victims)), len(victims))
            what, member, kill, loses = victims[turn.pop()]
            at = time.time()
            kill()
            await asyncio.sleep(self.dice.uniform(*_DOWN_SECONDS))
            await member.start()
            assert member.consumer is not None
            if not member.consumer.runs():
                member.consumer.start()
            self.kills.append(Kill(what, member.name, at, time.time(), loses))


def _kill_postgres(member: Member) -> None:
    pid_file = next((member.directory / "data").glob("**/postmaster.pid"))
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
