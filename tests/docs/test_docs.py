"""The documentation names what there is: files, commands, settings, endpoints, types of events."""

import re
from pathlib import Path

import pytest
import typer

from ocpi_party.backoffice.app import ROUTERS
from ocpi_party.cli.main import app
from ocpi_party.events.repository import EventType
from ocpi_party.sandbox.faults import Fault
from ocpi_party.settings import Settings, variable

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OF_COMPOSE = set(re.findall(r"\$\{(OCPI_[A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def page(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", page.read_text())

    assert [
        link for link in links if not (page.parent / link).exists() and not (page.parent / f"{link}.md").exists()
    ] == []


def test_commands_are_there(page: Path) -> None:
    commands = typer.main.get_command(app)
    known = set(getattr(commands, "commands", {}))

    named = set(re.findall(r"ocpi-party ([a-z]+)\b(?! server)", page.read_text()))

    assert named <= known


def test_settings_are_there(page: Path) -> None:
    known = {variable(name) for name in Settings.model_fields} | OF_COMPOSE

    assert set(re.findall(r"\bOCPI_[A-Z_]+[A-Z]\b", page.read_text())) <= known


def test_every_event_that_is_told_is_described() -> None:
    page = (ROOT / "docs/events.md").read_text()
    source = "".join(file.read_text() for file in (ROOT / "src").rglob("*.py"))

    told = {kind for kind in EventType if f"EventType.{kind.name}" in source}

    assert set(re.findall(r"`([a-z]+\.[a-z_]+)`", page)) == {str(kind) for kind in told}


def test_every_fault_is_described() -> None:
    page = (ROOT / "docs/first-partner.md").read_text()

    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE)) == {str(fault) for fault in Fault}


def test_every_group_of_endpoints_is_described() -> None:
    page = (ROOT / "docs/api.md").read_text()

    assert [router.prefix for router in ROUTERS if f"{router.prefix}" not in page] == []
