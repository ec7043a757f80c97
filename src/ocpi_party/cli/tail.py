"""tail: the OCPI messages as they are exchanged, one line each."""

import asyncio
import json as jsons
from collections.abc import AsyncGenerator
from typing import Annotated

import typer
from rich.markup import escape

from ocpi_party.backoffice.messages import view
from ocpi_party.cli.installation import run
from ocpi_party.cli.partner import named
from ocpi_party.cli.tell import out
from ocpi_party.decided import Decided
from ocpi_party.messages import repository
from ocpi_party.messages.repository import Wanted
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.server import App

_LOOK_SECONDS = 0.5
_MOST = 500


def tail(
    partner: Annotated[str | None, typer.Option(help="Only this partner: its id or name.", show_default=False)] = None,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, max=1000, help="How many of the past to begin with.")
    ] = 10,
    follow: Annotated[bool, typer.Option(help="Go on with new ones until Ctrl-C.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print each message as a line of JSON.")] = False,
) -> None:
    """Follow the OCPI messages exchanged with partners; tokens are masked."""

    async def work(house: App) -> None:
        partner_id = None if partner is None else (await named(house, partner)).id
        async for message in following(house, partner_id, lines, follow=follow):
            print(jsons.dumps(message, default=str), flush=True) if json else out.print(line(message), soft_wrap=True)

    run(work)


async def following(
    house: App, partner_id: int | None, lines: int, *, follow: bool
) -> AsyncGenerator[JsonObject, None]:
    """The last of the past, oldest first, and then each new message once."""
    database = house.building.database
    decided = Decided(database, "messages", "id")
    newest = await decided.begin()
    async with database.read() as tx:
        shown = await repository.page(tx, Wanted(partner=partner_id, before=newest + 1), offset=0, limit=lines)
    for row in reversed(shown):
        yield view(row)
    while follow:
        upto = await decided.upto()
        async with database.read() as tx:
            rows = await repository.after(tx, newest, upto=upto, most=_MOST, partner=partner_id)
        for row in rows:
            newest = row["id"]
            yield view(row)
        if len(rows) < _MOST:
            newest = upto
            await asyncio.sleep(_LOOK_SECONDS)


def line(message: JsonObject) -> str:
    """One message in rich's markup."""
    colour = "green" if message["ok"] else "red"
    arrow = "←" if message["direction"] == "inbound" else "→"
    came = message["error"] or f"{message['http_status']} {message['ocpi_status'] or ''}".strip()
    who = "?" if message["partner"] is None else message["partner"]
    what = f"{message['method']} {message['module'] or 'versions'} {message['object'] or ''}".rstrip()
    took = f"{message['seconds'] * 1000:.0f} ms"
    return (
        f"[dim]{message['at']}[/dim] {arrow} {who} {escape(what)} [{colour}]{escape(came)}[/{colour}] "
        f"[dim]{took} {escape(message['correlation_id'])}[/dim]"
    )
