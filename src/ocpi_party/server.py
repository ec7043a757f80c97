"""The server as an ASGI application: who answers, the jobs that run beside it, how it begins and how it ends."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from ocpi_party.backoffice.health import Life, Unfit, check
from ocpi_party.bell import Bell
from ocpi_party.database import DatabaseUnavailable, LockTimeout
from ocpi_party.listening import Listening
from ocpi_party.messages import days
from ocpi_party.modules import retention
from ocpi_party.modules.tariffs.expiry import withdraw_expired
from ocpi_party.ocpi.types import now
from ocpi_party.owned.listing_counts import fold_counts
from ocpi_party.partners import repository as partners
from ocpi_party.pull.worker import PullWorker
from ocpi_party.push.renewal import RenewalWorker
from ocpi_party.push.results import ResultWorker
from ocpi_party.push.worker import PushWorker
from ocpi_party.settings import Settings
from ocpi_party.tracing.export import Export
from ocpi_party.transport.asked import Building
from ocpi_party.transport.front import OcpiFront
from ocpi_party.transport.paths import as_sent, is_ocpi
from ocpi_party.webhooks.worker import WebhookWorker

log = logging.getLogger(__name__)

_TURNS_WITHIN_SECONDS = 30
"""They look twice a second; where the database hangs, they are told so within a few seconds."""

_AS_SENT = ("/api/", "/console")


@dataclass(slots=True)
class App:
    """The whole server as an ASGI application; OCPI requests take the short way.

    export    where spans go; None if nobody wants them
    entrance  what stands around the answering of requests; None for nothing
    further   jobs that this process has beside those of every server, begun and ended with it
    """

    settings: Settings
    building: Building
    listening: Listening
    bells: Sequence[Bell]
    front: OcpiFront
    pushing: PushWorker
    pulling: PullWorker
    results: ResultWorker
    webhooks: WebhookWorker
    renewing: RenewalWorker
    api: FastAPI
    life: Life
    export: Export | None = None
    entrance: ASGIApp | None = None
    further: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.entrance or self.answer)(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_ocpi(scope["path"]):
            await self.front(scope, receive, send)
        else:
            if scope["type"] == "http" and scope["path"].startswith(_AS_SENT):
                as_sent(scope)
            await self.api(scope, receive, send)

    @asynccontextmanager
    async def running(self, *, workers: bool) -> AsyncIterator[None]:
        """Open what the server needs, and close it again. Raises DatabaseUnavailable"""
        building = self.building
        if self.export is not None:
            self.export.open()
        await building.database.open()
        try:
            await self.listening.open()
            await building.client.open()
            await self.webhooks.open()
            jobs = [self._housekeeping, *(bell.run for bell in self.bells), *self.further]
            if building.messages is not None:
                jobs.append(building.messages.run)
            if workers:
                jobs += [self.pushing.run, self.pulling.run, self.results.run, self.webhooks.run, self.renewing.run]
                jobs.append(self._tidying)
            self.tasks = [asyncio.create_task(_kept_up(job)) for job in jobs]
            yield
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await self.webhooks.close()
            await building.client.close()
            if building.messages is not None:
                await building.messages.close()
            await self.listening.close()
            await building.database.close()
            if self.export is not None:
                await self.export.close()

    async def check_work(self) -> None:
        """The workers of this process do their work: they look for it, and the database answers. Raises Unfit"""
        await check(self.building.database)
        moment = asyncio.get_running_loop().time()
        turned = {
            "push": self.pushing.hands.turned_at,
            "pull": self.pulling.hands.turned_at,
            "results": self.results.hands.turned_at,
            "webhooks": self.webhooks.hands.turned_at,
            "renewal": self.renewing.hands.turned_at,
        }
        for name, turned_at in turned.items():
            if turned_at is None or moment - turned_at > _TURNS_WITHIN_SECONDS:
                raise Unfit(
                    f"the worker for {name} has not looked for work for more than {_TURNS_WITHIN_SECONDS} seconds"
                )

    async def _housekeeping(self) -> None:
        """Small things that need no moment of their own."""
        while True:
            await asyncio.sleep(5)
            with suppress(DatabaseUnavailable):
                await self.listening.again()
                seen, self.front.seen = self.front.seen, set()
                async with self.building.database.write() as tx:
                    if seen:
                        await partners.touch(tx, sorted(seen))
                    await withdraw_expired(tx)
                    await fold_counts(tx)

    async def _tidying(self) -> None:
        while True:
            with suppress(DatabaseUnavailable):
                await self.tidy()
            await asyncio.sleep(3600)

    async def tidy(self) -> None:
        """Forget what is old enough or was never finished, and have tomorrow's partition of the messages ready."""
        database = self.building.database
        async with database.write() as tx:
            unfinished = await partners.forget_unfinished(tx)
        for one in unfinished:
            log.warning("partner %s (%s): connecting was broken off; it may have registered us", one["id"], one["name"])
        with suppress(LockTimeout):  # Messages that somebody reads just now wait for the next time, and they alone.
            async with database.write() as tx:
                await days.tidy(tx, now(), timedelta(days=self.settings.message_log_days))
        gone = await retention.forget_old(database, kept(self.settings), now())
        if gone:
            log.info(
                "forgotten, because it was old enough: %s", ", ".join(f"{n} of {kind}" for kind, n in gone.items())
            )


def kept(settings: Settings) -> dict[str, timedelta]:
    """How long each kind of record is kept; zero for ever."""
    return {kind: timedelta(days=getattr(settings, f"{kind}_days")) for kind in retention.RULES}


async def _kept_up(job: Callable[[], Awaitable[None]]) -> None:
    """Run a job that never ends; a bug in it is logged, and must not end it for the rest of the process's life."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("a background job broke off and is begun again")
        await asyncio.sleep(1)
