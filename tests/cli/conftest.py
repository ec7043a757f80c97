"""The command line on databases of its own."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.command import Commands
from tests.conftest import NewDatabase

KEYS = {"OCPI_SECRET_KEY": "a-secret-for-tests", "OCPI_API_KEY": "an-api-key-for-tests"}
NewCommands = Callable[[str], Commands]


def _commands(directory: Path, database_url: str) -> Commands:
    given = {"DATABASE_URL": database_url, "PORT": "0", "OCPI_ALLOW_PRIVATE_URLS": "true"}
    return Commands(directory, given | KEYS)


@pytest.fixture
def commands(tmp_path: Path, database_url: str) -> Commands:
    """With DATABASE_URL and both keys, any free port, and partners on this machine allowed."""
    return _commands(tmp_path, database_url)


@pytest.fixture
def new_commands(tmp_path: Path, new_database: Callable[[], str]) -> NewCommands:
    """Further installations by name."""

    def make(name: str) -> Commands:
        (tmp_path / name).mkdir()
        return _commands(tmp_path / name, new_database())

    return make


@pytest.fixture
def database_url(new_database: NewDatabase) -> str:
    """A database that nobody uses afterwards: some tests here break its schema."""
    return new_database()


@pytest.fixture
def embedded() -> Iterator[Commands]:
    """Without any setting: a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="ocpi-") as name:
        Path(name).chmod(0o711)  # The account that PostgreSQL runs as must get through.
        yield Commands(Path(name), {"PORT": "0"})
