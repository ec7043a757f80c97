"""The whole: open the network, let an hour pass with everything that goes wrong in it, wait, and compare."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from ocpi_party.ocpi.modules import Role
from ocpi_party.sandbox.faults import Fault
from tests.network import commands, events, messages, secrets
from tests.network.desk import Desk, opened_desk
from tests.network.hour import Hour
from tests.network.platforms import Member, Sandbox, open_members, open_sandbox
from tests.network.settled import settle
from tests.network.states import compared, differences, kept
from tests.network.table import Table
from tests.network.traffic import Traffic
from tests.network.trouble import Trouble
from tests.network.witness import Witness

EVERY: tuple[tuple[Role, Fault], ...] = (
    (Role.EMSP, Fault.SLOW),
    (Role.EMSP, Fault.ERROR_500),
    (Role.EMSP, Fault.GARBAGE),
    (Role.EMSP, Fault.WRONG_ENVELOPE),
    (Role.EMSP, Fault.RAW_TOKEN),
    (Role.CPO, Fault.SHRINKING_LIST),
    (Role.CPO, Fault.SILENT_COMMANDS),
)
"""Role and fault of each sandbox: a fault of those who are told meets our CPO, one of lists and commands our eMSP."""


@dataclass(frozen=True)
class Wanted:
    """
    seconds   how long the hour takes
    size      part of the hour's traffic, and of what there is
    within    seconds that everybody may take to be well again
    """

    seconds: float = 180.0
    size: float = 1.0
    seed: int = 1
    faults: Sequence[tuple[Role, Fault]] = EVERY
    within: float = 300.0


@dataclass
class Network:
    members: list[Member]
    sandboxes: list[Sandbox]
    witness: Witness
    desks: list[Desk]


async def run(wanted: Wanted, directory: Path, say: Callable[[str], None]) -> Table:
    """Play the hour and compare. directory  where everything lies; PostgreSQL's account must get through"""
    table, dice = Table(), random.Random(wanted.seed)
    async with AsyncExitStack() as stack:
        network = await _open(stack, wanted, directory)
        say(f"a CPO (api, worker), an eMSP (serve) and {len(network.sandboxes)} sandboxes, each with its own database")
        cpo, emsp = network.desks
        hour = Hour().part(wanted.size)
        traffic = Traffic(cpo, emsp, network.sandboxes, hour, wanted.seconds, random.Random(dice.random()))
        await traffic.furnish()
        say(f"{hour.locations} locations with {hour.evses} EVSEs each, {hour.tokens} tokens; the hour begins")
        trouble = Trouble(network.members, network.sandboxes, random.Random(dice.random()))
        await _play(traffic, trouble, wanted.seconds)
        say(f"it is over, after {len(trouble.kills)} kills: {_counted(one.what for one in trouble.kills)}")
        await traffic.rest()
        took, again, left = await settle(network.members, network.sandboxes, wanted.within)
        say(f"everybody has told everything {took:.1f} s later")
        table.none("what was waited for / and is not so", left, f"{took:.0f} s")
        table.told("refused while a partner was not well, told again by hand", again, "")
        table.told("tokens renewed in between / tries that failed", trouble.renewals, len(trouble.failed_renewals))
        for what, times in sorted(traffic.counted.items()):
            table.told(what, times, "")
        await _compare(table, network, trouble, wanted.within)
    return table


async def _open(stack: AsyncExitStack, wanted: Wanted, directory: Path) -> Network:
    witness = Witness()
    cpo, emsp = await open_members(stack, witness, directory)
    opening = [
        open_sandbox(stack, witness, directory, cpo if role is Role.EMSP else emsp, fault, number)
        for number, (role, fault) in enumerate(wanted.faults, 1)
    ]
    sandboxes = await asyncio.gather(*opening)
    desks = [await stack.enter_async_context(opened_desk(member)) for member in (cpo, emsp)]
    return Network([cpo, emsp], list(sandboxes), witness, desks)


async def _play(traffic: Traffic, trouble: Trouble, seconds: float) -> None:
    troubling = asyncio.create_task(trouble.run(seconds))
    try:
        await traffic.run()
        await troubling
    finally:
        troubling.cancel()


async def _compare(table: Table, network: Network, trouble: Trouble, within: float) -> None:
    async for module, owner, partner, ours, theirs in compared(network.members, network.sandboxes):
        what = f"{module} of {owner.side.name} = at {partner.side.name}, field by field"
        equal = sum(1 for key, one in theirs.items() if ours.get(key) == one)
        table.equal(what, len(ours), len(theirs) if equal == len(ours) else equal)
    table.none("differences of any object", await differences(network.members, network.sandboxes), "")
    cpo, emsp = network.desks
    for desk in network.desks:
        await kept(table, desk)
    seen = list(network.witness.seen)
    await events.changed(table, cpo, emsp.member, seen)
    await events.changed(table, emsp, cpo.member, seen)
    await events.authorizations(table, emsp.member, network.witness)
    await commands.compare(table, cpo.member, emsp.member)
    for member in network.members:
        await events.consumed(table, member, within)
        metrics = await _metric(member, "ocpi_party_messages_dropped_total")
        table.equal(f"{member.name}: messages dropped (since its last start)", int(metrics), 0)
    await messages.compare(table, network.members, network.sandboxes, seen, trouble.kills, network.witness)
    await secrets.scan(table, network.members, network.sandboxes, seen)


async def _metric(member: Member, name: str) -> float:
    async with httpx.AsyncClient(base_url=member.url, trust_env=False) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def _counted(names: Iterable[str]) -> str:
    return ", ".join(f"{n} × {name}" for name, n in sorted(Counter(names).items()))
