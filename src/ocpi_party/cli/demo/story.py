"""The story that the two platforms live through: steps, what they check, and how long they take."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from rich.console import Console
from rich.markup import escape

from ocpi_party.cli.demo.consumer import STOP_SECONDS, Consumer
from ocpi_party.cli.demo.platform import Platform, Refused
from ocpi_party.cli.failure import TOLD


class DidNotHold(Exception):
    """What a step checked is not so."""


@dataclass
class Story:
    """
    at_cpo         id of the eMSP as a partner of the CPO, at_emsp  id of the CPO as a partner of the eMSP
    csms, backend  the operators' own systems beside the CPO and the eMSP
    session_id     of the charging session that the eMSP has started
    """

    cpo: Platform
    emsp: Platform
    out: Console
    at_cpo: int = 0
    at_emsp: int = 0
    session_id: str = ""

    def __post_init__(self) -> None:
        self.csms, self.backend = Consumer("csms", self.cpo), Consumer("emsp_backend", self.emsp)

    async def begin(self) -> None:
        started = perf_counter()
        await asyncio.gather(self.cpo.start(), self.emsp.start())
        self.out.print(
            f"a CPO at {self.cpo.url} and an eMSP at {self.emsp.url}, each with a database of its own ({_since(started)})"
        )

    async def tell(self, steps: Sequence["Step"]) -> bool:
        """Whether each step held. The first that does not ends the story: those after it build on it."""
        began = perf_counter()
        for number, step in enumerate(steps, 1):
            started = perf_counter()
            self.out.print(f"\n[bold]{number}. {escape(_title(step))}[/bold]")
            try:
                await step(self)
            except (DidNotHold, Refused, TimeoutError, *TOLD) as fault:
                self.out.print(f"   [red]FAILED[/red] {escape(str(fault) or type(fault).__name__)} ({_since(started)})")
                return False
            self.out.print(f"   [dim]{_since(started)}[/dim]")
        self.out.print(f"\n[green]All {len(steps)} steps held, checked at both ends ({_since(began)}).[/green]")
        return True

    def holds(self, fact: str, so: bool, seen: object = None) -> None:
        """Print a fact that was checked. Raises DidNotHold"""
        if not so:
            raise DidNotHold(fact if seen is None else f"{fact}: seen was {seen}")
        self.out.print(f"   [green]ok[/green] {escape(fact)}")

    async def becomes(self, fact: str, look: Callable[[], Awaitable[bool]], within: float = 60) -> None:
        """Print a fact as soon as it is so. Raises DidNotHold, if time is up"""
        await self.wait(fact, look, within)
        self.holds(fact, True)

    async def wait(self, fact: str, look: Callable[[], Awaitable[bool]], within: float = 60) -> None:
        deadline = perf_counter() + within
        while not await look():
            if perf_counter() > deadline:
                raise DidNotHold(f"{fact}: not within {within:g} seconds")
            await asyncio.sleep(0.005)

    async def leave(self) -> None:
        for platform in (self.cpo, self.emsp):
            await platform.forget_connections()

    async def end(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(one.stop, STOP_SECONDS) for one in (self.csms, self.backend)))
        await asyncio.gather(self.cpo.stop(), self.emsp.stop())


Step = Callable[[Story], Awaitable[None]]
"""Its docstring is its title."""


def _title(step: Step) -> str:
    return (step.__doc__ or "").strip().splitlines()[0].rstrip(".")


def _since(started: float) -> str:
    return f"{perf_counter() - started:.2f} s"
