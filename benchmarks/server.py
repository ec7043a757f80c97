"""The server that is measured: the program's own app, and beside its endpoints one that answers constant bytes. Runs as a process.

The constant endpoint lies behind the same front, mount and router as Locations: authenticated, routed, with the same headers.
It is the reference of every ratio, and part of no installation.
"""

import asyncio
import functools
import json
import socket
import sys
from functools import cache
from typing import Any

import asyncpg
import uvicorn
from fastapi import Request
from fastapi.responses import Response

from ocpi_party.app import create_app
from ocpi_party.cli import process
from ocpi_party.cli.wire import Protocol
from ocpi_party.modules.locations import sender as locations
from ocpi_party.ocpi import headers
from ocpi_party.server import App
from ocpi_party.settings import Settings
from ocpi_party.transport.asked import CurrentAsked

SECRET_KEY = "benchmark-secret"
API_KEY = "benchmark-api-key"

_FACTS = {"queries": 0, "commits": 0}
_PAGE = {
    headers.TOTAL_COUNT: "100000",
    headers.LIMIT: "100",
    headers.LINK: f'<http://127.0.0.1:8000/{"x" * 120}>; rel="next"',
}


@cache
def _constant(size: int) -> bytes:
    return b'{"data":"' + b"x" * max(size - 11, 0) + b'"}'


async def _reference(request: Request, asked: CurrentAsked, size: int, shape: str) -> Response:
    """Constant bytes. shape  page, with the headers of one, or object"""
    if request.method != "GET":
        await request.body()
    return Response(_constant(size), headers=_PAGE if shape == "page" else None, media_type="application/json")


def reference_path(size: int, shape: str) -> str:
    """Where constant bytes of this size are answered. shape  page or object"""
    return f"/ocpi/cpo/2.2.1/locations/reference/{size}/{shape}/constant"


class _Counted(asyncpg.Connection):  # type: ignore[misc]  # asyncpg is untyped
    """Counts each query that goes over it; BEGIN and COMMIT are queries too."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.add_query_logger(_count)


def _count(record: Any) -> None:
    _FACTS["queries"] += 1
    _FACTS["commits"] += record.query.startswith("COMMIT")


async def _facts() -> dict[str, int]:
    return dict(_FACTS)


def make_app(database_url: str, public_url: str, *, workers: bool, **changed: Any) -> App:
    locations.router.add_api_route(
        "/reference/{size}/{shape}/constant", _reference, methods=["GET", "PUT", "PATCH", "POST"]
    )
    settings = Settings(_env_file=None, public_url=public_url, allow_private_urls=True, **changed)
    app = create_app(settings, database_url=database_url, secret_key=SECRET_KEY, api_key=API_KEY, workers=workers)
    app.api.add_api_route("/facts", _facts)
    process.stays()
    return app


class _Announcing(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(json.dumps({"port": sockets[0].getsockname()[1] if sockets else 0}), flush=True)


def serve(database_url: str, *, workers: bool, **changed: Any) -> None:
    """Answer on a free port of loopback, with the loop and the parser that the program uses; the port goes to stdout."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen(2048)
    app = make_app(database_url, f"http://127.0.0.1:{bound.getsockname()[1]}", workers=workers, **changed)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    _Announcing(config).run([bound])


async def push(database_url: str) -> None:
    """Push alone, until told to stop: a worker process as an installation may have it."""
    app = make_app(database_url, "http://127.0.0.1:1", workers=True)
    async with app.running(workers=True):
        print(json.dumps({"port": 0}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    if given["counting"]:
        asyncpg.create_pool = functools.partial(asyncpg.create_pool, connection_class=_Counted)
    if given["kind"] == "push":
        import uvloop

        uvloop.run(push(given["database_url"]))
    else:
        serve(given["database_url"], workers=given["kind"] == "all", **given["settings"])
