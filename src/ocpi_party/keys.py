"""The two keys of an installation: as they are set, or with the embedded database those that lie in the data directory."""

import os
import secrets
import tempfile
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from ocpi_party.settings import Settings


class SettingsError(Exception):
    """The settings do not go together; the text says what to set."""


class Keys(NamedTuple):
    secret_key: SecretStr
    api_key: SecretStr


def keys(settings: Settings) -> Keys:
    """The two keys as they are set; with the embedded database else those in the data directory, made on first use.

    Raises  SettingsError, if DATABASE_URL is set and they are not: a second machine would make up others
    """
    return Keys(
        settings.secret_key or _kept(settings, "secret-key", "OCPI_SECRET_KEY"),
        settings.api_key or _kept(settings, "api-key", "OCPI_API_KEY"),
    )


def _kept(settings: Settings, file: str, variable: str) -> SecretStr:
    if not settings.embedded:
        raise SettingsError(
            f"DATABASE_URL is set, so {variable} must be set too, the same for every process on this database. "
            f'Make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    directory = settings.data_dir.absolute()
    path = directory / file
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(32))
    except OSError as error:
        raise SettingsError(
            f"the data directory {directory} is not writable ({error.strerror}). "
            "Set OCPI_DATA_DIR to a directory that you can write."
        ) from error
    try:
        key = path.read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"the key in {path} cannot be read ({error.strerror}). Make it readable, or set {variable}."
        ) from error
    if not key:
        raise SettingsError(f"{path} is empty. Put the key back, or remove the file to have a new one made.")
    return SecretStr(key)


def _write_once(path: Path, text: str) -> None:
    """Write a file with mode 0600; of two processes that do so at once the first one wins, and nobody reads a half."""
    descriptor, aside = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{text}\n")
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(aside)
