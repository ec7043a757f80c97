"""demo: two platforms of ours, a CPO and an eMSP, roam over real HTTP, and each step is checked at both ends."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from ocpi_party.cli.demo import billing, charging, driver, locations, partnership
from ocpi_party.cli.demo.platform import Platform, Side
from ocpi_party.cli.demo.story import Step, Story
from ocpi_party.cli.failure import Failed
from ocpi_party.cli.process import STOPS

STEPS: tuple[Step, ...] = (
    partnership.register,
    locations.push,
    locations.pull,
    locations.report_status,
    locations.survive_an_outage,
    partnership.rotate_under_load,
    driver.consume,
    driver.publish_tariff,
    driver.push_tokens,
    driver.authorize,
    driver.ask_backend,
    charging.start,
    charging.grow,
    charging.prefer,
    charging.limit,
    charging.stop,
    billing.bill,
    billing.credit,
    partnership.unregister,
)
"""In order; each finds what those before it have left."""

CPO = Side("CPO", "CPO", "NL", "TNM", "Demo Charge Points")
EMSP = Side("eMSP", "EMSP", "DE", "ABC", "Demo Mobility")


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave both platforms running and connected.")] = False,
) -> None:
    """Let two servers of ours roam: a CPO and an eMSP, each a process with a database of its own, on this machine.

    Every step says what was checked, at both ends. Exit code 0, only if each of them held.
    """
    directory = Path(tempfile.mkdtemp(prefix="ocpi-party-demo-"))
    # The account that PostgreSQL runs as must get through; each platform's own data stays closed.
    directory.chmod(0o711)
    out = Console(highlight=False, soft_wrap=True)
    story = Story(Platform(CPO, directory / "cpo"), Platform(EMSP, directory / "emsp"), out)
    kept = False
    try:
        kept = uvloop.run(_until_stopped(story, keep=keep))
    finally:
        if not kept:
            shutil.rmtree(directory, ignore_errors=True)


async def _until_stopped(story: Story, *, keep: bool) -> bool:
    """SIGTERM and SIGINT end what was begun. Raises Failed then: steps that nobody saw did not hold"""
    telling = asyncio.create_task(_tell(story, keep=keep))
    asked = False

    def stop() -> None:
        """A second Ctrl-C must not leave behind what the first one is stopping.

        cancelling() of the task does not tell: a connection that is just being opened counts there too.
        """
        nonlocal asked
        if not asked:
            asked = True
            telling.cancel()

    for number in STOPS:
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        return await telling
    except asyncio.CancelledError as stopped:
        raise Failed("the demo was stopped before its end") from stopped


async def _tell(story: Story, *, keep: bool) -> bool:
    """Whether both platforms are left running. Raises Failed, if a step did not hold"""
    left = False
    try:
        await story.begin()
        if not await story.tell(STEPS):
            raise Failed("a step of the demo did not hold")
        if keep:
            story.out.print("\n[bold]Kept: they are connected again[/bold]")
            await partnership.register(story)
            left = True
    finally:
        await (story.leave() if left else story.end())
    if left:
        _say_where(story)
    return left


def _say_where(story: Story) -> None:
    for platform in (story.cpo, story.emsp):
        story.out.print(
            f"{platform.side.name}: {platform.url}/docs, API key in {platform.key_file}, log in {platform.log}"
        )
    for consumer in (story.csms, story.backend):
        story.out.print(
            f"examples/{consumer.example}.py beside the {consumer.platform.side.name}: log in {consumer.log}"
        )
    running = story.csms.pid, story.backend.pid, story.cpo.pid, story.emsp.pid
    story.out.print(f"stop all: kill {' '.join(map(str, running))}")
