"""Settings: what the environment says, what follows from it, and what is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from ocpi_party.settings import A_CENTURY, Settings, listening_on, page, table, variable

pytestmark = pytest.mark.usefixtures("clean_environment")


def test_without_any_setting_the_database_is_embedded_and_private_addresses_are_allowed() -> None:
    settings = Settings()

    assert settings.embedded
    assert settings.allow_private_urls
    assert settings.public_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("environment", "public_url"),
    [
        ({"PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"HOST": "0.0.0.0"}, "http://127.0.0.1:8000"),
        ({"HOST": "::1"}, "http://[::1]:8000"),
        ({"OCPI_PUBLIC_URL": "https://ocpi.example.com/"}, "https://ocpi.example.com"),
        ({"OCPI_PUBLIC_URL": ""}, "http://127.0.0.1:8000"),
    ],
)
def test_public_url_follows_host_and_port_unless_it_is_set(
    environment: dict[str, str], public_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Settings().public_url == public_url


def test_with_a_database_of_ones_own_private_addresses_are_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@db/ocpi")

    settings = Settings()

    assert not settings.embedded
    assert not settings.allow_private_urls
    assert "hunter2" not in repr(settings)


def test_dotenv_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=7000\nOCPI_PAGE_SIZE=7\nOTHER=1\n")
    monkeypatch.setenv("PORT", "7001")

    assert (Settings().port, Settings().page_size) == (7001, 7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db/ocpi"),
        ("OCPI_PUBLIC_URL", "ocpi.nowhere.test"),
        ("OCPI_PUBLIC_URL", "https://user:hunter2@ocpi.nowhere.test"),
        ("OCPI_PUBLIC_URL", "https://ocpi nowhere.test"),
        ("OCPI_PUBLIC_URL", "https://ocpi.nowhere.test:port"),
        ("OCPI_PUBLIC_URL", "https://:8443"),
        ("OCPI_PUBLIC_URL", "https://ocpi.nowhere.test/?a=1"),
        ("OCPI_PUSH_LEASE_SECONDS", "29.5"),
        ("OCPI_PAGE_SIZE", "-7"),
        ("PORT", "70123"),
    ],
)
def test_what_cannot_work_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError) as refusal:
        Settings()

    assert value not in str(refusal.value)


_TIMES = [name for name in Settings.model_fields if name.endswith(("_days", "_seconds"))]


@pytest.mark.parametrize("name", _TIMES)
def test_no_time_can_be_set_that_no_date_could_be_computed_with(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCPI_PUSH_LEASE_SECONDS", str(A_CENTURY * 86400))  # It has to be longer than others.
    most = A_CENTURY if name.endswith("_days") else A_CENTURY * 86400
    for value in (most + 1, 999_999_999_999, 1e18, "inf", "nan"):
        monkeypatch.setenv(variable(name), str(value))
        with pytest.raises(ValidationError):
            Settings()

    monkeypatch.setenv(variable(name), str(most - 1))
    assert getattr(Settings(), name) == most - 1


def test_every_setting_stands_in_the_table_with_its_meaning() -> None:
    lines = table().splitlines()[2:]

    assert len(lines) == len(Settings.model_fields)
    assert not [line for line in lines if "None" in line]
    assert lines[0].startswith("| `DATABASE_URL` | PostgreSQL")


def test_documentation_of_the_settings_is_current() -> None:
    documented = Path(__file__).parents[1] / "docs" / "settings.md"

    assert documented.read_text() == page() + "\n"


@pytest.mark.parametrize(
    ("environment", "public_url"),
    [
        ({"PORT": "0"}, "http://127.0.0.1:4711"),
        ({"OCPI_PUBLIC_URL": "https://ocpi.example.com"}, "https://ocpi.example.com"),
    ],
)
def test_port_that_the_system_chose_stands_in_the_public_url_unless_that_is_set(
    environment: dict[str, str], public_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    settings = listening_on(Settings(), 4711)

    assert (settings.port, settings.public_url) == (4711, public_url)
