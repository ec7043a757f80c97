"""partner invite, connect, list, show, rotate, unregister."""

import os
import sys
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from ocpi_party.backoffice import partners
from ocpi_party.cli.failure import Failed, unusable
from ocpi_party.cli.installation import run
from ocpi_party.cli.tell import AsJson, as_json, listed, shown
from ocpi_party.modules.credentials import asking
from ocpi_party.partners import repository
from ocpi_party.partners.partner import Partner, PartnerStatus
from ocpi_party.server import App

app = typer.Typer(help="The platforms that we are connected to.", no_args_is_help=True)

PartnerName = Annotated[str, typer.Argument(metavar="PARTNER", help="Id or name of a partner.")]
TOKEN_VARIABLE = "OCPI_CREDENTIALS_TOKEN"  # noqa: S105 - the name of a variable


@app.command("invite")
def invite(name: Annotated[str, typer.Argument(help="How we call them.")], json: AsJson = False) -> None:
    """Make an invitation: the partner registers with us. The token is printed this once."""

    body = _new_partner(name=name)

    async def work(house: App) -> dict[str, Any]:
        return await partners.invite_partner(house.building, body.name)

    invitation = run(work)
    if json:
        as_json(invitation)
    else:
        print(f"partner {invitation['id']} is invited; give them these two, shown this once:")
        print(f"versions URL       {invitation['versions_url']}")
        print(f"credentials token  {invitation['credentials_token']}")


@app.command("connect")
def connect(
    name: Annotated[str, typer.Argument(help="How we call them.")],
    versions_url: Annotated[str, typer.Argument(help="Their versions URL.")],
    token: Annotated[
        str | None,
        typer.Option(
            help=f"The token they gave us, - to read it from stdin; better in {TOKEN_VARIABLE}: "
            "arguments can be seen by other users of this machine."
        ),
    ] = None,
    raw_token: Annotated[
        bool, typer.Option("--raw-token", help="They do not decode tokens: send ours as it is, not in Base64.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Register with a partner that invited us. They call us back at once, so the server must run."""
    given = sys.stdin.readline().strip() if token == "-" else token or os.environ.get(TOKEN_VARIABLE)  # noqa: S105 - a dash is no secret
    if not given:
        raise typer.BadParameter(f"give --token, or set {TOKEN_VARIABLE}")

    encoding = "raw" if raw_token else "base64"
    body = _new_partner(name=name, versions_url=versions_url, credentials_token=given, token_encoding=encoding)

    async def work(house: App) -> dict[str, Any]:
        partner = await asking.connect(house.building, body.name, versions_url, given, body.token_encoding)
        return await partners.get_partner(house.building, partner.id)

    _show(run(work), json=json)


def _new_partner(**given: str) -> partners.NewPartner:
    """As the operator's API takes it."""
    try:
        return partners.NewPartner.model_validate(given)
    except ValidationError as error:
        raise unusable("partner", error) from error


@app.command("list")
def list_partners(json: AsJson = False) -> None:
    """List all partners, those that are unregistered included."""

    async def work(house: App) -> list[dict[str, Any]]:
        return await partners.get_partners(house.building)

    found = run(work)
    rows = found if json else [one | {"parties": _parties(one)} for one in found]
    listed(rows, ["id", "name", "status", "version", "parties", "last_contact_at", "alert"], json=json)


@app.command("show")
def show(partner: PartnerName, json: AsJson = False) -> None:
    """Show all that we know of a partner, without tokens."""

    async def work(house: App) -> dict[str, Any]:
        return await partners.get_partner(house.building, (await named(house, partner)).id)

    _show(run(work), json=json)


@app.command("rotate")
def rotate(partner: PartnerName, json: AsJson = False) -> None:
    """New tokens in both directions; if it fails, the old ones work as before."""

    async def work(house: App) -> dict[str, Any]:
        return await partners.rotate_tokens(house.building, (await named(house, partner)).id)

    told = run(work)
    if json:
        as_json(told)
    else:
        print(f"{told['name']}: tokens are renewed in both directions")


@app.command("unregister")
def unregister(partner: PartnerName, json: AsJson = False) -> None:
    """End the registration at both ends; what was exchanged is kept."""

    async def work(house: App) -> dict[str, Any]:
        return await partners.delete_partner(house.building, (await named(house, partner)).id)

    told = run(work)
    if json:
        as_json(told)
    else:
        print(f"{told['name']}: {told['status']}")
    if "warning" in told:
        print(f"they may not know it: {told['warning']}", file=sys.stderr)


async def named(house: App, name: str) -> Partner:
    """The partner with this id or name; of several with one name the one that is connected. Raises Failed"""
    async with house.building.database.read() as tx:
        every = await repository.every(tx)
    found = [one for one in every if str(one.id) == name] or [one for one in every if one.name.lower() == name.lower()]
    if len(found) > 1:
        found = [one for one in found if one.status is PartnerStatus.CONNECTED] or found
    if not found:
        raise Failed(f"there is no partner {name}. `ocpi-party partner list` shows all.")
    if len(found) > 1:
        ids = ", ".join(str(one.id) for one in found)
        raise Failed(f"several partners are called {name}: say which of {ids} you mean")
    return found[0]


def _parties(partner: dict[str, Any]) -> str:
    return ", ".join(f"{one['country_code']}*{one['party_id']} {one['role']}" for one in partner["roles"])


def _show(partner: dict[str, Any], *, json: bool) -> None:
    if json:
        as_json(partner)
    else:
        shown(partner)
