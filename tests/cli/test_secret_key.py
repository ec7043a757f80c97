"""A secret key that is not the database's: every process refuses to start, and says what to do."""

import pytest
from tests.cli.command import Commands

WRONG = "The other installation's key"


@pytest.mark.parametrize("words", [["serve"], ["api"], ["worker"], ["party", "list"], ["partner", "invite", "ABC"]])
def test_wrong_secret_key_is_refused_in_words(commands: Commands, words: list[str]) -> None:
    assert commands.run("party", "list").code == 0
    commands.environment["OCPI_SECRET_KEY"] = WRONG

    done = commands.run(*words)

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("ocpi-party: OCPI_SECRET_KEY is not the one that this database belongs to")
    assert "set the one that was used before" in done.err
    assert done.err.count("\n") == 1
    assert WRONG not in done.err


def test_doctor_says_that_the_secret_key_is_wrong(commands: Commands) -> None:
    commands.run("doctor")
    commands.environment["OCPI_SECRET_KEY"] = WRONG

    done = commands.run("doctor", "--json")

    assert done.code == 1
    assert [one["what"] for one in done.json if one["mend"]] == ["secret-key"]


def test_migrating_needs_no_right_key_and_notes_none(commands: Commands) -> None:
    wrong, right = WRONG, commands.environment["OCPI_SECRET_KEY"]

    for before in (lambda: None, lambda: commands.run("party", "list")):
        before()
        commands.environment["OCPI_SECRET_KEY"] = wrong
        assert commands.run("migrate").code == 0
        commands.environment["OCPI_SECRET_KEY"] = right
        assert commands.run("party", "list").code == 0


def test_lost_file_of_the_secret_key_is_named(embedded: Commands) -> None:
    assert embedded.run("party", "list").code == 0
    file = embedded.directory / ".data" / "secret-key"
    kept = file.read_text()
    file.unlink()

    done = embedded.run("serve")

    assert done.code == 1
    assert done.err.startswith(f"ocpi-party: The key in {file} is not the one that this database belongs to")
    assert "put back" in done.err
    file.write_text(kept)
    assert embedded.run("party", "list").code == 0


def test_when_the_key_is_lost_the_installation_goes_on_and_partners_are_invited_anew(commands: Commands) -> None:
    commands.run("partner", "invite", "ABC")
    commands.run("key", "create", "billing")
    refused = commands.run("rekey", "--yes")
    assert (refused.code, "nothing is lost" in refused.err) == (1, True)

    commands.environment["OCPI_SECRET_KEY"] = WRONG
    assert commands.run("rekey").code == 2
    assert commands.run("partner", "list").code == 1
    done = commands.run("rekey", "--yes")

    assert (done.code, done.out.startswith("1 partners are unregistered")) == (0, True)
    assert [one["status"] for one in commands.run("partner", "list", "--json").json] == ["UNREGISTERED"]
    assert all(one["revoked_at"] for one in commands.run("key", "list", "--json").json)
    assert commands.run("partner", "invite", "ABC").code == 0
