"""Each OCPI message is kept once, readable for an operator, and without anything that must stay secret."""

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.commanding import BACK, an_emsp, deliver, settle, start_session
from tests.objects import a_location, a_token
from tests.partner import FakePartner, envelope
from tests.server import Server

from ocpi_party.database import DatabaseUnavailable
from ocpi_party.messages import days
from ocpi_party.messages.message import BEGINNING, Message
from ocpi_party.ocpi.types import PartyId, now

CREDENTIALS = "/ocpi/2.2.1/credentials"
OWA, OWM = PartyId("NL", "OWA"), PartyId("NL", "OWM")


async def messages(server: Server, **only: Any) -> list[dict[str, Any]]:
    """Oldest first."""
    answer = await server.operator.get("/api/messages", params={"limit": 1000} | only)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found[::-1]


async def with_bodies(server: Server, message: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await server.operator.get(f"/api/messages/{message['id']}")).json()
    return found


def _told(message: dict[str, Any]) -> tuple[Any, ...]:
    named = ("direction", "method", "module", "object", "from", "to", "http_status", "ocpi_status", "ok")
    return tuple(message[name] for name in named)


@pytest.mark.requirement("OPS-11")
async def test_each_message_of_a_story_is_kept_once_with_what_it_was_about(server: Server) -> None:
    caller = await an_emsp(server)
    before = len(await messages(server))

    await server.push()
    await caller.post(
        "/commands/START_SESSION", start_session(), headers={"x-correlation-id": "C-1", "x-request-id": "R-1"}
    )
    await settle(server)
    await deliver(server)
    emsp = caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await emsp.put("/locations/NL/TNM/LOC9", a_location(id="LOC9"))
    await emsp.get("/locations/NL/TNM/NONE")

    assert [_told(one) for one in (await messages(server))[before:]] == [
        ("outbound", "PUT", "locations", "NL*OWA/LOC1", "NL*OWA", "DE*TNM", 200, 1000, True),
        ("inbound", "POST", "commands", "START_SESSION/1", "DE*TNM", "NL*OWA", 200, 1000, True),
        ("outbound", "POST", "commands", "START_SESSION/1", "NL*OWA", "DE*TNM", 200, 1000, True),
        ("inbound", "PUT", "locations", "NL*TNM/LOC9", "NL*TNM", "NL*OWM", 201, 1000, True),
        ("inbound", "GET", "locations", "NL*TNM/NONE", "NL*TNM", "NL*OWM", 404, 2003, False),
    ]
    (command,) = await messages(server, correlation_id="C-1")
    assert (command["request_id"], command["partner"]) == ("R-1", 1)
    assert command["url"] == "/ocpi/cpo/2.2.1/commands/START_SESSION"
    assert command["seconds"] > 0
    opened = await with_bodies(server, command)
    assert opened["body"]["location_id"] == "LOC1"
    assert opened["answer"]["data"]["result"] == "ACCEPTED"


async def test_messages_are_found_by_what_an_operator_knows_of_them(server: Server) -> None:
    caller = await an_emsp(server)
    emsp = caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    for number in range(3):
        await emsp.put(
            f"/locations/NL/TNM/LOC{number}", a_location(id=f"LOC{number}"), headers={"x-request-id": f"R{number}"}
        )
    await emsp.put("/locations/NL/TNM/LOC1", {"nonsense": True})

    async def count(**only: Any) -> int:
        return len(await messages(server, **only))

    assert await count(module="locations", direction="inbound") == 4
    assert await count(object="nl*tnm/loc1") == 2
    assert await count(object="NL*TNM") == 4
    assert await count(object="NL*TNM/LOC") == 0
    assert await count(request_id="R2") == 1
    assert await count(module="locations", status="failed") == 1
    assert await count(module="locations", status="2001") == 1
    assert await count(module="locations", status="ok") == 3
    assert await count(partner=2) == 0
    assert await count(date_from="2099-01-01T00:00:00Z") == 0
    assert (await server.operator.get("/api/messages", params={"status": "well"})).status_code == 422


async def test_pages_of_messages_laid_end_to_end_repeat_and_miss_none_while_new_ones_come(server: Server) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))
    for _ in range(4):
        await caller.get("/ocpi/versions")
    known = [one["id"] for one in await messages(server)][::-1]

    seen, url = [], "/api/messages?limit=3"
    while url:
        answer = await server.operator.get(url)
        seen += [one["id"] for one in answer.json()]
        assert int(answer.headers["x-total-count"]) >= len(known)
        await caller.get("/ocpi/versions")
        link = re.match(r'<https://ours\.example(.*)>; rel="next"', answer.headers.get("link", ""))
        url = link[1] if link else ""

    assert seen == known


async def test_a_request_without_an_answer_is_kept_with_the_reason(server: Server) -> None:
    partner = FakePartner()
    await server.connect(server.internet.add(partner))
    server.internet.partners.clear()

    await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location(OWA))
    await server.push()

    (message,) = await messages(server, module="locations")
    assert (message["http_status"], message["ok"], message["error"]) == (None, False, "no connection: no such host")


async def test_nothing_of_what_a_stranger_sends_is_kept_but_that_it_asked(server: Server) -> None:
    stranger = server.caller("nobodys-token")

    await stranger.post("/ocpi/2.2.1/credentials", {"token": "whatever"})

    (message,) = await messages(server)
    assert (message["partner"], message["http_status"], message["ocpi_status"]) == (None, 401, 2000)
    assert (await with_bodies(server, message))["body"] is None


async def test_a_body_is_kept_whole_and_of_one_that_is_too_long_its_beginning_and_its_length(server: Server) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))
    emsp = caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    longest = server.app.settings.message_body_bytes

    await emsp.put("/locations/NL/TNM/LOC1", a_location(opening="x" * (longest - 2000)))
    await emsp.put("/locations/NL/TNM/LOC2", a_location(id="LOC2", opening="x" * longest))

    whole, too_long = await messages(server, module="locations")
    assert longest - 2000 < whole["body_bytes"] <= longest
    assert (await with_bodies(server, whole))["body"]["opening"] == "x" * (longest - 2000)
    assert too_long["body_bytes"] > longest
    assert len((await with_bodies(server, too_long))["body"]) == BEGINNING


def _spellings(secret: str) -> set[bytes]:
    raw = secret.encode()
    coded = {base64.b64encode(raw), base64.urlsafe_b64encode(raw)}
    return {raw, quote(secret, safe="").encode(), *coded, *(one.rstrip(b"=") for one in coded)}


@pytest.mark.requirement("OPS-11", "OPS-13")
async def test_no_credentials_token_and_no_secret_of_a_url_is_ever_kept(server: Server) -> None:
    partner = server.internet.add(FakePartner(token="token-b/with+signs=of.all-sorts"))
    invited = await server.invite(partner.name)
    caller = server.caller(invited, partner)
    secrets = {invited, partner.token, "s3cret-in-query", "s3cret-of-theirs"}
    answer = await caller.post(CREDENTIALS, partner.credentials())
    caller.token = answer.data["token"]
    await caller.get(CREDENTIALS)
    secrets.add(caller.token)
    partner.token = "token-of-the-rotation.1"
    caller.token = (await caller.put(CREDENTIALS, partner.credentials())).data["token"]
    secrets |= {caller.token, partner.token}
    ours: list[str] = []

    def renewed(request: httpx.Request) -> httpx.Response:
        ours.append(request.content.decode())
        partner.token = "token-they-gave-at-our-rotation.2"
        secrets.add(partner.token)
        return envelope(partner.credentials())

    partner.on("PUT", "/credentials", renewed)
    await server.operator.post("/api/partners/1/rotate")
    offered = re.search(r'"token":"([^"]+)"', ours[0])
    assert offered is not None
    caller.token = offered[1]
    secrets.add(caller.token)
    partner.on("*", "/locations", envelope("you sent " + partner.token, code=2000))
    await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location(OWA))
    await server.push()
    await caller.get(f"/ocpi/versions?token=s3cret-in-query&echo={quote(caller.token)}")
    cpo = caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
    await cpo.post("/commands/START_SESSION", start_session(response_url=f"{BACK}/s3cret-of-theirs?k=s3cret-of-theirs"))
    partner.on("POST", "/back/1", envelope("POST /back/1/s3cret-of-theirs not found", code=2000))
    await settle(server)
    await deliver(server)
    command = {"country_code": "NL", "party_id": "TNM", "token": a_token(OWM), "location_id": "L"}
    partner.on("POST", "/commands", envelope({"result": "ACCEPTED", "timeout": 20}))
    await server.operator.post("/api/commands/START_SESSION", json=command)
    back = re.search(r"/results/([A-Za-z0-9_-]+)", partner.requests("POST", "START_SESSION")[-1].content.decode())
    assert back is not None
    secrets.add(back[1])
    await caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp").post(
        f"/commands/results/{back[1]}", {"result": "ACCEPTED"}
    )

    assert len(await messages(server)) >= 15
    rows = await server.rows("SELECT * FROM messages")
    kept = b"\n".join(v if isinstance(v, bytes) else str(v).encode() for row in rows for v in row.values())
    assert {secret for secret in secrets for form in _spellings(secret) if form in kept} == set()
    assert b"***" in kept


@pytest.mark.requirement("OPS-13")
@pytest.mark.parametrize(
    "name", ["token", "access_TOKEN", "Client_Secret", "apiKey", "api_key", "response_url", "x-Signature"]
)
async def test_what_a_parameter_calls_a_secret_is_not_kept(server: Server, name: str) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))

    await caller.get(f"/ocpi/versions?limit=1&{name}=never-to-be-kept&offset=2")

    assert (await messages(server))[-1]["url"] == f"/ocpi/versions?limit=1&{name}=***&offset=2"


async def test_an_object_may_be_named_as_its_module(server: Server) -> None:
    caller = await an_emsp(server)

    await caller.get("/locations/locations")
    await caller.get("/locations")

    assert [one["object"] for one in (await messages(server))[-2:]] == ["locations", None]


async def test_a_day_of_messages_goes_when_its_time_is_over_and_tomorrow_is_ready(server: Server) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))
    assert server.app.building.messages is not None
    await caller.get("/ocpi/versions")
    await server.app.building.messages.flush()
    old = Message("inbound", now() - timedelta(days=40), None, None, None, "GET", "/ocpi/versions", "old", "old")
    server.app.building.messages.keep(old)
    assert "old" in [one["request_id"] for one in await messages(server)]

    await server.app.tidy()

    today = datetime.now(UTC).date()
    async with server.app.building.database.read() as tx:
        known = await days.known(tx)
    assert known[-2:] == [today, today + timedelta(days=1)]
    assert len(known) <= 3  # It may be midnight.
    assert "old" not in [one["request_id"] for one in await messages(server)]


async def test_overload_drops_the_oldest_and_counts_them(server: Server) -> None:
    recorder = server.app.building.messages
    assert recorder is not None
    recorder._most = 3

    for number in range(5):
        recorder.keep(Message("inbound", now(), None, None, None, "GET", "/", f"R{number}", "C"))

    assert recorder.waiting == 5
    assert [one["request_id"] for one in await messages(server)] == ["R2", "R3", "R4"]
    assert (recorder.dropped, recorder.waiting) == (2, 0)


async def test_without_a_database_messages_wait(server: Server) -> None:
    recorder = server.app.building.messages
    assert recorder is not None
    recorder.keep(Message("inbound", now(), None, None, None, "GET", "/", "R1", "C"))
    await server.app.building.database.close()

    with pytest.raises(DatabaseUnavailable):
        await recorder.flush()
    await server.app.building.database.open()

    assert [one["request_id"] for one in await messages(server)] == ["R1"]


async def test_a_url_with_a_character_that_cannot_be_kept_costs_no_other_message(server: Server) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))
    before = len(await messages(server))

    await caller.get("/locations/NL/TNM/a%00b")
    await caller.get("/locations/NL/TNM/LOC1")

    kept = (await messages(server))[before:]
    assert [one["object"] for one in kept] == ["NL*TNM/a\ufffdb", "NL*TNM/LOC1"]
