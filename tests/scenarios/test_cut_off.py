"""A worker whose connection to the database is cut takes its work up again at once, not when its lease ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from tests import own
from tests.commanding import an_emsp, settle, start_session, told
from tests.partner import FakePartner, envelope
from tests.pull.lists import PagedList, a_cpo, ids, some_locations
from tests.server import Server

pytestmark = pytest.mark.anyio

_CUT = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"""


Answering = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Cutter:
    """Cuts the connection of the next who writes to a table."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._cutting: asyncio.Task[None] | None = None

    async def cut_next(self, table: str) -> None:
        """It begins before this returns."""
        connection = await asyncpg.connect(self._url)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")

        async def cut() -> None:
            try:
                async with asyncio.timeout(60):
                    while not await connection.fetchval(_CUT):
                        await asyncio.sleep(0.01)
            finally:
                await connection.close()

        self._cutting = asyncio.create_task(cut())

    async def done(self) -> None:
        assert self._cutting is not None, "nobody came by"
        await self._cutting

    def once(self, table: str, answer: Callable[[httpx.Request], httpx.Response]) -> Answering:
        """Answers as `answer` does, and cuts off who wants to note that for the first time."""

        async def answering(request: httpx.Request) -> httpx.Response:
            if self._cutting is None:
                await self.cut_next(table)
            return answer(request)

        return answering


@pytest.fixture
def cutter(database_url: str) -> Cutter:
    return Cutter(database_url)


@asynccontextmanager
async def _cut_off(cutter: Cutter, caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Here a worker does its work, and is cut off once."""
    yield
    await cutter.done()
    assert "the database hung up" in caplog.text


async def _broken_off(tasks: Iterable[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_partner_is_told_again_at_once_what_it_may_not_know(
    server: Server, cutter: Cutter, caplog: pytest.LogCaptureFixture
) -> None:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    await own.publish(server)
    partner.on("PUT", "/locations", cutter.once("outbox_marks", lambda _: envelope()))

    async with _cut_off(cutter, caplog):
        await server.app.pushing.start_lanes()
        await _broken_off(server.app.pushing.hands.busy)
    await server.push()

    assert await server.rows("SELECT * FROM outbox_marks") == []
    assert len(partner.requests("PUT", "/locations")) == 2
    (lane,) = await server.rows("SELECT lease, leased_until FROM outbox_lanes")
    assert lane == {"lease": None, "leased_until": None}


async def test_a_webhook_is_told_the_same_event_again_at_once(
    server: Server, cutter: Cutter, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = server.internet.add(FakePartner(host="hooks.example"))
    consumer.on("POST", "/hook", cutter.once("webhooks", lambda _: httpx.Response(204)))
    await server.operator.post("/api/webhooks", json={"url": "https://hooks.example/hook"})
    await server.invite("tnm")

    async with _cut_off(cutter, caplog):
        await server.app.webhooks.start_due()
        await _broken_off(server.app.webhooks.hands.busy)
    await server.tell_webhooks()

    told_ids = [request.headers["webhook-id"] for request in consumer.requests("POST", "/hook")]
    assert len(told_ids) == 2
    assert len(set(told_ids)) == 1
    (state,) = (await server.operator.get("/api/webhooks")).json()
    assert (state["delivered"], state["failures"]) == (1, 0)


async def test_a_result_is_delivered_again_at_once(
    server: Server, cutter: Cutter, caplog: pytest.LogCaptureFixture
) -> None:
    tnm = await an_emsp(server)
    tnm.partner.on("POST", "/back", cutter.once("results_due", lambda _: envelope()))
    await tnm.post("/commands/START_SESSION", start_session())
    await settle(server)

    async with _cut_off(cutter, caplog):
        await server.app.results.start()
        await _broken_off(list(server.app.results.hands.busy))
    await server.app.results.start()
    await asyncio.gather(*server.app.results.hands.busy)

    assert [one["result"] for one in told(tnm.partner)] == ["ACCEPTED", "ACCEPTED"]
    assert [row["state"] for row in await server.rows("SELECT state FROM results_due")] == ["DELIVERED"]


async def test_a_list_is_fetched_to_its_end_at_once(
    server: Server, cutter: Cutter, caplog: pytest.LogCaptureFixture
) -> None:
    partner = server.internet.add(a_cpo())
    listed = PagedList(partner, some_locations(3))
    await server.connect(partner)
    partner.on("GET", "/sender/locations", cutter.once("pulls", listed.answer))

    async with _cut_off(cutter, caplog):
        await server.app.pulling.start_crawls()
        await _broken_off(server.app.pulling.hands.busy)
    await server.app.pulling.pull_due()

    (pull,) = await server.rows("SELECT finished_at IS NOT NULL AS finished, lease, leased_until FROM pulls")
    assert pull == {"finished": True, "lease": None, "leased_until": None}
    assert ids(await server.rows("SELECT key FROM locations ORDER BY key")) == ["LOC1", "LOC2", "LOC3"]
