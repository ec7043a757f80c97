"""What stands beside the package is found, and goes into what is installed."""

import re
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


def test_lock_of_the_image_is_the_part_of_the_whole_lock_that_the_program_needs() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    whole, runtime = (_locked(TOP / name) for name in ("requirements.lock", "requirements-runtime.lock"))

    assert runtime.items() <= whole.items()
    assert {_name(dependency) for dependency in project["dependencies"]} <= runtime.keys()
    assert not {"pytest", "mypy", "ruff", "uv"} & runtime.keys()


def _locked(lock: Path) -> dict[str, list[str]]:
    """By name of the distribution: version, marker and hashes."""
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    blocks = re.split(r"\n(?=\S)", "\n".join(lines))
    return {_name(block): block.split() for block in blocks}


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower()
