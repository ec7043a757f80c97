"""When the hour is over: wait until everybody has told everything, however long it takes, up to a limit."""

import asyncio
import time
from typing import Any

from ocpi_party.cli.demo.platform import Platform
from tests.network.platforms import Member, Sandbox
from tests.network.states import differences


async def settle(members: list[Member], sandboxes: list[Sandbox], within: float) -> tuple[float, int, list[str]]:
    """How many seconds it took, how many refused objects had to be told again by hand, and what is left if time was up."""
    began, told_again = time.monotonic(), 0
    left: list[str] = ["nobody looked yet"]
    while time.monotonic() < began + within:
        # First what changes go out from, then what follows from them: a change that comes between two looks is not overlooked.
        left = [one for sandbox in sandboxes for one in await _charging(sandbox)]
        left += [one for member in members for one in await _unanswered(member)]
        left += [one for platform in (*members, *sandboxes) for one in await _untold(platform)]
        if not left:
            left = await differences(members, sandboxes)
        for member in members:
            left += await _unheard(member)
        if not left:
            break
        told_again += sum([await _tell_again(platform) for platform in (*members, *sandboxes)])
        await asyncio.sleep(0.5)
    return time.monotonic() - began, told_again, left


async def _untold(platform: Platform) -> list[str]:
    """Objects that a partner does not know, and lists that are being fetched."""
    found = []
    for partner in await platform.get("/partners"):
        if partner["status"] == "CONNECTED":
            sync = await platform.get(f"/partners/{partner['id']}/sync")
            who = f"{platform.side.name} → {partner['name']}"
            found += [f"{who}: {one}" for one in sync["push"]["modules"] if one["pending"] or one["refused"]]
            found += [f"{who}: pulling {one['module']}" for one in sync["pull"] if one["running"]]
    return found


async def _tell_again(platform: Platform) -> int:
    """As an operator does when a partner, well again, has refused something."""
    told = 0
    for partner in await platform.get("/partners"):
        sync = await platform.get(f"/partners/{partner['id']}/sync")
        if any(one["refused"] for one in sync["push"]["modules"]):
            told += (await platform.call("POST", f"/partners/{partner['id']}/retry")).json()["refused"]
    return told


async def _unheard(member: Member) -> list[str]:
    """Events that the consumer was not told."""
    newer = await member.get("/events", after=await member.told_up_to(), limit=1)
    return [f"{member.name}: event {newer[0]['id']} is not told"] if newer else []


async def _unanswered(member: Member) -> list[str]:
    """Commands without an end, and results on their way."""
    found: list[Any] = await member.get("/commands", direction="inbound", state="pending", limit=1)
    found += await member.get("/commands", direction="outbound", state="waiting", limit=1)
    found += [
        one
        async for one in member.everything("/commands", direction="inbound")
        if one.get("delivery", {}).get("state") == "DUE"
    ]
    return [f"{member.name}: command {one['id']} is {one['state']}" for one in found]


async def _charging(sandbox: Sandbox) -> list[str]:
    active = [one async for one in sandbox.everything("/sessions", own="true") if one["status"] == "ACTIVE"]
    return [f"{sandbox.name}: {one['id']} goes on" for one in active]
