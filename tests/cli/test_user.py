"""People for the console by the command line; their passwords are typed, and never an argument."""

import getpass
import io

import pytest
from tests.cli.command import Commands

PASSWORD, OTHER = "correct horse battery", "another horse battery"


def _names(commands: Commands) -> list[tuple[str, str]]:
    return [(one["name"], one["scope"]) for one in commands.run("user", "list", "--json").json]


def test_a_user_is_added_listed_changed_and_removed(commands: Commands) -> None:
    added = commands.run("user", "add", "Anna", "--scope", "admin", typed=PASSWORD + "\n")
    again = commands.run("user", "add", "ANNA", typed=PASSWORD)
    listed = commands.run("user", "list", "--json")
    changed = commands.run("user", "password", "anna", typed=OTHER)

    assert (added.code, again.code, changed.code) == (0, 1, 0), (added.err, changed.err)
    assert "there is a user" in again.err.lower()
    assert [(one["name"], one["scope"]) for one in listed.json] == [("Anna", "admin")]
    assert "$argon2" not in listed.out
    assert commands.run("user", "remove", "Anna").code == 0
    assert _names(commands) == []
    assert commands.run("user", "remove", "Anna").code == 1
    assert commands.run("user", "password", "Anna", typed=OTHER).code == 1


@pytest.mark.parametrize("password", ["", "elevenchars"])
def test_a_short_password_is_refused_and_nobody_added(commands: Commands, password: str) -> None:
    refused = commands.run("user", "add", "Anna", typed=password)

    assert refused.code == 2
    assert "12 to 1000 characters" in refused.err
    assert _names(commands) == []


def test_a_password_is_no_argument(commands: Commands) -> None:
    assert commands.run("user", "add", "Anna", PASSWORD).code == 2
    assert "--password" not in commands.run("user", "add", "--help").out


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("second", "code"), [(PASSWORD, 0), (OTHER, 2)])
def test_at_a_terminal_it_is_asked_for_twice(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, second: str, code: int
) -> None:
    answers = [PASSWORD, second]
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: answers.pop(0))

    done = commands.run("user", "add", "Anna", typed=_Terminal())

    assert done.code == code
    assert _names(commands) == ([] if code else [("Anna", "read")])
    assert PASSWORD not in done.out + done.err
