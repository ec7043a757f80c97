"""Steps of the demo: how the two become partners, renew their tokens, and part."""

import asyncio
from typing import Any

from ocpi_party.cli.demo import locations
from ocpi_party.cli.demo.platform import Platform, Refused
from ocpi_party.cli.demo.story import Story

ROTATIONS = 6


async def register(story: Story) -> None:
    """Register: the CPO invites, the eMSP connects with the versions URL and token that it got."""
    for platform in (story.cpo, story.emsp):
        await _add_party(platform)
    invitation = (await story.cpo.call("POST", "/partners", {"name": "Demo Mobility"})).json()
    story.at_cpo = invitation["id"]
    story.holds("the CPO has invited the eMSP", (await _partner(story.cpo, story.at_cpo))["status"] == "INVITED")
    credentials = {name: invitation[name] for name in ("versions_url", "credentials_token")}
    connected = (await story.emsp.call("POST", "/partners", {"name": "Demo Charge Points"} | credentials)).json()
    story.at_emsp = connected["id"]
    for platform, partner_id, other, role in (
        (story.cpo, story.at_cpo, story.emsp, "RECEIVER"),
        (story.emsp, story.at_emsp, story.cpo, "SENDER"),
    ):
        seen = await _partner(platform, partner_id)
        ends = {(one["identifier"], one["role"]) for one in seen["endpoints"]}
        parties = [(one["country_code"], one["party_id"], one["role"]) for one in seen["roles"]]
        story.holds(
            f"the {platform.side.name} is CONNECTED, over {seen['version']}, with "
            f"{other.side.country_code}*{other.side.party_id} and knows its {role} of locations",
            seen["status"] == "CONNECTED"
            and parties == [(other.side.country_code, other.side.party_id, other.side.role)]
            and ("locations", role) in ends,
            seen,
        )
    spent = await story.cpo.status_without_key("/ocpi/versions", invitation["credentials_token"])
    story.holds("the token of the invitation is worth nothing any more (HTTP 401)", spent == 401, spent)


async def rotate_under_load(story: Story) -> None:
    """Renew the tokens of both directions again and again while changes are pushed, without one refused request."""
    refused_before = [await platform.count(side="ocpi", status="401") for platform in (story.cpo, story.emsp)]
    done = asyncio.Event()
    load = asyncio.create_task(locations.report_until(story, done))
    try:
        for number in range(ROTATIONS):
            platform, partner_id = ((story.cpo, story.at_cpo), (story.emsp, story.at_emsp))[number % 2]
            before = [await _rotated_at(story.cpo, story.at_cpo), await _rotated_at(story.emsp, story.at_emsp)]
            await platform.call("POST", f"/partners/{partner_id}/rotate")
            after = [await _rotated_at(story.cpo, story.at_cpo), await _rotated_at(story.emsp, story.at_emsp)]
            if any(one == other for one, other in zip(before, after, strict=True)):
                story.holds("both ends have new tokens after a rotation", False, after)
    finally:
        done.set()
        reported = await load
    story.holds(f"{ROTATIONS} rotations, begun by either end in turn, gave both ends new tokens", True)
    await story.becomes(f"the eMSP knows the last of {reported} changes made meanwhile", lambda: locations.agree(story))
    refused = [await platform.count(side="ocpi", status="401") for platform in (story.cpo, story.emsp)]
    story.holds("neither end refused a single request (HTTP 401)", refused == refused_before, refused)
    sync = await story.cpo.get(f"/partners/{story.at_cpo}/sync")
    story.holds("the CPO has nothing left to tell, and nothing was refused", not sync["push"]["modules"], sync)


async def unregister(story: Story) -> None:
    """Unregister at the eMSP; the connection is dead at both ends, what was exchanged is kept."""
    known = len([one async for one in story.emsp.everything("/locations", own="false")])
    answer = (await story.emsp.call("DELETE", f"/partners/{story.at_emsp}")).json()
    story.holds("the CPO took the eMSP's DELETE credentials", "warning" not in answer, answer)
    for platform, partner_id in ((story.cpo, story.at_cpo), (story.emsp, story.at_emsp)):
        status = (await _partner(platform, partner_id))["status"]
        story.holds(f"the {platform.side.name} says UNREGISTERED", status == "UNREGISTERED", status)
        refused = await _refused(platform, "POST", f"/partners/{partner_id}/rotate")
        story.holds(f"the {platform.side.name} has nothing to renew (HTTP 409)", refused == 409, refused)
    await locations.report(story, 0, "BLOCKED")
    sync = await story.cpo.get(f"/partners/{story.at_cpo}/sync")
    story.holds("a change at the CPO is meant for nobody any more", not sync["push"]["modules"], sync)
    pulled = await _refused(story.emsp, "POST", f"/partners/{story.at_emsp}/pull")
    story.holds("the eMSP cannot pull any more (HTTP 409)", pulled == 409, pulled)
    still = len([one async for one in story.emsp.everything("/locations", own="false")])
    story.holds(f"the eMSP keeps the {known} Locations that it has", still == known > 0, still)


async def _add_party(platform: Platform) -> None:
    side = platform.side
    party = {"country_code": side.country_code, "party_id": side.party_id, "role": side.role}
    if not await platform.get("/parties"):
        await platform.call("POST", "/parties", party | {"business_details": {"name": side.operator}})


async def _partner(platform: Platform, partner_id: int) -> Any:
    return await platform.get(f"/partners/{partner_id}")


async def _rotated_at(platform: Platform, partner_id: int) -> str:
    at: str = (await _partner(platform, partner_id))["rotated_at"]
    return at


async def _refused(platform: Platform, method: str, path: str) -> int:
    """The HTTP status of an answer that should be an error."""
    try:
        return (await platform.call(method, path)).status_code
    except Refused as fault:
        return fault.status
