"""The test network on a small scale: with kills and faults, all counts agree in the end."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocpi_party.ocpi.modules import Role
from ocpi_party.sandbox.faults import Fault
from tests.network.network import Wanted, run


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """The account that PostgreSQL runs as gets through."""
    with tempfile.TemporaryDirectory(prefix="ocpi-") as name:
        place = Path(name)
        place.chmod(0o711)
        yield place


@pytest.mark.requirement("OPS-03", "OPS-07", "OWN-23", "CRE-35", "TRN-37")
async def test_after_kills_and_faults_all_counts_agree(open_directory: Path) -> None:
    faults = ((Role.EMSP, Fault.ERROR_500), (Role.CPO, Fault.SILENT_COMMANDS))
    table = await run(Wanted(seconds=20, size=0.04, seed=5, faults=faults, within=120), open_directory, print)

    assert table.agrees, table.text()
