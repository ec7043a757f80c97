"""The command line as somebody runs it: real processes in a directory and an environment of their own."""

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from ocpi_party.cli.main import main

ROOT = Path(__file__).parents[2]


def eventually(holds: Callable[[], bool], within: float = 60) -> bool:
    """Whether it holds before time is up."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Running:
    """A server in the background."""

    process: subprocess.Popen[str]
    out: Path
    err: Path

    @property
    def base(self) -> str:
        found = re.search(r"^OCPI versions +(\S+)/ocpi/versions$", self.out.read_text(), re.MULTILINE)
        assert found, self.err.read_text()
        return found[1]

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        request = urllib.request.Request(self.base + path, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@dataclass
class Commands:
    """Runs ocpi-party with nothing in the environment but what is given here."""

    directory: Path
    environment: dict[str, str] = field(default_factory=dict)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "OCPI_PG_BINDIR") if name in os.environ}
        return kept | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"} | self.environment

    def run(self, *words: str, typed: str | io.StringIO = "") -> Done:
        """In this process, as if it were one of its own: starting one takes much longer than most commands.

        typed  the input; a text is no terminal
        """
        out, err, code = io.StringIO(), io.StringIO(), 0
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        with (
            mock.patch.dict(os.environ, self._environment(), clear=True),
            mock.patch.object(sys, "argv", ["ocpi-party", *words]),
            mock.patch.object(sys, "stdin", io.StringIO(typed) if isinstance(typed, str) else typed),
            chdir(self.directory),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as end:
                code = int(end.code or 0)
            finally:
                root.handlers[:], root.level = handlers, level
                logging.captureWarnings(False)
        return Done(code, out.getvalue(), err.getvalue())

    @contextmanager
    def running(self, *words: str, ready: str = "API key") -> Iterator[Running]:
        """Until it says what `ready` names; killed in the end, if it still runs."""
        out, err = self.directory / f"{words[0]}.out", self.directory / f"{words[0]}.err"
        with out.open("w") as to_out, err.open("w") as to_err:
            process = subprocess.Popen(
                [sys.executable, "-m", "ocpi_party", *words],
                cwd=self.directory,
                env=self._environment(),
                text=True,
                stdout=to_out,
                stderr=to_err,
            )
        with process:
            try:
                assert eventually(lambda: ready in out.read_text() or process.poll() is not None)
                assert process.poll() is None, err.read_text()
                yield Running(process, out, err)
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait(timeout=60)
