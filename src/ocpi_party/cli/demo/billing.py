"""Steps of the demo: the session is billed, and the bill is taken back."""

from typing import Any

from ocpi_party.cli.demo import charging, driver, locations
from ocpi_party.cli.demo.story import Story


async def bill(story: Story) -> None:
    """CDR: the costs are calculated at the CPO, and it arrives at the eMSP, which says where it keeps it."""
    there = _path(story)
    ours = await story.cpo.get(there)
    session = await story.cpo.get(charging.path(story))
    story.holds(
        f"the CPO has CDR {ours['id']}: {ours['total_energy']} kWh cost {_told(ours['total_cost'])}",
        (ours["total_energy"], ours["charging_periods"]) == (session["kwh"], session["charging_periods"]),
        ours,
    )
    expected = round(0.50 + 0.30 * ours["total_energy"], 2)
    story.holds(
        f"that is 0.50, and 0.30 per kWh in {ours['total_energy_cost']['excl_vat']}",
        round(abs(ours["total_cost"]["excl_vat"] - expected), 2) <= 0.01
        and ours["total_fixed_cost"]["excl_vat"] == 0.5,
        ours["total_cost"],
    )
    await driver.becomes_known(story, story.emsp, there, ours, "the eMSP has it, equal field by field")
    url = await _delivered(story, there)
    at_emsp = f"{story.emsp.url}/ocpi/emsp/2.2.1/cdrs/"
    story.holds(f"the CPO knows its Location: {url}", url.startswith(at_emsp), url)
    findings = await story.emsp.get("/events", type="finding.recorded", limit=1000)
    about = [one for one in findings if one["subject"].startswith("cdrs/")]
    story.holds("the eMSP has calculated the same and found nothing to question", about == [], about)
    await story.becomes("the eMSP's backend was told of it", _backend_knows(story))


async def credit(story: Story) -> None:
    """Credit: the CPO takes the CDR back; in the end nothing is to be paid, at both ends."""
    there = _path(story)
    issued = (await story.cpo.call("POST", f"{there}/credit")).json()["credit"]
    story.holds(
        f"the CPO has Credit CDR {issued['id']} of {_told(issued['total_cost'])}",
        issued["credit_reference_id"] == story.session_id and issued["total_cost"]["excl_vat"] < 0,
        issued,
    )
    again = f"/cdrs/{locations.owner(story)}/{issued['id']}"
    await driver.becomes_known(story, story.emsp, again, issued, "the eMSP has it, equal field by field")
    await _delivered(story, again)
    for platform in (story.cpo, story.emsp):
        net = (await platform.get(f"{there}/chain"))["net"]
        seen = [(one["session_id"], *one["total_cost"].values()) for one in net]
        story.holds(
            f"the net amount of the session is 0 at the {platform.side.name}", seen == [(story.session_id, 0, 0)], net
        )


def _path(story: Story) -> str:
    return f"/cdrs/{locations.owner(story)}/{story.session_id}"


async def _delivered(story: Story, there: str) -> str:
    """Where the eMSP keeps the CDR."""
    told: list[Any] = []

    async def delivered() -> bool:
        told[:] = await story.cpo.get(f"{there}/delivery")
        return [one["state"] for one in told] == ["DELIVERED"]

    await story.becomes("the CPO knows that it is delivered, to the eMSP alone", delivered)
    return str(told[0]["url"])


def _backend_knows(story: Story) -> Any:
    async def told() -> bool:
        return "cdr.received" in story.backend.told()

    return told


def _told(price: dict[str, float]) -> str:
    return f"{price['excl_vat']} EUR ({price['incl_vat']} with VAT)"
