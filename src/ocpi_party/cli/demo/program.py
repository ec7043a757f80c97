"""A process beside this one: started with an environment and a log of its own, killed, stopped."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Program:
    """directory  where it runs; log  what it prints, all its runs one after the other"""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    directory: Path | None = None
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.directory,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for whoever started it, who then stops it.
            )

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def told(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """kill -9: no goodbye, nothing is put in order."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self, within: float) -> int | None:
        """Ask it to stop; its exit code, None if it does not run. within  seconds, then it is killed"""
        if self._process is None or self._process.poll() is not None:
            return None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
