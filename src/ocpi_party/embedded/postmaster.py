"""The server process of one cluster: found by its socket, started, stopped. Callers hold the starting lock."""

import atexit
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ocpi_party.embedded.binaries import Binaries
from ocpi_party.embedded.errors import EmbeddedPostgresError
from ocpi_party.embedded.places import Places
from ocpi_party.embedded.process import Process, alive, pid_behind

RECOVERY_SECONDS = 300
"""After a crash PostgreSQL replays its log before it is ready."""

STOP_SECONDS = 30

LOG_BYTES = 10_000_000

_children: list[subprocess.Popen[bytes]] = []
"""Servers that we started, and that may outlive our use of them; kept so that Python does not complain of them."""


@atexit.register
def _leave_them_running() -> None:
    for child in _children:
        child.returncode = child.poll() or 0


def running(places: Places) -> Process | None:
    """The server that is ready on this cluster's socket.

    The pid file alone proves nothing: after a power cut its number may be any process. The kernel says who listens.
    """
    pid = pid_behind(places.socket)
    if not pid or pid != _noted_pid(places.cluster):
        return None
    try:
        process = Process(pid)
    except ProcessLookupError:
        return None
    if pid_behind(places.socket) == pid and _status(places.cluster) == "ready":
        return process
    process.close()
    return None


def start(places: Places, binaries: Binaries, *, fsync: bool) -> Process:
    """Start the server and wait until it is ready; give it the first seconds to lose orphans of a killed one."""
    places.make_sockets()
    patience = time.monotonic() + 10
    while True:
        if found := _leave_or_take_over(places):
            return found
        child = _spawn(places, binaries, fsync=fsync)
        deadline = time.monotonic() + RECOVERY_SECONDS
        while child.poll() is None and time.monotonic() < deadline:
            if ready := running(places):
                return ready
            time.sleep(0.01)
        end = _end_of(places.log)
        if child.returncode is None or "shared memory block" not in end or time.monotonic() > patience:
            raise EmbeddedPostgresError(f"PostgreSQL did not start: {end} (all of it: {places.log})")
        time.sleep(0.5)


def stop(places: Places) -> None:
    """Stop the server if it runs: fast, and if it does not obey, at once. It is never killed."""
    process = running(places)
    if process is None:
        return
    try:
        for number in (signal.SIGINT, signal.SIGQUIT):
            process.signal(number)
            if process.gone(within=STOP_SECONDS):
                break
    finally:
        process.close()
    _reap()


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def _spawn(places: Places, binaries: Binaries, *, fsync: bool) -> subprocess.Popen[bytes]:
    directories = str(places.sockets).replace('"', '""')
    options = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{directories}"',
        "unix_socket_permissions": "0700",
        "port": "5432",
        "max_connections": "200",
        "timezone": "UTC",
    }
    if not fsync:
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    given = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    if places.log.exists() and places.log.stat().st_size > LOG_BYTES:
        places.log.replace(places.log.with_suffix(".log.1"))
    with places.open(places.log) as log:
        child = places.account.spawn([binaries.path("postgres"), "-D", str(places.cluster), *given], log)
    _children.append(child)
    return child


def _leave_or_take_over(places: Places) -> Process | None:
    """Make way for a new server, or give back the one that became ready meanwhile.

    PostgreSQL replaces the pid file of a dead process itself, after it has looked for orphans that still use its shared
    memory; so the file is not removed. It refuses when the number belongs to somebody else now. Then our own number is
    written there: that of its parent it knows to be stale, and it still looks for orphans.
    """
    pid_file = places.cluster / "postmaster.pid"
    deadline = time.monotonic() + STOP_SECONDS
    _reap()
    while (pid := _noted_pid(places.cluster)) and alive(pid) and _serves(pid, places.cluster):
        # It is starting or stopping without us: an operator's pg_ctl, or the rest of a killed program of ours.
        if found := running(places):
            return found
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"PostgreSQL runs on {places.cluster} as process {pid}, started by somebody else. Stop it."
            )
        time.sleep(0.1)
    if not pid_file.exists():
        return None
    if pid is None:  # Cut off while it was written: PostgreSQL would refuse it.
        pid_file.unlink()
    elif alive(pid):
        lines = pid_file.read_text().splitlines(keepends=True)
        pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    return None


def _serves(pid: int, cluster: Path) -> bool:
    """Whether this process is a server on this cluster: a server works in its data directory."""
    if sys.platform == "linux":
        try:
            return os.readlink(f"/proc/{pid}/cwd") == str(cluster)
        except OSError:
            return False
    told = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], text=True, capture_output=True, check=False)  # noqa: S607 - ps lies where PATH says
    return f"-D {cluster}" in told.stdout


def _noted_pid(cluster: Path) -> int | None:
    lines = _pid_file(cluster)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def _status(cluster: Path) -> str | None:
    lines = _pid_file(cluster)
    return lines[7].strip() if len(lines) > 7 else None


def _pid_file(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _end_of(log: Path) -> str:
    try:
        return " ".join(log.read_text(errors="replace").splitlines()[-4:])
    except OSError as error:
        return str(error)
