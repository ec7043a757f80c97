"""The operating system account that PostgreSQL runs as: our own, or an unprivileged one if we are root."""

import os
import pwd
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from ocpi_party.embedded.errors import EmbeddedPostgresError

T = TypeVar("T")


@dataclass(frozen=True)
class Account:
    """Who runs PostgreSQL, which refuses to run as root.

    switch  we are root: its processes need another uid, and what we make for them another owner
    """

    uid: int
    gid: int
    switch: bool

    def may_use(self, path: Path) -> bool:
        """Whether this account can enter the directory or execute the file."""
        if not self.switch:
            return os.access(path, os.X_OK)
        # Asked as that account: mode bits alone know nothing of access control lists and of mounts.
        return self.run(["/bin/sh", "-c", '[ -x "$0" ]', str(path)]).returncode == 0

    def own(self, path: Path) -> None:
        """Hand over what we have made just now; what others made is left alone."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(self, command: list[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
        return self._allowed(
            lambda: subprocess.run(
                command, input=text or "", text=True, capture_output=True, check=False, **self._options()
            )
        )

    def spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a process that outlives us and that the terminal's Ctrl-C does not reach."""
        return self._allowed(
            lambda: subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._options()
            )
        )

    def _options(self) -> dict[str, Any]:
        # Our own environment holds keys that are not for PostgreSQL, and PG… variables that would mislead it.
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        options: dict[str, Any] = {"cwd": "/", "env": kept | {"LC_ALL": "C", "TZ": "UTC"}}
        if self.switch:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def _allowed(self, start: Callable[[], T]) -> T:
        try:
            return start()
        except PermissionError as error:
            raise EmbeddedPostgresError(
                f"PostgreSQL cannot be run as uid {self.uid} ({error.strerror}). "
                "Start ocpi-party as an ordinary user, or set DATABASE_URL to a PostgreSQL of yours."
            ) from error


def account_for(cluster: Path) -> Account:
    """Our own account; for root the owner of the data, or nobody if there is none yet.

    A shared checkout is started by its user today and with sudo tomorrow: the data stays the user's.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if cluster.exists() and cluster.stat().st_uid != 0:
        return Account(cluster.stat().st_uid, cluster.stat().st_gid, switch=True)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid, switch=True)
