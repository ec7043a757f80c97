"""rekey: the way on when OCPI_SECRET_KEY is lost."""

from contextlib import suppress
from typing import Annotated

import typer

from ocpi_party.backoffice import authorization
from ocpi_party.cli.failure import Failed, WrongUsage
from ocpi_party.cli.installation import run
from ocpi_party.modules.credentials import handshake
from ocpi_party.partners import repository, secret_key
from ocpi_party.partners.partner import PartnerStatus
from ocpi_party.partners.secret_key import WrongSecretKey
from ocpi_party.server import App
from ocpi_party.webhooks import repository as webhooks


def rekey(
    yes: Annotated[bool, typer.Option("--yes", help="The key is lost for good, and no other process runs.")] = False,
) -> None:
    """When OCPI_SECRET_KEY is lost: end what only that key could keep up, and go on with the one that is set now.

    Partners are unregistered, without telling them, and have to be invited anew; webhooks and API keys have to be made anew.
    Objects, messages and events stay.
    """
    if not yes:
        raise WrongUsage("every partner, webhook and API key would be lost. If the key is lost for good: --yes")
    ended = run(_rekey, any_key=True)
    print(
        f"{ended} partners are unregistered, webhooks and API keys are gone; the database belongs to the key that is set"
    )


async def _rekey(house: App) -> int:
    """How many partners were unregistered. Raises Failed, if the key is the right one"""
    building = house.building
    with suppress(WrongSecretKey):
        async with building.database.write() as tx:
            await secret_key.claim(tx, building.vault)
        raise Failed("the database belongs to the key that is set: nothing is lost")
    async with building.database.read() as tx:
        partners = [one for one in await repository.every(tx) if one.status is not PartnerStatus.UNREGISTERED]
    for partner in partners:
        await handshake.end(building, partner.id)
    async with building.database.write() as tx:
        for webhook in await webhooks.every(tx):
            await webhooks.delete(tx, webhook["id"])
        for key in await authorization.keys(tx):
            await authorization.revoke_key(tx, key["id"])
        await secret_key.replace(tx, building.vault)  # Last: what breaks off before can be begun again.
    return len(partners)
