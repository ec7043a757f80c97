"""An object that is made several times at once ends in its newest state: there was nothing yet that could be locked."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from tests.objects import a_cdr_token, a_location, a_session, a_tariff, a_token
from tests.own import at
from tests.partner import FakePartner, envelope
from tests.server import Server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import PartyId

OWA, OWM, TNM, CPO = PartyId("NL", "OWA"), PartyId("NL", "OWM"), PartyId("DE", "TNM"), PartyId("NL", "TNM")
OURS: dict[str, tuple[Any, str, str, list[Any]]] = {
    "locations/NL/OWA": (a_location(OWA, evses=[]), "id", "name", ["a", "b", "c", "d", "e", "f"]),
    "tariffs/NL/OWA": (a_tariff(OWA), "id", "currency", ["EUR", "USD", "CHF", "GBP", "NOK", "SEK"]),
    "tokens/NL/OWM": (a_token(OWM), "uid", "visual_number", ["a", "b", "c", "d", "e", "f"]),
    "sessions/NL/OWA": (a_session(OWA, cdr_token=a_cdr_token(TNM)), "id", "kwh", [1, 2, 3, 4, 5, 6]),
}
MINUTES = (3, 9, 1, 7, 5, 0)


@pytest.mark.requirement("OWN-20", "OPS-10")
@pytest.mark.parametrize("path", OURS)
async def test_of_changes_at_once_to_what_is_new_the_newest_stands(server: Server, path: str) -> None:
    body, name, field, values = OURS[path]
    for number in range(5):
        url = f"/api/{path}/N{number}"
        made = [
            body | {name: f"N{number}", field: value, "last_updated": at(minute)}
            for value, minute in zip(values, MINUTES, strict=True)
        ]

        answers = await asyncio.gather(*(server.operator.put(url, json=one) for one in made))

        known = (await server.operator.get(url, params={"type": "RFID"} if name == "uid" else {})).json()
        assert (known["last_updated"], known[field]) == (at(9), values[MINUTES.index(9)])
        assert {one.status_code for one in answers} <= {200, 201, 409}
        assert [one.status_code for one in answers].count(201) == 1


T = TypeVar("T")
_HIDDEN = Statement("UPDATE tariffs SET gone = :gone WHERE key = '12'")
_SOMEBODY_WAITS = Statement("SELECT EXISTS (SELECT FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))")


@pytest.mark.requirement("OWN-08", "OWN-10", "STS-02")
@pytest.mark.parametrize("removed", [True, False])
async def test_an_object_is_new_if_it_was_removed_when_its_turn_came(server: Server, removed: bool) -> None:
    caller = (await server.connect(server.internet.add(FakePartner()))).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await caller.put("/tariffs/NL/TNM/12", a_tariff(CPO, last_updated=at(1)))

    answer = await _in_its_turn(server, removed, caller.put("/tariffs/NL/TNM/12", a_tariff(CPO, last_updated=at(2))))

    assert (answer.http_status, await _last_told(server)) == (
        (201, "object.received") if removed else (200, "object.changed")
    )


@pytest.mark.requirement("OWN-17")
@pytest.mark.parametrize("removed", [True, False])
async def test_an_object_in_a_list_is_new_if_it_was_removed_when_its_turn_came(server: Server, removed: bool) -> None:
    partner = FakePartner(endpoints=[("tariffs", "SENDER")])
    partner.on(
        "GET",
        "/sender/tariffs",
        lambda _: envelope([a_tariff(CPO, last_updated=at(2))], headers={"x-total-count": "1", "x-limit": "50"}),
    )
    caller = (await server.connect(server.internet.add(partner))).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await caller.put("/tariffs/NL/TNM/12", a_tariff(CPO, last_updated=at(1)))

    await _in_its_turn(server, removed, server.app.pulling.pull_due())

    assert await _last_told(server) == ("object.received" if removed else "object.changed")


async def _in_its_turn(server: Server, removed: bool, putting: Coroutine[Any, Any, T]) -> T:
    """Put while somebody else removes the object, or makes it new, and holds its row until the other waits for it."""
    database = server.app.building.database
    async with database.write() as tx:
        await tx.run(_HIDDEN, gone=not removed)
    async with database.write() as tx:
        await tx.run(_HIDDEN, gone=removed)
        put = asyncio.create_task(putting)
        while not await tx.value(_SOMEBODY_WAITS):
            await asyncio.sleep(0)
    return await put


async def _last_told(server: Server) -> str:
    (event,) = await server.rows("SELECT type FROM events WHERE type LIKE 'object.%' ORDER BY seq DESC LIMIT 1")
    kind: str = event["type"]
    return kind
