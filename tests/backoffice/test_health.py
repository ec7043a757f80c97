"""Whether the server lives, whether it is ready, and what it counts."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest
from tests.conftest import NewDatabase
from tests.partner import FakePartner
from tests.server import Server, start_server
from tests.stalling import stalling

from ocpi_party.backoffice.health import Unfit
from ocpi_party.pull.worker import PullWorker
from ocpi_party.push.renewal import RenewalWorker
from ocpi_party.push.results import ResultWorker
from ocpi_party.push.worker import PushWorker
from ocpi_party.server import App
from ocpi_party.webhooks.worker import WebhookWorker


@pytest.fixture
def database_url(new_database: NewDatabase) -> str:
    """A database that nobody uses afterwards: its schema is broken here."""
    return new_database()


async def test_server_is_ready_until_it_is_told_to_stop(server: Server) -> None:
    assert (await server.operator.get("/health/ready")).status_code == 200

    server.app.life.stop()

    answer = await server.operator.get("/health/ready")
    assert (answer.status_code, answer.json()["detail"]) == (503, "this process is stopping")
    assert (await server.operator.get("/health/live")).status_code == 200


async def test_a_load_balancer_may_ask_by_head(server: Server) -> None:
    async def asked() -> list[int]:
        return [(await server.operator.head(f"/health/{what}")).status_code for what in ("live", "ready")]

    assert await asked() == [200, 200]

    server.app.life.stop()

    assert await asked() == [200, 503]


async def test_server_without_its_database_is_not_ready(server: Server) -> None:
    database = server.app.building.database
    await database.close()

    answer = await server.operator.get("/health/ready")

    assert answer.status_code == 503
    assert "the database" in answer.json()["detail"]
    await database.open()
    assert (await server.operator.get("/health/ready")).status_code == 200


async def test_server_whose_database_hangs_says_so_each_time(database_url: str) -> None:
    async with stalling(database_url) as line, start_server(line.url) as server:
        assert (await server.operator.get("/health/ready")).status_code == 200
        line.stall()

        async with asyncio.timeout(60):
            told = [await server.operator.get("/health/ready") for _ in range(2)]

        assert [(one.status_code, one.json()["detail"]) for one in told] == [
            (503, "the database did not answer within 2 seconds")
        ] * 2
        line.flow()
        assert (await server.operator.get("/health/ready")).status_code == 200


async def test_schema_that_is_behind_is_not_ready(server: Server, database_url: str) -> None:
    await _set_migration(database_url, "0001")

    answer = await server.operator.get("/health/ready")

    assert answer.status_code == 503
    assert "run ocpi-party migrate" in answer.json()["detail"]


async def test_a_process_stays_ready_while_the_next_version_has_migrated_and_says_so(
    server: Server, database_url: str
) -> None:
    await _set_migration(database_url, "of-tomorrow")

    answer = await server.operator.get("/health/ready")

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert "start the newer version" in answer.json()["upgrade"]


def _workers(app: App) -> tuple[PushWorker, PullWorker, ResultWorker, WebhookWorker, RenewalWorker]:
    return app.pushing, app.pulling, app.results, app.webhooks, app.renewing


_BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"


async def test_a_worker_that_hangs_does_not_do_its_work(server: Server, database_url: str) -> None:
    app = server.app
    with pytest.raises(Unfit, match="the worker for push has not looked"):
        await app.check_work()  # It was not begun.
    tasks = [asyncio.create_task(one.run()) for one in _workers(app)]
    elsewhere = await asyncpg.connect(database_url)
    async with elsewhere.transaction():
        await elsewhere.execute("LOCK TABLE outbox_lanes IN ACCESS EXCLUSIVE MODE")
        while not await elsewhere.fetchval(_BLOCKED):
            await asyncio.sleep(0.01)
        await app.check_work()
        assert app.pushing.hands.turned_at is not None
        app.pushing.hands.turned_at -= 31  # So long ago it began to look, and looks still.
        with pytest.raises(Unfit, match="the worker for push has not looked"):
            await app.check_work()
    async with asyncio.timeout(60):
        while True:
            with suppress(Unfit):
                await app.check_work()
                break
            await asyncio.sleep(0.01)

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await elsewhere.close()


async def test_a_worker_without_its_database_does_not_do_its_work(server: Server) -> None:
    await server.app.building.database.close()

    with pytest.raises(Unfit, match="the database"):
        await server.app.check_work()

    await server.app.building.database.open()


async def _set_migration(database_url: str, revision: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
    await connection.close()


async def test_metrics_count_requests_by_module_and_route_template(server: Server) -> None:
    tnm = await server.connect(server.internet.add(FakePartner("TNM")))
    labels = 'module="locations",route="/ocpi/cpo/2.2.1/locations'
    before = await _sum(server, "ocpi_party_requests_total", labels, 'status="200"')

    await tnm.get("/ocpi/cpo/2.2.1/locations")

    assert await _sum(server, "ocpi_party_requests_total", labels, 'status="200"') == before + 1
    assert "TNM" not in (await server.operator.get("/metrics")).text  # Anybody who reaches the port may read it.


async def _sum(server: Server, name: str, *labels: str) -> float:
    lines = (await server.operator.get("/metrics")).text.splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith(name) and all(one in line for one in labels)
    )


async def test_metrics_name_routes_of_the_operators_api_as_they_are_called(server: Server) -> None:
    await server.operator.get("/api/partners/77")

    text = (await server.operator.get("/metrics")).text
    assert 'route="/api/partners/{partner_id}",side="api",status="404"' in text
