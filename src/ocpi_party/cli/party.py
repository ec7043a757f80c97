"""party add, party list: our own parties."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from ocpi_party.backoffice import parties
from ocpi_party.cli.failure import unusable
from ocpi_party.cli.installation import run
from ocpi_party.cli.tell import AsJson, as_json, listed
from ocpi_party.server import App

app = typer.Typer(help="Our own parties.", no_args_is_help=True)


class Role(StrEnum):
    CPO = "CPO"
    EMSP = "EMSP"


@app.command("add")
def add(
    country_code: Annotated[str, typer.Argument(help="ISO 3166-1 alpha-2, such as NL.")],
    party_id: Annotated[str, typer.Argument(help="Three letters or digits, such as TNM.")],
    role: Annotated[Role, typer.Argument(case_sensitive=False)],
    name: Annotated[str, typer.Option(help="Name of the operator, as partners see it.")],
    website: Annotated[str | None, typer.Option(help="URL of the operator's website.")] = None,
    json: AsJson = False,
) -> None:
    """Add a party of ours. Partners that are connected hear of it: a server that runs renews their credentials at once."""
    details = {"name": name} | ({"website": website} if website else {})
    try:
        body = parties.PartyBody.model_validate(
            {"country_code": country_code, "party_id": party_id, "role": role.value, "business_details": details}
        )
    except ValidationError as error:
        raise unusable("party", error) from error

    async def work(house: App) -> dict[str, Any]:
        return await parties.post_party(house.building, body)

    added = run(work)
    if json:
        as_json(added)
    else:
        print(f"{added['country_code']}*{added['party_id']} is a party of ours now, as {added['role']}")


@app.command("list")
def list_parties(json: AsJson = False) -> None:
    """List our own parties."""

    async def work(house: App) -> list[dict[str, Any]]:
        return await parties.get_parties(house.building)

    found = run(work)
    rows = found if json else [one | {"name": one["business_details"]["name"]} for one in found]
    listed(rows, ["country_code", "party_id", "role", "name"], json=json)
