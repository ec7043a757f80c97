"""user add, list, remove, password: people who sign in at the console."""

import getpass
import sys
from typing import Annotated, Any

import typer

from ocpi_party.cli.failure import WrongUsage
from ocpi_party.cli.installation import run
from ocpi_party.cli.key import Scope
from ocpi_party.cli.tell import AsJson, listed
from ocpi_party.console import users
from ocpi_party.ocpi.types import wire_time
from ocpi_party.server import App

app = typer.Typer(help="People who sign in at the console with a password.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="What they sign in with; upper and lower case are the same.")]
_BY = "the command line"


def _password() -> str:
    """Asked for twice at a terminal, else the first line of the input: the list of processes shows arguments to everybody."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise WrongUsage("the two are not the same; nothing was changed")
    return password


@app.command("add")
def add(
    name: Name,
    scope: Annotated[
        Scope,
        typer.Option(
            help="read looks; write changes objects too; helpdesk unlocks connectors too; admin changes parties and people too."
        ),
    ] = Scope.READ,
) -> None:
    """Add somebody. The password is asked for, or is the first line of the input."""
    password = _password()

    async def work(house: App) -> int:
        return await users.add(house.building.database, name, password, scope.value, by=_BY)

    print(f"user {run(work)}: {name} ({scope.value})")


@app.command("list")
def list_users(json: AsJson = False) -> None:
    """List who may sign in."""

    async def work(house: App) -> list[dict[str, Any]]:
        async with house.building.database.read() as tx:
            return [
                dict(row) | {name: wire_time(row[name]) for name in ("created_at", "changed_at")}
                for row in await users.users(tx)
            ]

    listed(run(work), ["id", "name", "scope", "created_at", "changed_at"], json=json)


@app.command("remove")
def remove(name: Name) -> None:
    """Remove somebody, and sign them out everywhere."""

    async def work(house: App) -> None:
        async with house.building.database.write() as tx:
            await users.remove(tx, (await users.by_name(tx, name))["id"], by=_BY)

    run(work)
    print(f"{name} is removed")


@app.command("password")
def password(name: Name) -> None:
    """Set a new password, and sign them out everywhere."""
    new = _password()

    async def work(house: App) -> None:
        async with house.building.database.read() as tx:
            user_id = (await users.by_name(tx, name))["id"]
        await users.change_password(house.building.database, user_id, new, by=_BY)

    run(work)
    print(f"{name} has a new password")
