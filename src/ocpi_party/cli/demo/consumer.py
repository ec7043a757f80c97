"""The operators' own systems in the demo: the programs of `examples/`, each a process beside the platform that it serves."""

import os
import sys

from ocpi_party.cli.demo.platform import Platform
from ocpi_party.cli.demo.program import Program
from ocpi_party.shipped import shipped

STOP_SECONDS = 5


class Consumer(Program):
    """example  the file's name, without .py"""

    def __init__(self, example: str, platform: Platform) -> None:
        self.example, self.platform = example, platform
        command = [sys.executable, str(shipped(f"examples/{example}.py"))]
        super().__init__(command, os.environ, platform.directory / f"{example}.log")

    def start(self) -> None:
        side = self.platform.side
        self.environment = os.environ | {
            "OCPI_URL": self.platform.url,
            "OCPI_API_KEY": self.platform.key_file.read_text().strip(),
            "CPO": f"{side.country_code}/{side.party_id}",
        }
        super().start()
