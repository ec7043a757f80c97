"""The demo: it holds with real servers, and it fails when anything does not hold."""

import asyncio
import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import uvloop
from rich.console import Console
from tests.cli.command import Commands

from ocpi_party.cli import demo
from ocpi_party.cli.demo.platform import Platform
from ocpi_party.cli.demo.story import Story
from ocpi_party.cli.failure import Failed


def _story(tmp_path: Path) -> Story:
    platforms = Platform(demo.CPO, tmp_path / "cpo"), Platform(demo.EMSP, tmp_path / "emsp")
    return Story(*platforms, Console(file=io.StringIO(), soft_wrap=True))


def _printed(story: Story) -> str:
    assert isinstance(story.out.file, io.StringIO)
    return story.out.file.getvalue()


def test_demo_holds_and_leaves_nothing_running() -> None:
    with tempfile.TemporaryDirectory(prefix="ocpi-") as name:
        place = Path(name)
        place.chmod(0o711)  # The account that PostgreSQL runs as must get through.
        environment = Commands(place, {"TMPDIR": name})._environment()
        command = [sys.executable, "-m", "ocpi_party", "demo"]
        done = subprocess.run(command, env=environment, cwd=place, text=True, capture_output=True)
        left = list(place.iterdir())

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"All {len(demo.STEPS)} steps held" in done.stdout
    told = re.search(r"(\d+) requests brought the eMSP up to date", done.stdout)
    assert told
    assert int(told[1]) < 100
    assert "\x1b" not in done.stdout  # Plain, where there is no terminal.
    assert left == []
    assert name not in subprocess.run(["ps", "-eo", "args"], text=True, capture_output=True, check=True).stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_that_is_stopped_before_its_end_has_not_held(number: signal.Signals) -> None:
    with tempfile.TemporaryDirectory(prefix="ocpi-") as name:
        place = Path(name)
        place.chmod(0o711)
        with Commands(place, {"TMPDIR": name}).running("demo", ready="1. Register") as running:
            code = running.stop(number)
        told = running.err.read_text()
        left = [one.name for one in place.iterdir()]

    assert (code, told) == (1, "ocpi-party: The demo was stopped before its end\n")
    assert sorted(left) == ["demo.err", "demo.out"]


def test_demo_is_also_stopped_while_it_opens_a_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def opening(story: Story, *, keep: bool) -> bool:
        task = asyncio.current_task()
        assert task
        task.cancel()  # As the client does, when one of the addresses that it tries has answered.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)
        return False

    monkeypatch.setattr(demo, "_tell", opening)

    with pytest.raises(Failed, match="stopped before its end"):
        uvloop.run(demo._until_stopped(_story(tmp_path), keep=False))


async def test_step_that_does_not_hold_is_told_and_ends_the_story(tmp_path: Path) -> None:
    async def wrong(story: Story) -> None:
        """One end lies."""
        story.holds("one is two", False, seen=1)

    async def after(story: Story) -> None:
        """Never told."""

    story = _story(tmp_path)

    assert not await story.tell((wrong, after))

    assert "1. One end lies" in _printed(story)
    assert "FAILED one is two: seen was 1" in _printed(story)
    assert "Never told" not in _printed(story)


async def test_what_does_not_become_so_fails_when_time_is_up(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async def waits(story: Story) -> None:
        """Wait."""
        await story.becomes("the sun stands still", never, within=0)

    story = _story(tmp_path)

    assert not await story.tell((waits,))
    assert "the sun stands still: not within 0 seconds" in _printed(story)


def test_every_step_has_a_title() -> None:
    assert demo.STEPS
    assert [step.__name__ for step in demo.STEPS if not (step.__doc__ or "").strip()] == []


def test_demo_that_cannot_start_fails_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "STEPS", ())
    monkeypatch.setattr(sys, "executable", "/bin/false")

    done = Commands(tmp_path).run("demo")

    assert done.code == 1
    assert re.fullmatch(r"ocpi-party: The (CPO|eMSP) did not start: .*\n", done.err)
