"""Our server in this process: its requests come through ASGI or TCP, its own requests go to partners that are functions."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from opentelemetry.sdk.trace.export import SpanExporter
from starlette.types import ASGIApp

from ocpi_party.app import create_app
from ocpi_party.cli.wire import Protocol
from ocpi_party.database import Statement
from ocpi_party.ocpi.modules import Role
from ocpi_party.partners.parties import add_party
from ocpi_party.partners.partner import Party
from ocpi_party.server import App
from ocpi_party.settings import Settings
from tests.partner import Caller, FakePartner, Internet

PUBLIC_URL = "https://ours.example"
API_KEY = "test-api-key"


@dataclass
class Server:
    app: App
    internet: Internet
    operator: httpx.AsyncClient
    address: str | None = None
    """Where it listens; None if it is called through ASGI."""

    async def add_party(self, country_code: str, party_id: str, role: str) -> None:
        details = {"name": f"{country_code}/{party_id}"}
        async with self.app.building.database.write() as tx:
            await add_party(tx, Party(country_code, party_id, Role(role), details))
        self.app.building.directory.drop()

    async def invite(self, name: str = "partner") -> str:
        """The token of an invitation."""
        answer = await self.operator.post("/api/partners", json={"name": name})
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["credentials_token"]
        return token

    def caller(self, token: str, partner: FakePartner | None = None) -> Caller:
        return Caller(self.app, token, partner or FakePartner(), address=self.address)

    async def connect(self, partner: FakePartner) -> Caller:
        """Let a partner register with us: the way it calls us afterwards."""
        caller = self.caller(await self.invite(partner.name), partner)
        answer = await caller.request("POST", "/ocpi/2.2.1/credentials", partner.credentials())
        assert answer.status_code == 1000, answer
        caller.token = answer.data["token"]
        return caller

    async def push(self) -> None:
        """Tell partners everything that is due, now."""
        worker = self.app.pushing
        while await worker.start_lanes() or worker.hands.busy:
            await asyncio.gather(*worker.hands.busy)

    async def tell_webhooks(self) -> None:
        """Begin to deliver events to all that are due, and wait until that is done, or broke off."""
        worker = self.app.webhooks
        await worker.start_due()
        await asyncio.gather(*worker.hands.busy, return_exceptions=True)

    async def expire_console_sessions(self) -> None:
        """As if all of them had begun too long ago."""
        async with self.app.building.database.write() as tx:
            await tx.run(Statement("UPDATE console_sessions SET expires_at = now()"))

    async def rows(self, sql: str, **given: Any) -> list[dict[str, Any]]:
        async with self.app.building.database.read() as tx:
            return [dict(row) for row in await tx.rows(Statement(sql), **given)]


class _Uvicorn(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # one that does nothing
        return nullcontext()  # Signals are for the test run.


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """Serve on a free TCP port of this machine; gives the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, http=Protocol, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        serving = _Uvicorn(config)
        task = asyncio.create_task(serving.serve(sockets=[listener]))
        try:
            # Connections wait in the listener's queue until the server takes them: nothing has to be waited for here.
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            serving.should_exit = True
            await task


@asynccontextmanager
async def start_server(
    database_url: str, *, on_a_port: bool = False, spans: SpanExporter | None = None, **settings: Any
) -> AsyncIterator[Server]:
    internet = Internet()
    given: dict[str, Any] = {
        "_env_file": None,
        "public_url": PUBLIC_URL,
        "allow_private_urls": False,
        "auth_cache_seconds": 60,
        "message_log_days": 0,  # Those tests that read messages keep them.
    } | settings
    app = create_app(
        Settings(**given),
        database_url=database_url,
        secret_key="test-secret",
        api_key=API_KEY,
        workers=False,
        transport=httpx.MockTransport(internet.answer),
        spans=spans,
    )
    async with (
        app.running(workers=False),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=PUBLIC_URL, headers={"authorization": f"Bearer {API_KEY}"}
        ) as operator,
    ):
        if not on_a_port:
            yield Server(app, internet, operator)
            return
        async with listening(app) as address:
            yield Server(app, internet, operator, address)
