"""The heartbeat of a process without HTTP: a file that it touches as long as it does its work."""

import asyncio
import logging
from pathlib import Path

from ocpi_party.backoffice.health import Unfit
from ocpi_party.cli.failure import Failed
from ocpi_party.server import App

log = logging.getLogger(__name__)

EVERY_SECONDS = 2


def forget(file: Path) -> None:
    """That of a process before is none of ours. Raises Failed, if there can be no file"""
    try:
        file.touch()
        file.unlink()
    except OSError as error:
        raise Failed(
            f"{file} cannot be written ({error.strerror}). Set OCPI_HEARTBEAT_FILE to a file of ours."
        ) from error


def _touch(file: Path) -> None:
    file.touch()


async def beat(app: App, file: Path) -> None:
    """Until cancelled. Whoever watches sees the file grow old, also where nothing can be logged any more."""
    while True:
        try:
            await app.check_work()
            _touch(file)
        except (Unfit, OSError) as fault:
            log.warning("the heartbeat pauses: %s", fault)
        await asyncio.sleep(EVERY_SECONDS)
