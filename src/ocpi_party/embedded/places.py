"""Where the embedded PostgreSQL keeps its data, its socket, its locks and its log."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ocpi_party.embedded.account import Account, account_for
from ocpi_party.embedded.errors import EmbeddedPostgresError

PORT = 5432
LONGEST_SOCKET_PATH = 103
"""Bytes; macOS keeps 104 with the closing zero, Linux four more."""

NOTE = "postgres.location"
"""The file in the data directory that says where the data is, if it could not be there."""


@dataclass(frozen=True)
class Places:
    """home is the data directory, or its substitute if PostgreSQL's account cannot reach that one."""

    home: Path
    account: Account

    @property
    def cluster(self) -> Path:
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def sockets(self) -> Path:
        """The directory of the unix socket; it depends on the path alone, so that every process finds the same."""
        inside = self.home / "run"
        if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH:
            return inside
        return Path("/tmp") / f"ocpi-party-{self.account.uid}-{_short(self.home)}"  # noqa: S108 (see make_sockets)

    @property
    def socket(self) -> Path:
        return self.sockets / f".s.PGSQL.{PORT}"

    def open(self, path: Path) -> IO[bytes]:
        """Open one of our own files for appending; it belongs to PostgreSQL's account and is for nobody else."""
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if self.account.switch:
            os.fchown(file, self.account.uid, self.account.gid)
        return os.fdopen(file, "ab")

    def make_sockets(self) -> None:
        directory = self.sockets
        try:
            directory.mkdir(mode=0o700)
            self.account.own(directory)
        except FileExistsError:
            pass
        found = directory.lstat()
        # Anybody can make a directory in /tmp: whoever owns it could answer in PostgreSQL's place.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.account.uid or found.st_mode & 0o077:
            raise EmbeddedPostgresError(
                f"{directory} must be a directory of uid {self.account.uid} with mode 0700. Remove it and start again."
            )


def places_in(data_dir: Path) -> Places:
    """The places that belong to this data directory, which is made if needed.

    Raises  EmbeddedPostgresError, if it cannot be written
    """
    data_dir = data_dir.expanduser().absolute()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        data_dir = data_dir.resolve()
        home = _noted(data_dir) or data_dir
        if not os.access(home, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
        account = account_for(home / "postgres")
        if account.switch and home == data_dir and not account.may_use(home):
            home = _reachable_home(data_dir, account)
            (data_dir / NOTE).write_text(f"{home}\n")
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The data directory {data_dir} is not writable ({error.strerror}). "
            "Set OCPI_DATA_DIR to a directory that you can write, or DATABASE_URL to a PostgreSQL of yours."
        ) from error
    return Places(home, account)


def _noted(data_dir: Path) -> Path | None:
    try:
        home = Path((data_dir / NOTE).read_text().splitlines()[0])
    except (FileNotFoundError, IndexError):
        return None
    return home.resolve() if home.is_dir() else None


def _reachable_home(data_dir: Path, account: Account) -> Path:
    for home in _candidates(data_dir):
        try:
            for directory in (home.parent, home):
                if not directory.exists():
                    directory.mkdir()
                    directory.chmod(0o711)  # Whatever the umask is: that account must get through.
        except OSError:
            continue
        found = home.lstat()
        # In /var/tmp somebody else may have been first.
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and account.may_use(home):
            return home
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root, and uid {account.uid} cannot reach {data_dir}. Set OCPI_DATA_DIR to a "
        "directory outside of root's own, or DATABASE_URL to a PostgreSQL of yours."
    )


def _candidates(data_dir: Path) -> Iterator[Path]:
    yield Path("/var/lib/ocpi-party") / _short(data_dir)
    yield Path("/var/tmp") / f"ocpi-party-{_short(data_dir)}"  # noqa: S108 (its owner is checked)


def _short(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
