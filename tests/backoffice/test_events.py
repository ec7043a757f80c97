"""What happened can be read in order, streamed, and is told to webhooks."""

import asyncio
import base64
import hmac
import json
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import httpx
import pytest
from tests.commanding import DE_TNM
from tests.conftest import NewDatabase
from tests.objects import a_location, a_token
from tests.partner import FakePartner
from tests.server import Server

from ocpi_party import hands
from ocpi_party.backoffice import events as feed
from ocpi_party.database import DatabaseUnavailable, Statement
from ocpi_party.events import repository
from ocpi_party.events.repository import EventType

_NUMBER = Statement("SELECT pg_current_xact_id()")


async def _connected(server: Server) -> FakePartner:
    partner = server.internet.add(FakePartner())
    caller = (await server.connect(partner)).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await caller.put("/locations/NL/TNM/LOC1", a_location())
    return partner


async def _told(server: Server, count: int) -> list[dict[str, Any]]:
    """The events, as soon as there are so many: an open transaction elsewhere on the PostgreSQL may hold them back."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found = (await server.operator.get("/api/events")).json()
    return found


async def test_the_feed_tells_in_order_and_goes_on_behind_the_last(server: Server) -> None:
    await _connected(server)

    told = await _told(server, 3)
    rest = (await server.operator.get("/api/events", params={"after": told[-2]["id"]})).json()
    about = (await server.operator.get("/api/events", params={"type": "object.*"})).json()

    assert [one["type"] for one in told] == ["partner.invited", "partner.connected", "object.received"]
    assert rest == told[-1:]
    assert [one["subject"] for one in about] == ["locations/NL*TNM/LOC1"]
    assert about[0]["specversion"] == "1.0"


async def test_the_token_of_an_event_can_be_fetched(server: Server) -> None:
    caller = (await server.connect(server.internet.add(FakePartner()))).speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
    put = await caller.put("/tokens/DE/TNM/A%20B?type=APP_USER", a_token(DE_TNM, uid="A B", type="APP_USER"))
    assert put.status_code == 1000, put

    (told,) = (await server.operator.get("/api/events?type=object.*")).json()
    data = told["data"]
    path = f"/api/tokens/{data['country_code']}/{data['party_id']}/{data['id']}?type={data['type']}"

    assert (data["id"], data["type"]) == ("A B", "APP_USER")
    assert (await server.operator.get(path)).json()["uid"] == "A B"


async def test_an_event_of_an_open_transaction_is_waited_for(server: Server) -> None:
    database = server.app.building.database
    async with database.write() as slow:
        await repository.tell(slow, EventType.OBJECT_CHANGED, "first", {})
        async with database.write() as quick:
            await repository.tell(quick, EventType.OBJECT_CHANGED, "second", {})
        meanwhile = (await server.operator.get("/api/events")).json()

    afterwards = await _told(server, 2)
    assert meanwhile == []
    assert [one["subject"] for one in afterwards] == ["first", "second"]


async def test_the_stream_resumes_and_ends_when_the_server_stops(server: Server) -> None:
    await _connected(server)
    told = await _told(server, 3)
    happenings = server.app.building.happenings
    streaming = asyncio.create_task(server.operator.get("/api/events/stream", headers={"last-event-id": told[0]["id"]}))
    while not happenings._waiting:  # It has told what there is.
        await asyncio.sleep(0)

    server.app.life.stop()
    answer = await streaming

    lines = [line for line in answer.text.splitlines() if line.startswith("id: ")]
    assert lines == [f"id: {one['id']}" for one in told[1:]]


@pytest.mark.parametrize("begin", [{"last-event-id": "0"}, {}])
async def test_no_stream_begins_where_the_server_stops(server: Server, begin: dict[str, str]) -> None:
    await _connected(server)
    await _told(server, 3)
    server.app.life.stop()

    answer = await server.operator.get("/api/events/stream", headers=begin)

    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"] == "1"
    assert (answer.json()["title"], answer.json()["detail"]) == ("Stopping", "this process is stopping")


async def test_a_stream_that_is_behind_ends_as_well_when_the_server_stops(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_BATCH", 2)
    for number in range(5):
        await server.invite(f"partner {number}")
    told = await _told(server, 5)
    stream = feed._Stream(server.app.building, 0, repository.ALL)
    await stream.look()
    chunks = stream.told()

    seen = [await anext(chunks) for _ in range(2)]
    server.app.building.happenings.close()
    seen += [chunk async for chunk in chunks]

    ids = [line for chunk in seen for line in chunk.decode().splitlines() if line.startswith("id: ")]
    assert ids == [f"id: {one['id']}" for one in told[:2]]


async def test_a_reader_ahead_of_all_events_is_told_so_until_numbers_go_on_behind_its_own(server: Server) -> None:
    await _connected(server)
    last = int((await _told(server, 3))[-1]["id"])
    feed, stream = {"after": last + 5}, {"last-event-id": str(last + 5)}

    refused = [
        await server.operator.get("/api/events", params=feed),
        await server.operator.get("/api/events/stream", params=feed),
        await server.operator.get("/api/events/stream", headers=stream),
    ]
    at_the_end = await server.operator.get("/api/events", params={"after": last})
    async with server.app.building.database.write() as tx:
        await repository.skip(tx, 10)
    await server.invite("another")

    assert [(one.status_code, one.json()["parameter"]) for one in refused] == [
        (422, "after"), (422, "after"), (422, "last-event-id")
    ]  # fmt: skip
    assert "restored from a backup" in refused[0].json()["detail"]
    assert (at_the_end.status_code, at_the_end.json()) == (200, [])
    (behind,) = (await server.operator.get("/api/events", params=feed)).json()
    assert int(behind["id"]) == last + 11


@pytest.mark.parametrize("begin", [{"last-event-id": "0"}, {}])
async def test_without_a_database_no_stream_begins(
    server: Server, caplog: pytest.LogCaptureFixture, begin: dict[str, str]
) -> None:
    await server.app.building.database.close()

    answer = await server.operator.get("/api/events/stream", headers=begin)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Traceback" not in caplog.text
    await server.app.building.database.open()


async def test_a_stream_ends_with_the_database_and_goes_on_at_its_place(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    await _connected(server)
    told = await _told(server, 3)
    happenings, database = server.app.building.happenings, server.app.building.database
    streaming = asyncio.create_task(server.operator.get("/api/events/stream", headers={"last-event-id": told[0]["id"]}))
    while not happenings._waiting:  # It has told what there is.
        await asyncio.sleep(0)
    await database.close()
    happenings.wake()

    answer = await streaming

    assert [line for line in answer.text.splitlines() if line.startswith("id: ")] == [
        f"id: {one['id']}" for one in told[1:]
    ]
    assert [(one.levelname, one.exc_info) for one in caplog.records if "stream" in one.getMessage()] == [
        ("WARNING", None)
    ]
    assert f"a stream of events ends at {told[-1]['id']}: the database is not open" in caplog.text
    await database.open()


async def test_an_event_is_not_missed_whose_transaction_began_later_and_goes_on_longer(server: Server) -> None:
    database = server.app.building.database
    async with database.write() as slow:
        async with database.write() as older:  # By number, although it begins second.
            await older.run(_NUMBER)
            await repository.tell(slow, EventType.OBJECT_CHANGED, "first", {})
            await repository.tell(older, EventType.OBJECT_CHANGED, "second", {})
        meanwhile = (await server.operator.get("/api/events")).json()
        async with database.write() as quick:
            await repository.tell(quick, EventType.OBJECT_CHANGED, "third", {})
        still = (await server.operator.get("/api/events")).json()

    afterwards = await _told(server, 3)
    assert (meanwhile, still) == ([], [])
    assert [one["subject"] for one in afterwards] == ["first", "second", "third"]


async def test_events_are_read_although_some_transaction_is_always_open(server: Server) -> None:
    database = server.app.building.database
    async with database.write() as told:
        await repository.tell(told, EventType.OBJECT_CHANGED, "first", {})
    async with AsyncExitStack() as later:
        async with database.write() as sooner:
            await repository.tell(sooner, EventType.OBJECT_CHANGED, "second", {})
            await server.operator.get("/api/events")
            third = await later.enter_async_context(database.write())
            await repository.tell(third, EventType.OBJECT_CHANGED, "third", {})

        found = (await server.operator.get("/api/events")).json()

    assert [one["subject"] for one in found] == ["first"]


async def test_a_delivery_that_breaks_off_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    def hangs_up(_request: httpx.Request) -> httpx.Response:
        raise DatabaseUnavailable("the database hung up")

    hook = FakePartner(host="hooks.example")
    hook.on("POST", "/hook", hangs_up)
    server.internet.add(hook)
    await server.operator.post("/api/webhooks", json={"url": "https://hooks.example/hook"})
    await server.invite("tnm")
    await _told(server, 1)

    await server.tell_webhooks()

    assert "deliveries to webhooks: a task broke off" in caplog.text
    assert "the database hung up" in caplog.text


async def test_a_webhook_gets_each_event_signed_and_again_until_it_takes_it(server: Server) -> None:
    got: list[httpx.Request] = []
    broken = FakePartner(host="hooks.example")

    def take(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(500 if len(got) == 1 else 204)

    broken.on("POST", "/hook", take)
    server.internet.add(broken)
    made = (
        await server.operator.post("/api/webhooks", json={"url": "https://hooks.example/hook", "types": ["object.*"]})
    ).json()
    await _connected(server)
    await _told(server, 3)

    await server.tell_webhooks()
    failed = (await server.operator.get("/api/webhooks")).json()[0]
    await server.operator.post(f"/api/webhooks/{made['id']}/resend", json={"after": failed["delivered_up_to"]})
    await server.tell_webhooks()

    state = (await server.operator.get("/api/webhooks")).json()[0]
    first, second = got
    assert (failed["failures"], failed["last_error"]) == (1, "HTTP 500")
    assert (state["failures"], state["delivered"]) == (0, 1)
    assert json.loads(first.content) == json.loads(second.content)
    assert json.loads(second.content)["subject"] == "locations/NL*TNM/LOC1"
    signed = f"{second.headers['webhook-id']}.{second.headers['webhook-timestamp']}.".encode() + second.content
    key = base64.b64decode(made["secret"].removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert second.headers["webhook-signature"] == expected


async def test_what_happens_is_told_at_once_also_while_something_is_being_told(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hands, "_POLL_SECONDS", 3600)
    hook = server.internet.add(FakePartner(host="hooks.example"))
    told: asyncio.Queue[str] = asyncio.Queue()

    async def take(request: httpx.Request) -> httpx.Response:
        told.put_nowait(subject := json.loads(request.content)["subject"])
        if subject.startswith("locations"):
            await server.invite("another")
        return httpx.Response(204)

    hook.on("POST", "/hook", take)
    partner = (await server.connect(server.internet.add(FakePartner()))).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    body = {"url": "https://hooks.example/hook", "types": ["object.*", "partner.invited"]}
    await server.operator.post("/api/webhooks", json=body)
    working = asyncio.create_task(server.app.webhooks.run())
    await asyncio.sleep(0)

    await partner.put("/locations/NL/TNM/LOC1", a_location())

    async with asyncio.timeout(30):
        subjects = [await told.get(), await told.get()]
    working.cancel()
    assert (subjects[0], subjects[1].partition("/")[0]) == ("locations/NL*TNM/LOC1", "partners")


async def test_a_webhook_that_is_being_told_when_the_server_stops_waits_for_nobody(server: Server) -> None:
    hook = server.internet.add(FakePartner(host="hooks.example"))
    told: asyncio.Queue[str] = asyncio.Queue()

    async def hang(request: httpx.Request) -> httpx.Response:
        told.put_nowait(request.headers["webhook-id"])
        if told.qsize() == 1:
            await asyncio.Event().wait()
        return httpx.Response(204)

    hook.on("POST", "/hook", hang)
    await server.operator.post("/api/webhooks", json={"url": "https://hooks.example/hook"})
    await server.invite("tnm")
    working = asyncio.create_task(server.app.webhooks.run())
    async with asyncio.timeout(30):
        while told.empty():
            await asyncio.sleep(0)

    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await server.tell_webhooks()

    assert told.qsize() == 2
    assert told.get_nowait() == told.get_nowait()


async def test_an_open_transaction_of_another_database_holds_nothing_back(
    server: Server, new_database: NewDatabase
) -> None:
    elsewhere = await asyncpg.connect(new_database())
    async with elsewhere.transaction():
        await elsewhere.execute("SELECT pg_current_xact_id()")
        await server.invite("tnm")

        told = (await server.operator.get("/api/events")).json()

    await elsewhere.close()
    assert [one["type"] for one in told] == ["partner.invited"]


async def test_events_asked_for_again_in_the_middle_of_a_delivery_are_delivered_again(server: Server) -> None:
    consumer = server.internet.add(FakePartner(host="hooks.example"))
    got: list[str] = []

    async def take(request: httpx.Request) -> httpx.Response:
        got.append(json.loads(request.content)["id"])
        if len(got) == 2:
            await server.operator.post(f"/api/webhooks/{made['id']}/resend", json={"after": 0})
        return httpx.Response(204)

    consumer.on("POST", "/hook", take)
    made = (await server.operator.post("/api/webhooks", json={"url": "https://hooks.example/hook"})).json()
    for name in ("a", "b", "c"):
        await server.invite(name)

    await server.tell_webhooks()
    await server.tell_webhooks()

    every = [one["id"] for one in (await server.operator.get("/api/events")).json()]
    assert got == [*every[:2], *every]
