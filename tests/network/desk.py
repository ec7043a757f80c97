"""Where the operator of a member writes: each change is made once, however often the server dies while it is asked."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport

from ocpi_party.ocpi.types import parse_time, wire_time
from tests.network.platforms import Member

AGAIN_SECONDS = 0.2
PATIENCE_SECONDS = 120


class Unanswered(Exception):
    """Nobody knows whether it was done."""


@dataclass
class Desk:
    """
    made       last_updated of each change that was accepted, by the path of what was changed, in order
    uncertain  changes whose answer was lost, and of which a look told whether they were made
    """

    member: Member
    http: httpx.AsyncClient
    made: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    uncertain: int = 0
    _locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _last: float = 0.0

    def now(self) -> str:
        """A moment of its own for each change."""
        self._last = max(time.time(), self._last + 0.001)
        return wire_time(datetime.fromtimestamp(round(self._last, 3), UTC))

    async def change(self, method: str, path: str, body: dict[str, Any], **params: str) -> None:
        """PUT or PATCH, until it is made. What it is about is changed by nobody else meanwhile."""
        async with self._locks[_object(path)]:
            body = body | {"last_updated": self.now()}
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                try:
                    await self.ask(method, path, body, **params)
                    break
                except Unanswered:
                    if time.monotonic() > deadline:
                        raise
                    self.uncertain += 1
                    await asyncio.sleep(AGAIN_SECONDS)
                    if await self._has(path, body["last_updated"], params):
                        break
            self.made[path].append(body["last_updated"])

    async def _has(self, path: str, last_updated: str, params: dict[str, str]) -> bool:
        known = await self.look(path, **params)
        return known is not None and parse_time(known["last_updated"]) >= parse_time(last_updated)

    async def look(self, path: str, **params: str) -> Any:
        """What there is, asked until there is an answer; None, if there is nothing."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await self.ask("GET", path, **params)
            except Unanswered:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(AGAIN_SECONDS)

    async def ask(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        """Once. None for what there is not; raises Unanswered, and AssertionError for what is refused"""
        try:
            answer = await self.http.request(method, f"/api{path}", json=body, params=params)
        except httpx.TransportError as fault:
            raise Unanswered(repr(fault)) from fault
        if answer.status_code >= 500:
            raise Unanswered(f"{answer.status_code} {answer.text}")
        if answer.status_code == 404 and method == "GET":
            return None
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text} to {body}"
        return answer.json()


def _object(path: str) -> str:
    """A Location and its EVSEs are one: a change of one of them is a change of all around it."""
    return "/".join(path.split("/")[:5])


@asynccontextmanager
async def opened_desk(member: Member) -> AsyncIterator[Desk]:
    bearer = {"authorization": f"Bearer {member.secrets[0]}"}
    # httpx's own transport lets an AttributeError out, if the server dies just when a connection to it is made.
    async with httpx.AsyncClient(
        transport=AiohttpTransport(), base_url=member.url, headers=bearer, timeout=20, trust_env=False
    ) as http:
        yield Desk(member, http)
