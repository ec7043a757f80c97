"""Every list of the operator's API takes offset, limit, date_from and date_to, and tells X-Total-Count and Link."""

import re
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from tests.commanding import BACK, an_emsp, start_session
from tests.objects import a_location, an_evse
from tests.own import publish
from tests.partner import Caller, FakePartner
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
async def test_a_window_that_ends_before_it_begins_is_refused(server: Server, path: str) -> None:
    dates = "date_from=2026-03-01T12:00:00Z&date_to=2026-03-01T{}Z"

    answer = await server.operator.get(f"{path}?{dates.format('11:59:59.999')}")

    assert answer.status_code == 422, answer.text
    assert (answer.json()["parameter"], answer.json()["detail"]) == (
        "date_to",
        "date_to: lies before date_from, 2026-03-01T12:00:00Z",
    )
    assert (await _get(server, f"{path}?{dates.format('12:00:00')}")).json() == []


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


async def _told_twice(server: Server) -> Caller:
    """NL/TNM tells each of two eMSPs of ours of its LOC1, the second of another name."""
    await server.add_party("NL", "OWX", "EMSP")
    await publish(server)
    tnm = await server.connect(server.internet.add(FakePartner()))
    for party, name in (("OWM", "First"), ("OWX", "Second")):
        caller = tnm.speaking(("NL", "TNM"), ("NL", party), "emsp")
        answer = await caller.put(
            "/locations/NL/TNM/LOC1", a_location(name=name, evses=[an_evse(evse_id=f"NL*TNM*E{party}")])
        )
        assert answer.status_code == 1000, answer
    return tnm


async def test_what_was_sent_to_several_of_our_parties_is_listed_for_each(server: Server) -> None:
    await _told_twice(server)

    listed = (await _get(server, "/api/locations?origin=true")).json()
    plain = (await _get(server, "/api/locations")).json()
    narrowed = await _get(server, "/api/locations?for=nl*owx&limit=1")

    assert [(one["name"], one["origin"]) for one in listed] == [
        ("Gent Zuid", None),
        ("First", {"partner": 1, "for": "NL*OWM"}),
        ("Second", {"partner": 1, "for": "NL*OWX"}),
    ]
    assert [{n: v for n, v in one.items() if n != "origin"} for one in listed] == plain
    assert ([one["name"] for one in narrowed.json()], narrowed.headers["x-total-count"]) == (["Second"], "1")
    assert (await _get(server, "/api/locations?for=NL*OWX&own=true")).json() == []


async def test_where_an_object_came_from_is_ours_to_say_and_said_once(server: Server) -> None:
    tnm = await server.connect(server.internet.add(FakePartner()))
    caller = tnm.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await caller.put("/locations/NL/TNM/LOC1", a_location(origin="elsewhere"))

    listed = await _get(server, "/api/locations?origin=true")
    plain = await _get(server, "/api/locations")

    assert listed.text.count('"origin"') == 1
    assert listed.json()[0]["origin"] == {"partner": 1, "for": "NL*OWM"}
    assert plain.json()[0]["origin"] == "elsewhere"


async def test_one_that_was_sent_to_several_of_our_parties_is_shown_as_one_of_them_has_it(server: Server) -> None:
    await _told_twice(server)
    url, owm, owx = "/api/locations/NL/TNM/LOC1", "for=NL*OWM", "for=nl*owx"

    named = [(await _get(server, f"{url}?{one}")).json()["name"] for one in (owm, owx)]
    evses = [(await _get(server, f"{url}/3256?{one}")).json()["evse_id"] for one in (owm, owx)]
    shown = (await _get(server, f"{url}?origin=true&{owm}")).json()

    assert (named, evses) == (["First", "Second"], ["NL*TNM*EOWM", "NL*TNM*EOWX"])
    assert shown["origin"] == {"partner": 1, "for": "NL*OWM"}
    for part in ("", "/3256", "/3256/1"):
        assert (await server.operator.get(f"{url}{part}?for=NL*XXX")).status_code == 404
        assert (await server.operator.get(f"{url}{part}?for=OWM")).status_code == 422


@pytest.mark.parametrize("name", ["locations", "tariffs", "sessions", "cdrs", "tokens"])
@pytest.mark.parametrize("query", ["country_code=", "country_code=NLD", "party_id=", "party_id=OWAX", "for=", "own="])
async def test_a_filter_that_no_object_can_meet_is_refused(server: Server, name: str, query: str) -> None:
    answer = await server.operator.get(f"/api/{name}?{query}")

    assert (answer.status_code, answer.json()["parameter"]) == (422, query.partition("=")[0])
