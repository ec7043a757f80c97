"""The page of events: the newest of a kind first, however many others came since, and earlier ones behind a link."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.console.test_pages import browser, sign_in
from tests.server import Server

from ocpi_party.events import repository
from ocpi_party.events.repository import EventType


@pytest.fixture
async def visitor(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(server) as signed_in:
        assert (await sign_in(signed_in)).status_code == 303
        yield signed_in


async def _tell(server: Server, kind: EventType, times: int) -> None:
    async with server.app.building.database.write() as tx:
        await repository.tell_many(tx, kind, [(f"{kind}/{number}", {}) for number in range(times)])


def _subjects(page: httpx.Response) -> list[str]:
    return re.findall(r"<code>([a-z.]+/\d+)</code>", page.text)


async def test_a_kind_of_events_is_found_behind_many_others(server: Server, visitor: httpx.AsyncClient) -> None:
    await _tell(server, EventType.CDR_RECEIVED, 2)
    await _tell(server, EventType.OBJECT_CHANGED, 250)

    of_a_kind = await visitor.get("/console/events?type=cdr.*")
    of_an_object = await visitor.get("/console/events?subject=CDR.received/1")
    of_none = await visitor.get("/console/events?type=party.*")

    assert _subjects(of_a_kind) == ["cdr.received/1", "cdr.received/0"]
    assert _subjects(of_an_object) == ["cdr.received/1"]
    assert _subjects(of_none) == []
    assert not [page for page in (of_a_kind, of_an_object, of_none) if "Earlier" in page.text]


async def test_earlier_events_of_a_kind_are_behind_a_link(server: Server, visitor: httpx.AsyncClient) -> None:
    for _ in range(3):
        await _tell(server, EventType.CDR_RECEIVED, 50)
        await _tell(server, EventType.OBJECT_CHANGED, 120)

    newest = await visitor.get("/console/events?type=cdr.*")
    link = re.search(r'href="([^"]*)">Earlier', newest.text)
    assert link, newest.text
    earlier = await visitor.get(link[1].replace("&amp;", "&"))

    assert len(_subjects(newest)) == 100
    assert _subjects(newest)[-1] == "cdr.received/0"
    assert _subjects(earlier)[-50:] == [f"cdr.received/{number}" for number in reversed(range(50))]
    assert "Earlier" not in earlier.text


async def test_a_place_to_begin_that_cannot_be_is_told(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get(f"/console/events?after={2**64}")).status_code == 422
