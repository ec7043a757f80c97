"""The processes of a server: one or several that answer HTTP on one socket, or one that only pushes and pulls."""

import asyncio
import gc
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import uvicorn
import uvloop
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from ocpi_party.backoffice.metrics import SHARED
from ocpi_party.cli import heartbeat, logs
from ocpi_party.cli.failure import Failed
from ocpi_party.cli.installation import Installation
from ocpi_party.cli.wire import Protocol
from ocpi_party.server import App

STOP_SECONDS = 5
"""How long requests that are under way may take when the server stops."""

KEEP_ALIVE_SECONDS = 75
"""Longer than clients keep an idle connection: who closes second never loses a request."""

STOPS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Factory:
    """Makes the app in the process that will run it. workers  push and pull in the same process"""

    here: Installation
    workers: bool

    def __call__(self) -> App:
        app = self.here.app(workers=self.workers)
        _tell_of_stop(app)
        _stop_with_parent()
        stays()
        return app


class _Config(uvicorn.Config):
    """uvicorn calls this once more in each child process: there our logs are set up too."""

    def configure_logging(self) -> None:
        logs.configure_server(self.app.here.settings)  # type: ignore[union-attr]  # app is a Factory


_LOOK_AFTER = 10_000


def stays() -> None:
    """What is there by now, modules and the app, stays to the end: looking through it for garbage would cost every request.

    And what requests leave in cycles is little: Python's own 700 objects are reached by messages that wait to be written.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_LOOK_AFTER)


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM and SIGINT unwind whatever runs, so that what was started is stopped; the exit code is then 0."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    before = {number: signal.signal(number, stop) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def bind(host: str, port: int) -> socket.socket:
    """Raises Failed, if the address cannot be had"""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise Failed(f"cannot listen on {host}, port {port} ({error.strerror}). Set HOST or PORT.") from error
    return bound


def serve(make: Factory, bound: socket.socket, *, processes: int, ready: Callable[[], None]) -> None:
    """Answer requests until told to stop. ready  called when the first process answers. Raises Failed"""
    config = _Config(
        make,  # a factory gives the application
        factory=True,
        workers=processes,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # Links use OCPI_PUBLIC_URL, whatever stands before us (PAG-10).
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_worker_healthcheck=60,  # A process that still imports on a busy machine is not hung.
    )
    if processes == 1:
        _serve_alone(config, bound, ready)
    else:
        _serve_together(config, bound, ready)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _serve_alone(config: uvicorn.Config, bound: socket.socket, ready: Callable[[], None]) -> None:
    server = _Server(config, ready)
    try:
        server.run([bound])
    except SystemExit as end:
        if end.code == STARTUP_FAILURE:
            raise Failed("the server could not start; its log says why") from end
        raise


class _Supervisor(Multiprocess):
    def __init__(self, config: uvicorn.Config, bound: socket.socket, ready: Callable[[], None]) -> None:
        super().__init__(config, [bound])
        self._ready: Callable[[], None] | None = ready

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        if self._ready is not None and all(process.is_ready() for process in self.processes):
            self._ready()
            self._ready = None


def _serve_together(config: uvicorn.Config, bound: socket.socket, ready: Callable[[], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="ocpi-party-metrics-") as shared:
        os.environ[SHARED] = shared  # The child processes inherit it, and count together.
        supervisor = _Supervisor(config, bound, ready)
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise Failed("the server could not start; its log says why")


def _tell_of_stop(app: App) -> None:
    """The signal that stops the server also tells the app, before connections are drained.

    uvicorn has set its handlers when it calls the factory, and gives back those it found when it ends.
    """
    for number in STOPS:
        handler = signal.getsignal(number)

        def stop(given: int, frame: FrameType | None, after: Any = handler) -> None:
            app.life.stop()
            if callable(after):
                after(given, frame)

        signal.signal(number, stop)


def _stop_with_parent() -> None:
    """A child process ends when its parent is gone, however that ended: nobody else would ever stop it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def work(here: Installation, ready: Callable[[], None]) -> None:
    """Push and pull without HTTP until told to stop. Raises Failed, if there can be no heartbeat"""

    async def working() -> None:
        app, stop = here.app(workers=True), asyncio.Event()
        stays()
        for number in STOPS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with app.running(workers=True):
            beating = asyncio.create_task(heartbeat.beat(app, file)) if file else None
            ready()
            await stop.wait()
            if beating:
                beating.cancel()

    file = here.settings.heartbeat_file
    if file:
        heartbeat.forget(file)
    uvloop.run(working())
