"""key create, list, revoke: keys of the operator's systems."""

import json as json_
from enum import StrEnum
from typing import Annotated, Any

import typer

from ocpi_party.backoffice import authorization
from ocpi_party.cli.failure import Failed
from ocpi_party.cli.installation import run
from ocpi_party.cli.tell import AsJson, as_json, listed
from ocpi_party.ocpi.types import wire_time
from ocpi_party.server import App

app = typer.Typer(help="API keys of the operator's systems.", no_args_is_help=True)


class Scope(StrEnum):
    READ = "read"
    WRITE = "write"
    HELPDESK = "helpdesk"
    ADMIN = "admin"


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for, so that it can be told from others.")],
    scope: Annotated[
        Scope,
        typer.Option(
            help="read looks; write changes objects too; helpdesk unlocks connectors too; admin changes parties and partners too."
        ),
    ] = Scope.READ,
    json: AsJson = False,
) -> None:
    """Make a key. It is printed this once: only its digest is kept."""

    async def work(house: App) -> tuple[int, str]:
        async with house.building.database.write() as tx:
            return await authorization.create_key(tx, house.building.vault, name, scope.value)

    key_id, key = run(work)
    if json:
        as_json({"id": key_id, "name": name, "scope": scope.value, "key": key})
    else:
        print(f"key {key_id} ({scope.value}), shown this once:\n{key}")


@app.command("list")
def list_keys(json: AsJson = False) -> None:
    """List the keys that were made, never the keys themselves."""

    async def work(house: App) -> list[dict[str, Any]]:
        async with house.building.database.read() as tx:
            return [
                {
                    "id": row["id"],
                    "name": row["name"],
                    "scopes": json_.loads(row["scopes"]),
                    "created_at": wire_time(row["created_at"]),
                    "revoked_at": row["revoked_at"] and wire_time(row["revoked_at"]),
                }
                for row in await authorization.keys(tx)
            ]

    listed(run(work), ["id", "name", "scopes", "created_at", "revoked_at"], json=json)


@app.command("revoke")
def revoke(key_id: Annotated[int, typer.Argument(help="Its id, as `key list` tells it.")]) -> None:
    """Withdraw a key; it is refused from the next request on."""

    async def work(house: App) -> bool:
        async with house.building.database.write() as tx:
            return await authorization.revoke_key(tx, key_id)

    if not run(work):
        raise Failed(f"there is no key {key_id} that could be revoked")
    print(f"key {key_id} is revoked")
