"""Fetches partners' lists page by page, and keeps what is good in them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ocpi_party.database import Database, WriteTx
from ocpi_party.dialects.dialect import Dialect
from ocpi_party.partners.client import OcpiClient


@dataclass(slots=True)
class PullWorker:
    database: Database
    client: OcpiClient
    dialects: Mapping[str, Dialect]
    interval: timedelta
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def plan(self, tx: WriteTx, partner_id: int) -> None:
        return

    async def unplan(self, tx: WriteTx, partner_id: int) -> None:
        return
