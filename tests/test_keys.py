"""The keys of an installation: set, made once, or asked for in words."""

import stat
from pathlib import Path

import pytest

from ocpi_party.keys import SettingsError, keys
from ocpi_party.settings import Settings

pytestmark = pytest.mark.usefixtures("clean_environment")


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new" / "data")

    made, read = keys(settings), keys(settings)

    assert made == read
    assert made.secret_key != made.api_key
    for name in ("secret-key", "api-key"):
        assert stat.S_IMODE((settings.data_dir / name).stat().st_mode) == 0o600
    assert sorted(path.name for path in settings.data_dir.iterdir()) == ["api-key", "secret-key"]


def test_keys_that_are_set_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OCPI_API_KEY", "mine")

    assert keys(Settings(data_dir=tmp_path)).api_key.get_secret_value() == "mine"
    assert not (tmp_path / "api-key").exists()


@pytest.mark.parametrize("missing", ["OCPI_SECRET_KEY", "OCPI_API_KEY"])
def test_keys_are_required_with_a_database_of_ones_own(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "OCPI_SECRET_KEY", "OCPI_API_KEY"):
        monkeypatch.setenv(name, "postgresql://db/ocpi")
    monkeypatch.delenv(missing)

    with pytest.raises(SettingsError, match=f"DATABASE_URL is set, so {missing} must be set"):
        keys(Settings())


def test_empty_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret-key").touch()

    with pytest.raises(SettingsError, match="secret-key is empty"):
        keys(Settings(data_dir=tmp_path))
