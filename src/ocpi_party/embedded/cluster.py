"""The data of the embedded PostgreSQL: made whole or not at all, and only opened by the version that made it."""

import shutil
import tempfile
from pathlib import Path

from ocpi_party.embedded.binaries import Binaries
from ocpi_party.embedded.errors import EmbeddedPostgresError
from ocpi_party.embedded.places import Places

USER = DATABASE = "ocpi"


def ensure_cluster(places: Places, binaries: Binaries, *, fsync: bool) -> None:
    """Make the data if there is none. Callers hold the starting lock.

    Raises  EmbeddedPostgresError, if it is there and of another major version
    """
    if not places.cluster.exists():
        _make(places, binaries, fsync=fsync)
        return
    try:
        major = (places.cluster / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise EmbeddedPostgresError(
            f"{places.cluster} holds no PostgreSQL data that we can read ({error.strerror}). "
            "Move it away, or set OCPI_DATA_DIR to another directory."
        ) from error
    if major != str(binaries.major):
        raise EmbeddedPostgresError(
            f"{places.cluster} was made by PostgreSQL {major}, and the programs found are {binaries.version}. "
            f"Set OCPI_PG_BINDIR to the programs of PostgreSQL {major} (and use pg_upgrade or pg_dump to move on), "
            "or OCPI_DATA_DIR to another directory."
        )


def _make(places: Places, binaries: Binaries, *, fsync: bool) -> None:
    for left_over in places.home.glob("initdb-*"):  # Of a set-up that was killed.
        shutil.rmtree(left_over, ignore_errors=True)
    aside = Path(tempfile.mkdtemp(prefix="initdb-", dir=places.home))
    try:
        places.account.own(aside)
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--set=timezone=UTC", "--set=log_timezone=UTC"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", f"--username={USER}"]
        options += [] if fsync else ["--no-sync"]
        _run(places, [binaries.path("initdb"), f"--pgdata={aside}", *options])
        alone = [binaries.path("postgres"), "--single", "-D", str(aside), "-c", f"fsync={'on' if fsync else 'off'}"]
        _run(places, [*alone, "postgres"], f"CREATE DATABASE {DATABASE}\n")
        aside.rename(places.cluster)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _run(places: Places, command: list[str], text: str | None = None) -> None:
    done = places.account.run(command, text)
    if done.returncode != 0:
        program = Path(command[0]).name
        raise EmbeddedPostgresError(
            f"{program} could not make a database in {places.home}: {done.stderr.strip() or done.returncode}. "
            "Mend that, set OCPI_DATA_DIR to another directory, or DATABASE_URL to a PostgreSQL of yours."
        )
