"""What goes wrong in a command, told in one sentence; anything else is a bug and keeps its traceback."""

from pydantic import ValidationError

from ocpi_party.database import DatabaseUnavailable
from ocpi_party.embedded import EmbeddedPostgresError
from ocpi_party.keys import SettingsError
from ocpi_party.ocpi.errors import InvalidObject, Refusal
from ocpi_party.partners.answer import PartnerUnreachable
from ocpi_party.partners.secret_key import WrongSecretKey
from ocpi_party.schema import SchemaAhead, SchemaBehind
from ocpi_party.settings import Settings, variable
from ocpi_party.tracing.export import NotInstalled


class Failed(Exception):
    """The command could not do what it was asked; the text says why and what to do."""


class WrongUsage(Exception):
    """What the command was given cannot be right, whatever there is here and at the partner; the text says what."""


TOLD = (
    Failed,
    WrongUsage,
    SettingsError,
    EmbeddedPostgresError,
    DatabaseUnavailable,
    SchemaAhead,
    SchemaBehind,
    WrongSecretKey,
    Refusal,
    PartnerUnreachable,
    NotInstalled,
)
"""The errors that are answered with their text."""

_WRONG_USAGE = (WrongUsage, InvalidObject)


def exit_code(error: Exception) -> int:
    """2 if it lies in what the command was given: in arguments, options or input. 1 if it was tried, and failed"""
    return 2 if isinstance(error, _WRONG_USAGE) else 1


def in_words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:1].upper() + text[1:]


def unusable(what: str, error: ValidationError) -> WrongUsage:
    """Names each field that was given wrongly, and never its value."""
    faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)]
    return WrongUsage(f"this is no {what}: {'; '.join(faults)}")


def wrong_settings(error: ValidationError) -> Failed:
    """Names each setting as it stands in the environment, and never its value; none that only follows from another."""
    wrong = [one for one in error.errors(include_input=False) if one["type"] != "default_factory_not_called"]
    faults = [f"{_named(str(one['loc'][0]))}: {one['msg']}" for one in wrong]
    return Failed(f"These settings cannot be used: {'; '.join(faults)}.")


def _named(location: str) -> str:
    return variable(location) if location in Settings.model_fields else location
