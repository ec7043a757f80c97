"""Every list of the operator's API takes offset, limit, date_from and date_to, and tells X-Total-Count and Link."""

import re
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from tests.commanding import BACK, an_emsp, start_session
from tests.own import publish
from tests.server import Server

FILLED = ["/api/parties", "/api/partners", "/api/webhooks", "/api/locations", "/api/events"]
EVERY = [
    *FILLED,
    *(f"/api/{name}" for name in ("tariffs", "tokens", "sessions", "cdrs", "commands", "chargingprofiles", "messages")),
    "/api/sessions/charging_preferences",
    *(f"/api/{name}" for name in ("deliveries", "findings", "watch", "commands/reservations", "sessions/silent")),
]


async def _get(server: Server, path: str) -> httpx.Response:
    answer = await server.operator.get(path)
    assert answer.status_code == 200, answer.text
    return answer


async def _followed(server: Server, path: str) -> list[Any]:
    """All pages, by their Link."""
    found: list[Any] = []
    while True:
        answer = await _get(server, path)
        found += answer.json()
        link = re.fullmatch(r'<https://ours\.example(/.*)>; rel="next"', answer.headers.get("link", ""))
        if link is None:
            return found
        path = link[1]


async def _fill(server: Server) -> None:
    for number in range(3):
        await server.add_party("NL", f"P{number}X", "CPO")
        await server.invite(f"partner {number}")
        await publish(server, f"LOC{number}")
        answer = await server.operator.post("/api/webhooks", json={"url": f"https://x.example/{number}"})
        assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("path", EVERY)
async def test_a_list_is_counted_by_head(server: Server, path: str) -> None:
    await _fill(server)

    answer, head = await _get(server, path), await server.operator.head(path)

    assert (head.status_code, head.content) == (200, b"")
    assert [head.headers.get(name) for name in ("x-total-count", "x-limit", "link")] == [
        answer.headers.get(name) for name in ("x-total-count", "x-limit", "link")
    ]


@pytest.mark.parametrize("path", FILLED)
async def test_a_list_is_read_page_by_page(server: Server, path: str) -> None:
    await _fill(server)
    everything = (await _get(server, path)).json()

    first = await _get(server, f"{path}?limit=2")
    second = await _get(server, f"{path}?limit=2&offset=2")

    assert len(everything) > 2
    assert first.headers["x-total-count"] == second.headers["x-total-count"] == str(len(everything))
    assert (first.json(), first.headers["x-limit"]) == (everything[:2], "2")
    assert second.json() == everything[2:4]
    assert await _followed(server, f"{path}?limit=2") == everything


@pytest.mark.parametrize("path", FILLED)
async def test_a_window_that_holds_nothing_is_empty(server: Server, path: str) -> None:
    await _fill(server)

    windows: Sequence[str] = ("date_from=2100-01-01T00:00:00Z", "date_to=2000-01-01T00:00:00Z")
    for window in windows:
        answer = await _get(server, f"{path}?{window}")
        assert (answer.json(), answer.headers["x-total-count"]) == ([], "0")
    answer = await _get(server, f"{path}?date_from=2000-01-01T00:00:00Z&date_to=2100-01-01T00:00:00Z")
    assert len(answer.json()) > 2


@pytest.mark.parametrize("path", EVERY)
@pytest.mark.parametrize("query", ["offset=-1", "offset=x", "limit=0", "limit=1.5", "date_from=yesterday", "date_to=x"])
async def test_a_parameter_that_cannot_be_meant_is_refused(server: Server, path: str, query: str) -> None:
    answer = await server.operator.get(f"{path}?{query}")

    assert answer.status_code == 422, answer.text
    assert answer.json()["parameter"] == query.partition("=")[0]


@pytest.mark.parametrize("path", EVERY)
async def test_each_list_says_so_in_its_description(server: Server, path: str) -> None:
    described = (await _get(server, "/openapi.json")).json()["paths"][path]["get"]["parameters"]

    assert {"offset", "limit", "date_from", "date_to"} <= {one["name"] for one in described}
    assert "x-total-count" in (await _get(server, path)).headers


async def test_commands_are_read_page_by_page_newest_first(server: Server) -> None:
    caller = await an_emsp(server)
    for number in range(3):
        command = start_session(response_url=f"{BACK}/{number}", authorization_reference=f"REF-{number}")
        answer = await caller.post("/commands/START_SESSION", command)
        assert answer.status_code == 1000, answer

    found = await _followed(server, "/api/commands?direction=inbound&limit=2")
    none = await _get(server, "/api/commands?direction=inbound&date_to=2000-01-01T00:00:00Z")

    ids = [one["id"] for one in found]
    assert len(ids) == 3
    assert ids == sorted(ids, reverse=True)
    assert none.json() == []
