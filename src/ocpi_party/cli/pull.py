"""pull: fetch a partner's lists now, and show how far that is."""

import asyncio
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ocpi_party.backoffice import sync
from ocpi_party.cli.failure import Failed, WrongUsage
from ocpi_party.cli.installation import run
from ocpi_party.cli.partner import PartnerName, named
from ocpi_party.cli.tell import AsJson, listed
from ocpi_party.modules.registry import PULLED
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.server import App

_LOOK_SECONDS = 0.2

Lists = list[dict[str, Any]]


def pull(
    partner: PartnerName,
    module: Annotated[
        ModuleId | None, typer.Argument(help="One module; without it all lists that we fetch.", show_default=False)
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Everything, not only what changed since the last time.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Fetch a partner's lists now. Ctrl-C stops the watching; a server that runs goes on."""
    if module is not None and module not in PULLED:
        raise WrongUsage(f"{module} has no list that is fetched; these have: {', '.join(sorted(PULLED))}")

    async def work(house: App) -> Lists:
        return await _pull(house, (await named(house, partner)).id, module, full)

    found = run(work)
    listed(found, ["module", "party", "objects", "total", "refused", "pages", "error"], json=json)
    if any(one["error"] for one in found):
        raise Failed("not every list could be fetched; the server tries again later")


async def _pull(house: App, partner_id: int, module: ModuleId | None, full: bool) -> Lists:
    before = {_name(one): one for one in await _lists(house, partner_id, module)}
    await sync.pull_now(house.building, partner_id, sync.WantedPull(module=module, full=full))
    # This process fetches too, so that it works without a server; with one they share the lists by leases.
    fetching = asyncio.create_task(house.pulling.run())
    try:
        return await _watch(house, partner_id, module, before)
    finally:
        fetching.cancel()
        with suppress(asyncio.CancelledError):
            await fetching


async def _watch(house: App, partner_id: int, module: ModuleId | None, before: dict[str, Any]) -> Lists:
    bars: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        while True:
            found = await _lists(house, partner_id, module)
            for one in found:
                if _name(one) not in bars:
                    bars[_name(one)] = progress.add_task(_name(one), total=None)
                progress.update(bars[_name(one)], completed=one["objects"], total=one["total"])
            if all(_came_to_its_end(one, before.get(_name(one), {})) for one in found):
                return found
            await asyncio.sleep(_LOOK_SECONDS)


def _came_to_its_end(now: dict[str, Any], before: dict[str, Any]) -> bool:
    """Finished, or failed, since somebody looked."""
    if now["running"]:
        return False
    changed = any(now[name] != before.get(name) for name in ("finished_at", "failures"))
    return changed and (now["error"] is not None or now["finished_at"] is not None)


async def _lists(house: App, partner_id: int, module: ModuleId | None) -> Lists:
    found: Lists = (await sync.get_sync(house.building, partner_id))["pull"]
    return [one for one in found if module is None or one["module"] == module]


def _name(one: dict[str, Any]) -> str:
    return f"{one['module']} of {one['party']}" + (f" for {one['addressee']}" if one["addressee"] else "")
