"""Steps of the demo: the eMSP starts, shapes and stops a charging session; the CPO's charge points do what they are told."""

from typing import Any

from ocpi_party.cli.demo import driver, locations
from ocpi_party.cli.demo.platform import Platform
from ocpi_party.cli.demo.story import Story

PERIODS = 5


async def start(story: Story) -> None:
    """START_SESSION: from the eMSP's API to the CPO's CSMS, and the result back."""
    token = await story.emsp.get(driver.token_path(story, driver.APP), type="APP_USER")
    place = {"location_id": driver.LOCATION, "evse_uid": driver.EVSE, "connector_id": driver.CONNECTOR}
    sent = await _command(story, "START_SESSION", {"token": token, "authorization_reference": "DEMO-1"} | place)
    began: dict[str, Any] = {}

    async def started() -> bool:
        began.update(await story.emsp.get(f"/commands/{sent}"))
        return began["started"] is True

    await story.becomes("the eMSP sees that its command has led to a session", started)
    story.session_id = began["session"]["id"]
    ours = await story.cpo.get(path(story))
    seen = ours["status"], ours["authorization_reference"], ours["cdr_token"]["uid"]
    story.holds(
        f"the CPO has session {story.session_id}, with the eMSP's token and authorization_reference",
        seen == ("ACTIVE", "DEMO-1", driver.APP),
        ours,
    )
    await story.becomes(
        "the eMSP sees the EVSE CHARGING", lambda: locations.has_status(story, driver.NUMBER, "CHARGING")
    )


async def grow(story: Story) -> None:
    """Session: each meter value of the charge point is a charging period at the eMSP."""
    patched_before = await story.emsp.count(side="ocpi", module="sessions", method="PATCH")
    first = len(_periods(await story.emsp.get(path(story))))
    seen: dict[str, Any] = {}

    async def grown() -> bool:
        seen.update(await story.emsp.get(path(story)))
        return len(_periods(seen)) >= first + PERIODS

    await story.becomes(f"the eMSP has {PERIODS} charging periods more", grown)
    ours = (await story.cpo.get(path(story)))["charging_periods"]
    same = ours[: len(seen["charging_periods"])] == seen["charging_periods"]
    story.holds(f"the CPO has the same ones, {seen['kwh']} kWh so far", same, ours)
    patched = await story.emsp.count(side="ocpi", module="sessions", method="PATCH") - patched_before
    story.holds(f"they came by {patched} PATCH", patched > 0, patched)


def _periods(session: dict[str, Any]) -> list[Any]:
    return list(session.get("charging_periods", []))


async def prefer(story: Story) -> None:
    """Charging preferences: the driver's wish reaches the CPO."""
    wish = {"profile_type": "REGULAR", "energy_need": 40}
    there = f"{path(story)}/charging_preferences"
    answer = (await story.emsp.call("PUT", there, wish)).json()
    story.holds("the CPO answers ACCEPTED to the eMSP", answer["result"] == "ACCEPTED", answer)
    for platform in (story.cpo, story.emsp):
        kept = await platform.get(there)
        story.holds(f"the {platform.side.name} keeps the wish", kept["charging_preferences"] == wish, kept)


async def limit(story: Story) -> None:
    """Charging profile: the eMSP halves the power, the charge point follows, and tells its plan."""
    profile = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": 8}]}
    there = f"/chargingprofiles/{story.session_id}"
    sent = (await story.emsp.call("PUT", there, profile)).json()
    story.holds("the CPO takes the profile on", sent["response"]["result"] == "ACCEPTED", sent)
    requests = "/chargingprofiles/requests"
    result = await _result(story, f"{requests}/{sent['id']}", "the eMSP has the result of the charge point")
    story.holds("the charge point has accepted it", result["result"] == "ACCEPTED", result)
    await _settled(story, "/chargingprofiles")
    asked = (await story.emsp.call("GET", there, duration=3600)).json()
    plan = await _result(story, f"{requests}/{asked['id']}", "the eMSP has the plan of the charge point")
    limits = [one["limit"] for one in plan["profile"]["charging_profile"]["charging_profile_period"]]
    story.holds("its plan is the limit that was set", limits == [8], plan)


async def stop(story: Story) -> None:
    """STOP_SESSION: the session is COMPLETED at both ends, and equal."""
    await _command(story, "STOP_SESSION", {"session_id": story.session_id})
    ours = await story.cpo.get(path(story))
    story.holds(f"the CPO's session is COMPLETED, {ours['kwh']} kWh", ours["status"] == "COMPLETED", ours)
    fact = f"the eMSP has it, equal field by field, with all {len(ours['charging_periods'])} charging periods"
    await driver.becomes_known(story, story.emsp, path(story), ours, fact)
    await story.becomes(
        "the eMSP sees the EVSE AVAILABLE", lambda: locations.has_status(story, driver.NUMBER, "AVAILABLE")
    )


def path(story: Story) -> str:
    return f"/sessions/{locations.owner(story)}/{story.session_id}"


async def _command(story: Story, command: str, body: dict[str, Any]) -> int:
    """Send a command, and check the response, the result, and what the CPO knows of it; its id at the eMSP."""
    side = story.cpo.side
    to = {"country_code": side.country_code, "party_id": side.party_id}
    sent = (await story.emsp.call("POST", f"/commands/{command}", body | to)).json()
    story.holds(f"the CPO takes the {command} on", sent["response"]["result"] == "ACCEPTED", sent)
    result = await _result(story, f"/commands/{sent['id']}", "the eMSP has the result of the charge point")
    story.holds("the charge point has done it", result["result"] == "ACCEPTED", result)
    await _settled(story, "/commands")
    number: int = sent["id"]
    return number


async def _result(story: Story, there: str, fact: str) -> Any:
    found: list[Any] = []

    async def resulted() -> bool:
        found.append((await story.emsp.get(there))["result"])
        return found[-1] is not None

    await story.becomes(fact, resulted, within=20)
    return found[-1]


async def _settled(story: Story, there: str) -> None:
    async def delivered() -> bool:
        newest = (await _inbound(story.cpo, there))[0]
        return bool(newest["state"] == "RESULTED" and newest["delivery"]["state"] == "DELIVERED")

    await story.becomes("the CPO knows that the eMSP has the result", delivered)
    waiting = await _inbound(story.cpo, there, state="pending")
    story.holds("the CPO's charge points have nothing left to do", waiting == [], waiting)


async def _inbound(platform: Platform, there: str, **only: Any) -> Any:
    return await platform.get(there, direction="inbound", **only)
