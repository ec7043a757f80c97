"""The command ocpi-party: all groups of commands, and the one place where an error becomes an exit code."""

import sys

import typer

from ocpi_party.cli import demo, doctor, key, partner, party, pull, rekey, restored, sandbox, serve, tail, user
from ocpi_party.cli.failure import TOLD, exit_code, in_words

app = typer.Typer(
    name="ocpi-party",
    help="An OCPI 2.2.1 party server. Settings come from the environment or .env, see docs/settings.md.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # Its tracebacks show local variables, and those hold tokens.
    context_settings={"help_option_names": ["-h", "--help"]},
)
serve.add_to(app)
app.command("demo")(demo.demo)
app.add_typer(party.app, name="party")
app.add_typer(partner.app, name="partner")
app.command("pull")(pull.pull)
app.command("restored")(restored.restored)
app.command("tail")(tail.tail)
app.add_typer(key.app, name="key")
app.add_typer(user.app, name="user")
app.command("doctor")(doctor.doctor)
app.command("rekey")(rekey.rekey)
app.command("sandbox")(sandbox.sandbox)


def main() -> None:
    """Exit codes: 0 done, 1 failed, 2 wrong usage."""
    try:
        app()
    except TOLD as error:
        print(f"ocpi-party: {in_words(error)}", file=sys.stderr)
        sys.exit(exit_code(error))
