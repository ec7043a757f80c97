"""A server of ours that is killed (kill -9) while it tells the other side something: afterwards both know the same.

The one that is killed is a process of its own and calls over TCP. Whatever it tells, the other side takes it, and the
answer never comes: nobody can know whether it was told.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.conftest import NewDatabase
from tests.scenarios import kill
from tests.scenarios.asking import ASYNCHRONOUS, PLAN_PATH, a_plan, profiled, shown_of
from tests.scenarios.roaming import CPO, EMSP, OF_CPO, OF_EMSP, End, Ends, Near, Thing, Wire, register
from tests.server import listening, start_server


@dataclass
class Catch:
    """Lets the next request that changes something be heard, and nobody hear the answer."""

    caught: asyncio.Event

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET" or self.caught.is_set():
            await app(scope, receive, send)
            return

        async def lost(_message: Any) -> None:
            """The answer."""

        await app(scope, receive, lost)
        self.caught.set()
        await asyncio.Event().wait()  # Until the caller is gone, and its connection with it.


@dataclass
class Far(End):
    """In a process of its own, whose workers tell by themselves."""

    victim: kill.Victim

    async def leases_are_over(self) -> None:
        """Time passes: what it held is nobody's."""
        connection = await asyncpg.connect(self.victim.database_url)
        try:
            await connection.execute("UPDATE outbox_lanes SET leased_until = now() WHERE leased_until IS NOT NULL")
            await connection.execute("UPDATE results_due SET next_at = now() WHERE state = 'DUE'")
        finally:
            await connection.close()

    async def all_told(self) -> None:
        async with asyncio.timeout(kill.PATIENCE):
            while await self.ask("GET", "/deliveries"):
                await asyncio.sleep(0.05)


@dataclass
class Story:
    ends: Ends
    far: Far
    near: Near

    async def kill_during(self, act: Callable[[], Awaitable[Any]]) -> None:
        """Do something at the far end, kill it as soon as it tells of that, and let the next one finish."""
        caught = asyncio.Event()
        self.near.wire.fault = Catch(caught)
        await act()
        async with asyncio.timeout(kill.PATIENCE):
            await caught.wait()
        await self.far.victim.kill()
        await self.far.leases_are_over()
        self.near.wire.fault = None
        await self.far.victim.start()
        await self.far.all_told()


async def _story(stack: AsyncExitStack, new_database: NewDatabase, *, far_is_cpo: bool) -> Story:
    roles = [(CPO, "CPO"), (EMSP, "EMSP")] if far_is_cpo else [(EMSP, "EMSP"), (CPO, "CPO")]
    victim = kill.Victim(new_database(), kill.free_port(), timeout=kill.PATIENCE, lease=2 * kill.PATIENCE)
    stack.push_async_callback(victim.kill)
    operator = await stack.enter_async_context(kill.operator_at(victim.port))
    far = Far(roles[0][0], operator, victim=victim)
    await victim.start()
    details = {"business_details": {"name": "far"}}
    await far.ask("POST", "/parties", roles[0][0]._asdict() | {"role": roles[0][1]} | details)
    near = await _near(stack, new_database(), *roles[1])
    ends = Ends(far, near) if far_is_cpo else Ends(near, far)
    await register(ends.cpo, ends.emsp)
    return Story(ends, far, near)


async def _near(stack: AsyncExitStack, database_url: str, party: Any, role: str) -> Near:
    wire = Wire(_nothing_yet)
    address = await stack.enter_async_context(listening(wire))
    server = await stack.enter_async_context(start_server(database_url, public_url=address, allow_private_urls=True))
    network = await stack.enter_async_context(httpx.AsyncHTTPTransport(verify=False))
    server.internet.networks["127.0.0.1"] = network
    await server.add_party(party.country_code, party.party_id, role)
    wire.app = server.app
    return Near(party, server.operator, server, wire)


async def _nothing_yet(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("nobody knows this address yet")


@pytest.fixture
async def of_cpo(stack: AsyncExitStack, new_database: NewDatabase) -> Story:
    """Our CPO is killed."""
    return await _story(stack, new_database, far_is_cpo=True)


@pytest.fixture
async def of_emsp(stack: AsyncExitStack, new_database: NewDatabase) -> Story:
    """Our eMSP is killed."""
    return await _story(stack, new_database, far_is_cpo=False)


async def _killed_while_telling(story: Story, thing: Thing) -> tuple[Any, Any]:
    """What the partner knows afterwards, and what the one who was killed has."""
    await story.kill_during(lambda: thing.write(story.far))
    return await story.near.look(thing.path, **thing.params), await story.far.look(thing.path, **thing.params)


@pytest.mark.requirement("OPS-03", "OPS-07", "OWN-23", "CDR-R-25")
@pytest.mark.parametrize("thing", OF_CPO, ids=lambda thing: thing.module)
async def test_what_a_cpo_told_when_it_was_killed_is_known_afterwards(of_cpo: Story, thing: Thing) -> None:
    known, kept = await _killed_while_telling(of_cpo, thing)

    assert known is not None
    assert known == kept


@pytest.mark.requirement("OPS-03", "OPS-07", "OWN-23")
@pytest.mark.parametrize("thing", OF_EMSP, ids=lambda thing: thing.module)
async def test_what_an_emsp_told_when_it_was_killed_is_known_afterwards(of_emsp: Story, thing: Thing) -> None:
    known, kept = await _killed_while_telling(of_emsp, thing)

    assert known is not None
    assert known == kept


async def _capable(story: Story) -> None:
    for thing in OF_CPO[:3]:
        await thing.write(story.far)
    await story.far.all_told()


@pytest.mark.requirement("OPS-03", "CMD-R-04", "CMD-S-08")
@pytest.mark.parametrize("asked", ASYNCHRONOUS)
async def test_a_result_that_was_told_when_the_cpo_was_killed_is_known_once(of_cpo: Story, asked: Any) -> None:
    await _capable(of_cpo)
    ours, theirs = await asked.begin(of_cpo.ends)

    await of_cpo.kill_during(lambda: of_cpo.far.ask("POST", f"{asked.path}/{ours}/result", asked.result))

    at_cpo, delivery, at_emsp = await shown_of(of_cpo.ends, asked, ours, theirs)
    assert (at_cpo, delivery) == (asked.result, "DELIVERED")
    assert at_emsp == [asked.result]


@pytest.mark.requirement("OPS-03", "CHP-R-12")
async def test_a_plan_that_was_told_when_the_cpo_was_killed_is_known_afterwards(of_cpo: Story) -> None:
    await _capable(of_cpo)
    ours, _ = await profiled(of_cpo.ends)
    await of_cpo.far.ask("POST", f"/chargingprofiles/requests/{ours}/result", {"result": "ACCEPTED"})
    await of_cpo.far.all_told()

    await of_cpo.kill_during(lambda: of_cpo.far.ask("PUT", PLAN_PATH, a_plan()))

    known = await of_cpo.near.look(PLAN_PATH)
    assert known is not None
    assert known["active_charging_profile"] == (await of_cpo.far.look(PLAN_PATH))["active_charging_profile"] == a_plan()
