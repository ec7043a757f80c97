"""What stands beside the package is found, and goes into what is installed."""

import tomllib
from pathlib import Path

import pytest

from ocpi_party.shipped import shipped

TOP = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["alembic.ini", "examples/csms.py", "examples/emsp_backend.py"])
def test_files_beside_the_package_are_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert shipped(name) == TOP / name


def test_a_missing_file_is_told_in_words() -> None:
    with pytest.raises(FileNotFoundError, match=r"no\.such is missing"):
        shipped("no.such")


def test_all_migrations_and_examples_are_installed() -> None:
    told = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]

    installed = {path for patterns in told.values() for pattern in patterns for path in TOP.glob(pattern)}

    for folder in ("migrations", "examples"):
        assert set((TOP / folder).rglob("*.py")) <= installed
    assert TOP / "alembic.ini" in installed
