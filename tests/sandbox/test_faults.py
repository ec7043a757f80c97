"""Faults around a server of ours: each shows outside, and the server inside does what it was asked."""

import asyncio
import base64
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.own import fill
from tests.partner import Caller, FakePartner
from tests.server import PUBLIC_URL, Server

from ocpi_party.sandbox.faults import Fault, Faults, Faulty
from ocpi_party.sandbox.parties import CPO
from ocpi_party.sandbox.server import sandboxed

LIST = "/ocpi/cpo/2.2.1/locations"


@pytest.fixture
async def tnm(server: Server) -> Caller:
    return await server.connect(server.internet.add(FakePartner()))


@pytest.fixture
async def faulty(server: Server, tnm: Caller) -> AsyncIterator[tuple[Faults, httpx.AsyncClient]]:
    """The server with faults, as the partner sees it."""
    app = Faulty(server.app, Faults())
    encoded = base64.b64encode(tnm.token.encode()).decode()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=PUBLIC_URL, headers={"authorization": f"Token {encoded}"}
    ) as http:
        yield app.faults, http


Partner = tuple[Faults, httpx.AsyncClient]


async def test_without_faults_nothing_is_touched(faulty: Partner) -> None:
    _, http = faulty

    answer = await http.get("/ocpi/versions")

    assert answer.json()["status_code"] == 1000


@pytest.mark.parametrize(
    ("fault", "status", "kind", "begins"),
    [
        (Fault.ERROR_500, 500, "text/plain", "Internal"),
        (Fault.GARBAGE, 200, "text/html", "<html>"),
        (Fault.WRONG_ENVELOPE, 200, "application/json", "[{"),
    ],
)
async def test_answer_is_spoilt(faulty: Partner, fault: Fault, status: int, kind: str, begins: str) -> None:
    faults, http = faulty
    faults.change([fault])

    answer = await http.get("/ocpi/versions")

    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
    assert answer.text.startswith(begins)


async def test_only_some_modules_are_spoilt_and_never_what_is_not_ocpi(faulty: Partner) -> None:
    faults, http = faulty
    faults.change([Fault.ERROR_500], modules=["locations"])

    assert (await http.get(LIST)).status_code == 500
    assert (await http.get("/ocpi/versions")).status_code == 200
    assert (await http.get("/health/live")).status_code == 200


async def test_slow_answer_is_held_back_until_faults_change(faulty: Partner) -> None:
    faults, http = faulty
    faults.change([Fault.SLOW], seconds=3600)
    answer = asyncio.create_task(http.get("/ocpi/versions"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not answer.done()

    faults.change([])

    assert (await answer).status_code == 200


async def test_raw_token_refuses_an_encoded_one(faulty: Partner, tnm: Caller) -> None:
    faults, http = faulty
    faults.change([Fault.RAW_TOKEN])

    assert (await http.get("/ocpi/versions")).status_code == 401
    raw = {"authorization": f"Token {tnm.token}"}
    assert (await http.get("/ocpi/versions", headers=raw)).status_code == 200


async def test_list_loses_its_first_object_while_it_is_paged_through(server: Server, faulty: Partner) -> None:
    await fill(server, 5)
    faults, http = faulty
    faults.change([Fault.SHRINKING_LIST])

    first = await http.get(LIST, params={"offset": 0, "limit": 2})
    small = await http.get(LIST)
    naive = await http.get(first.links["next"]["url"])
    careful = await http.get(LIST, params={"offset": 1, "limit": 2})

    assert [first.headers["x-total-count"], naive.headers["x-total-count"]] == ["5", "4"]
    assert [one["id"] for one in first.json()["data"]] == ["L1", "L2"]
    assert [one["id"] for one in naive.json()["data"]] == ["L4", "L5"]
    assert "next" not in naive.links
    assert (small.json()["data"], small.headers["x-limit"]) == (first.json()["data"], "2")
    assert small.links["next"]["url"] == first.links["next"]["url"]
    assert [one["id"] for one in careful.json()["data"]] == ["L3", "L4"]


async def test_a_list_that_shrinks_leaves_other_questions_alone(server: Server, faulty: Partner) -> None:
    await fill(server, 1)
    faults, http = faulty
    faults.change([Fault.SHRINKING_LIST])

    one = await http.get(f"{LIST}/L1")
    profile = await http.get(
        "/ocpi/cpo/2.2.1/chargingprofiles/1?duration=900&response_url=https://tnm.example/?a=1&b=2"
    )

    assert one.json()["data"]["id"] == "L1"
    assert profile.json()["data"]["result"] == "UNKNOWN_SESSION"


async def test_modules_that_nobody_has_are_refused_in_words(server: Server) -> None:
    sandboxed(server.app, CPO, Faults(), speed=60)

    answer = await server.operator.put("/sandbox/faults", json={"faults": ["500"], "modules": ["versions", "foo"]})

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, "/modules/1")
    assert error["rule"].startswith("must be one of cdrs, ")
    assert (await server.operator.get("/sandbox/faults")).json()["faults"] == []


async def test_faults_that_are_no_json_are_refused_as_any_other_body(server: Server) -> None:
    sandboxed(server.app, CPO, Faults(), speed=60)

    answer = await server.operator.put("/sandbox/faults", content=b'{"faults":')

    assert (answer.status_code, answer.json()["title"]) == (400, "Unreadable JSON")


async def test_silent_command_is_promised_and_never_reaches_the_charge_points(server: Server, faulty: Partner) -> None:
    faults, http = faulty
    faults.change([Fault.SILENT_COMMANDS])
    url = "/ocpi/cpo/2.2.1/commands/STOP_SESSION"

    answer = await http.post(url, json={"response_url": "https://tnm.example/back/1", "session_id": "1"})
    stranger = await http.post(url, json={}, headers={"authorization": "Token bm9ib2R5"})

    assert answer.json()["data"]["result"] == "ACCEPTED"
    assert stranger.status_code == 401
    assert (await server.operator.get("/api/commands?direction=inbound")).json() == []
