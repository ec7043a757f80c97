"""The command line on a database of its own."""

from pathlib import Path

import pytest
from tests.cli.command import Commands

KEYS = {"OCPI_SECRET_KEY": "a-secret-for-tests", "OCPI_API_KEY": "an-api-key-for-tests"}


@pytest.fixture
def commands(tmp_path: Path, database_url: str) -> Commands:
    """With DATABASE_URL and both keys, any free port, and partners on this machine allowed."""
    given = {"DATABASE_URL": database_url, "PORT": "0", "OCPI_ALLOW_PRIVATE_URLS": "true"}
    return Commands(tmp_path, given | KEYS)
