"""Our server in process: its requests come through ASGI, its own requests go to partners that are functions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from ocpi_party.app import App, create_app
from ocpi_party.ocpi.modules import Role
from ocpi_party.partners import repository
from ocpi_party.partners.partner import Party
from ocpi_party.settings import Settings
from tests.partner import Caller, FakePartner, Internet

PUBLIC_URL = "https://ours.example"
API_KEY = "test-api-key"


@dataclass
class Server:
    app: App
    internet: Internet
    operator: httpx.AsyncClient

    async def add_party(self, country_code: str, party_id: str, role: str) -> None:
        details = {"name": f"{country_code}/{party_id}"}
        async with self.app.building.database.write() as tx:
            await repository.add_party(tx, Party(country_code, party_id, Role(role), details))
        self.app.building.directory.drop()

    async def invite(self, name: str = "partner") -> str:
        """The token of an invitation."""
        answer = await self.operator.post("/api/partners", json={"name": name})
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["credentials_token"]
        return token

    async def connect(self, partner: FakePartner) -> Caller:
        """Let a partner register with us: the way it calls us afterwards."""
        caller = Caller(self.app, await self.invite(partner.name), partner)
        answer = await caller.request("POST", "/ocpi/2.2.1/credentials", partner.credentials())
        assert answer.status_code == 1000, answer
        caller.token = answer.data["token"]
        return caller

    async def push(self) -> None:
        """Tell partners everything that is due, now."""
        worker = self.app.pushing
        while await worker.start_lanes():
            for task in list(worker._busy):
                await task

    async def rows(self, sql: str, **given: Any) -> list[dict[str, Any]]:
        from ocpi_party.database import Statement

        async with self.app.building.database.read() as tx:
            return [dict(row) for row in await tx.rows(Statement(sql), **given)]


@asynccontextmanager
async def start_server(database_url: str, **settings: Any) -> AsyncIterator[Server]:
    internet = Internet()
    given: dict[str, Any] = {
        "_env_file": None,
        "public_url": PUBLIC_URL,
        "allow_private_urls": False,
        "auth_cache_seconds": 60,
    } | settings
    app = create_app(
        Settings(**given),
        database_url=database_url,
        secret_key="test-secret",
        api_key=API_KEY,
        workers=False,
        transport=httpx.MockTransport(internet.answer),
    )
    async with (
        app.running(workers=False),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=PUBLIC_URL, headers={"authorization": f"Bearer {API_KEY}"}
        ) as operator,
    ):
        yield Server(app, internet, operator)
