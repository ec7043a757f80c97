"""Totals of filtered lists are put together from counts of whole days and of what is left at the edges."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from benchmarks.data import add_locations
from tests.partner import FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import wire_time

pytestmark = pytest.mark.anyio

START, STEP, COUNT = datetime(2025, 1, 1, tzinfo=UTC), timedelta(minutes=5), 900
WINDOWS = [
    (None, None),
    (timedelta(), None),
    (None, timedelta()),
    (timedelta(days=1), timedelta(days=2)),
    (timedelta(hours=7), timedelta(days=2, hours=3)),
    (timedelta(hours=7), timedelta(hours=9)),
    (timedelta(hours=20), timedelta(days=1, hours=2)),
    (timedelta(days=1), timedelta(days=1)),
    (timedelta(days=2), timedelta(days=1)),
    (timedelta(hours=30, milliseconds=1), None),
    (None, timedelta(hours=30)),
]


@pytest.mark.requirement("PAG-02", "PAG-03", "PAG-06")
async def test_total_of_a_window_is_what_lies_in_it(server: Server, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await add_locations(connection, COUNT)
    await connection.close()
    reader = (await server.connect(server.internet.add(FakePartner(roles=(("EMSP", "DE", "TNM"),))))).speaking(
        ("DE", "TNM"), ("NL", "OWA"), "cpo"
    )
    moments = [STEP * number for number in range(1, COUNT + 1)]

    for first, end in WINDOWS:
        params = {"limit": "1000"} | {
            name: wire_time(START + at) for name, at in (("date_from", first), ("date_to", end)) if at is not None
        }
        answer = await reader.get("/locations", params=params)

        inside = [at for at in moments if (first is None or at >= first) and (end is None or at < end)]
        assert int(answer.headers["x-total-count"]) == len(inside), params
        assert len(answer.data) == len(inside), params
