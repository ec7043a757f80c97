"""The operators' own systems in the demo: the programs of `examples/`, each a process beside the platform that it serves."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ocpi_party.cli.demo.platform import Platform
from ocpi_party.shipped import shipped

STOP_SECONDS = 5


@dataclass
class Consumer:
    """example  the file's name, without .py"""

    example: str
    platform: Platform
    _process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.platform.directory / f"{self.example}.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        side = self.platform.side
        given = {
            "OCPI_URL": self.platform.url,
            "OCPI_API_KEY": self.platform.key_file.read_text().strip(),
            "CPO": f"{side.country_code}/{side.party_id}",
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(shipped(f"examples/{self.example}.py"))],
                env=os.environ | given,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops its processes itself.
            )

    def told(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(errors="replace")

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
