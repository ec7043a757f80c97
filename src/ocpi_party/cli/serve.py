"""serve, api, worker and migrate: the processes of an installation."""

import os
from typing import Annotated

import typer
import uvloop

from ocpi_party import schema
from ocpi_party.cli import logs, process
from ocpi_party.cli.installation import (
    Installation,
    installation,
    migrate_database,
    prepare,
    read_settings,
)
from ocpi_party.settings import listening_on

Processes = Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes that answer requests.")]


def add_to(app: typer.Typer) -> None:
    for command in (serve, api, worker, migrate):
        app.command()(command)


def serve(workers: Processes = 1) -> None:
    """Migrate the database, then answer requests, push and pull, all in one; --workers N does so in N processes.

    Without DATABASE_URL a PostgreSQL is started under OCPI_DATA_DIR. SIGTERM or Ctrl-C stops everything.
    """
    _answer(workers, migrate_first=True, with_workers=True)


def api(workers: Processes = 1) -> None:
    """Answer requests only; `worker` pushes and pulls on this or another machine."""
    _answer(workers, migrate_first=False, with_workers=False)


def worker() -> None:
    """Push and pull only, without HTTP; as many as wanted share the work."""
    settings = read_settings()
    logs.configure_server(settings)
    with process.stoppable(), installation(settings) as here:
        uvloop.run(prepare(here, migrate=False))
        process.work(here, lambda: print(f"pushing and pulling, process {os.getpid()}", flush=True))


def migrate() -> None:
    """Bring the database up to date, once, before the processes of a new version start."""
    settings = read_settings()
    logs.configure("error", plain=True)
    with installation(settings) as here:
        uvloop.run(migrate_database(here))
    print(f"the database is at migration {schema.head()}")


def _answer(processes: int, *, migrate_first: bool, with_workers: bool) -> None:
    settings = read_settings()
    logs.configure_server(settings)
    with process.stoppable(), process.bind(settings.host, settings.port) as bound:
        settings = listening_on(settings, bound.getsockname()[1])
        with installation(settings) as here:
            uvloop.run(prepare(here, migrate=migrate_first))
            make = process.Factory(here, with_workers)
            process.serve(make, bound, processes=processes, ready=lambda: _announce(here))


def _announce(here: Installation) -> None:
    """Where everything is. The key itself is never printed: terminals and their logs are read by others."""
    settings = here.settings
    base = settings.public_url
    places = {"OCPI versions": f"{base}/ocpi/versions", "API docs": f"{base}/docs", "console": f"{base}/console"}
    kept = settings.api_key is None
    places["API key"] = f"in {(settings.data_dir / 'api-key').resolve()}" if kept else "as set in OCPI_API_KEY"
    for name, place in places.items():
        print(f"{name:<14} {place}", flush=True)
