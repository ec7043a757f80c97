"""restored: what does not agree with the world any more, after a backup was put back, is set right as far as we can."""

from ocpi_party.cli.installation import run
from ocpi_party.cli.tell import AsJson, listed
from ocpi_party.events import repository as events
from ocpi_party.modules.callbacks import inbound
from ocpi_party.partners import repository as partners
from ocpi_party.partners.partner import PartnerStatus
from ocpi_party.pull import schedule
from ocpi_party.server import App

_NUMBERS = 1_000_000
"""More than anybody was given since the backup."""


def restored(json: AsJson = False) -> None:
    """After a backup was put back, before the server starts: numbers of events and commands that your systems may know are not
    given out again, and all lists of partners are fetched whole. Their tokens may be newer than ours: rotate them."""
    listed(run(_restored), ["partner", "name", "next"], json=json)


async def _restored(house: App) -> list[dict[str, object]]:
    async with house.building.database.write() as tx:
        await events.skip(tx, _NUMBERS)
        await inbound.skip(tx, _NUMBERS)
        connected = [one for one in await partners.every(tx) if one.status is PartnerStatus.CONNECTED]
        for partner in connected:
            await schedule.pull_now(tx, partner.id, None, full=True)
    return [{"partner": one.id, "name": one.name, "next": f"ocpi-party partner rotate {one.id}"} for one in connected]
