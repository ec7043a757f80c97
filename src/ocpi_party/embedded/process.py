"""The process behind a socket, held so that no signal can reach another one that got its number later."""

import os
import select
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path


def pid_behind(path: Path) -> int | None:
    """The process that listens on this unix socket, as the kernel tells it; None if nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
        knock.settimeout(5)
        try:
            knock.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        if sys.platform == "darwin":
            local_peerpid = (0, 2)
            return knock.getsockopt(*local_peerpid)
        pid: int = struct.unpack("3i", knock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        return pid


class Process:
    """A running process. Where the kernel has process file descriptors it cannot be mistaken for a later one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._fd: int | None = os.pidfd_open(pid) if sys.platform == "linux" else None
        except ProcessLookupError:
            raise
        except OSError:  # Old kernels, and sandboxes that forbid the call.
            self._fd = None

    def gone(self, within: float = 0, unless: int | None = None) -> bool:
        """Wait so many seconds at most for its end, or until the file descriptor `unless` can be read."""
        poll = select.poll()  # select() would fail from the 1024th open file on.
        if unless is not None:
            poll.register(unless, select.POLLIN)
        if self._fd is not None:
            poll.register(self._fd, select.POLLIN)
            return any(file == self._fd for file, _ in poll.poll(within * 1000))
        deadline = time.monotonic() + within
        while alive(self.pid, reap=True):
            if poll.poll(0):
                return False
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return True

    def signal(self, number: signal.Signals) -> None:
        try:
            if self._fd is not None and sys.platform == "linux":
                signal.pidfd_send_signal(self._fd, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def alive(pid: int, *, reap: bool = False) -> bool:
    """Whether a process has this number.

    reap    it may be a child of ours that has ended and waits for us: then it is not alive
    """
    if reap:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
