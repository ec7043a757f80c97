"""Partners are told what they do not know. OCPI 2.2.1, Client owned objects, "Client Owned Object Push"; Offline behaviour."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.own import publish, report, url
from tests.partner import FakePartner, envelope
from tests.server import Server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import parse_time
from ocpi_party.outbox import lanes

LOC1 = "/receiver/locations/NL/OWA/LOC1"
EVSE = f"{LOC1}/3256"


@pytest.fixture
async def tnm(server: Server) -> FakePartner:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.asked.clear()
    return partner


def _asked(partner: FakePartner) -> list[tuple[str, str]]:
    return [(request.method, request.url.path.partition("/2.2.1")[2]) for request in partner.asked]


def _body(request: httpx.Request) -> Any:
    return json.loads(request.content)


async def _published(server: Server, partner: FakePartner) -> None:
    """The partner knows LOC1."""
    await publish(server)
    await server.push()
    partner.asked.clear()


async def _again(server: Server) -> None:
    """Time passes: what was postponed is due."""
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE outbox_lanes SET next_attempt_at = now()"))
    await server.push()


async def _marks(server: Server) -> list[tuple[str, str]]:
    rows = await server.rows("SELECT ref, state FROM outbox_marks ORDER BY ref")
    return [(row["ref"], row["state"]) for row in rows]


async def _lane(server: Server) -> dict[str, Any]:
    return (await server.rows("SELECT *, next_attempt_at - now() AS pause FROM outbox_lanes"))[0]


@pytest.mark.requirement("OWN-16", "LOC-R-17", "OWN-11", "OWN-12", "OWN-01")
@pytest.mark.parametrize("refusal", [envelope(code=2001), envelope(code=2003, http_status=404), httpx.Response(400)])
async def test_a_patch_that_fails_is_followed_by_get_and_put_of_the_whole(
    server: Server, tnm: FakePartner, refusal: httpx.Response
) -> None:
    await _published(server, tnm)
    tnm.on("PATCH", EVSE, refusal)

    await report(server, "CHARGING")
    await server.push()

    assert _asked(tnm) == [("PATCH", EVSE), ("GET", EVSE), ("PUT", EVSE)]
    assert set(_body(tnm.asked[0])) == {"status", "last_updated"}
    assert _body(tnm.asked[2]) == (await server.operator.get(url("LOC1", "3256"))).json()
    assert await _marks(server) == []


@pytest.mark.requirement("OWN-16", "LOC-R-11")
async def test_a_partner_that_does_not_know_the_location_is_told_all_of_it(server: Server, tnm: FakePartner) -> None:
    await _published(server, tnm)
    unknown = envelope(code=2003, http_status=404)
    for method in ("PATCH", "GET", "PUT"):
        tnm.on(method, EVSE, unknown)

    await report(server, "CHARGING")
    await server.push()

    assert _asked(tnm) == [("PATCH", EVSE), ("GET", EVSE), ("PUT", EVSE), ("PUT", LOC1)]
    assert _body(tnm.asked[3])["evses"][0]["status"] == "CHARGING"
    assert await _marks(server) == []


@pytest.mark.requirement("OPS-03", "OPS-08", "TRN-22", "TRN-23", "TRN-24", "OWN-01")
@pytest.mark.parametrize(
    "fault", [httpx.ReadTimeout("late"), httpx.RemoteProtocolError("gone"), httpx.ReadError("reset")]
)
async def test_after_a_lost_answer_the_current_state_is_put(server: Server, tnm: FakePartner, fault: Exception) -> None:
    await _published(server, tnm)

    def lost(_request: httpx.Request) -> httpx.Response:
        raise fault

    tnm.on("*", EVSE, lost)
    await report(server, "CHARGING")
    await server.push()
    tnm.handlers.clear()
    await report(server, "AVAILABLE")
    await _again(server)

    assert _asked(tnm) == [("PATCH", EVSE), ("PUT", EVSE)]
    assert _body(tnm.asked[1])["status"] == "AVAILABLE"
    for name in ("x-request-id", "x-correlation-id"):
        assert len({request.headers[name] for request in tnm.asked}) == 2
    assert await _marks(server) == []


@pytest.mark.requirement("OPS-03", "OPS-07")
async def test_several_changes_become_one_message_of_the_last_state(server: Server, tnm: FakePartner) -> None:
    await _published(server, tnm)

    for status in ("CHARGING", "BLOCKED", "INOPERATIVE", "AVAILABLE", "RESERVED"):
        await report(server, status)
    assert len(await _marks(server)) == 1
    await server.push()

    assert _asked(tnm) == [("PATCH", EVSE)]
    assert _body(tnm.asked[0])["status"] == "RESERVED"


@pytest.mark.requirement("STS-05", "STS-06")
@pytest.mark.parametrize("code", [2000, 2001, 2004, 2999])
async def test_what_a_partner_refuses_is_kept_for_the_operator_and_not_repeated(
    server: Server, tnm: FakePartner, code: int
) -> None:
    refusal = envelope(code=code)
    tnm.on("PUT", LOC1, refusal)

    await publish(server)
    await server.push()
    await _again(server)

    assert _asked(tnm) == [("PUT", LOC1)]
    assert await _marks(server) == [("NL*OWA/LOC1", "REFUSED")]
    assert str(code) in (await server.rows("SELECT error FROM outbox_marks"))[0]["error"]
    tnm.handlers.clear()
    await publish(server, name="Mended", last_updated="2026-03-02T00:00:00Z")
    await server.push()
    assert await _marks(server) == []


@pytest.mark.requirement("STS-06", "TRN-21", "TRN-20")
@pytest.mark.parametrize(
    "answer",
    [
        envelope(code=1000),
        envelope(code=1999),
        envelope([]),
        envelope({"id": "LOC1"}),
        envelope("ok"),
        httpx.Response(200, json={"status_code": 1000, "data": None}),
        httpx.Response(201, json={"status_code": 1000, "timestamp": "2026-03-01T00:00:00Z"}),
    ],
)
async def test_any_success_counts_whatever_comes_with_it(
    server: Server, tnm: FakePartner, answer: httpx.Response
) -> None:
    tnm.on("PUT", LOC1, answer)

    await publish(server)
    await server.push()

    assert await _marks(server) == []


async def _findings(server: Server) -> list[tuple[str, str, str, str]]:
    found = (await server.operator.get("/api/findings")).json()
    return [(one["module"], one["object"], one["pointer"], one["rule"]) for one in found]


@pytest.mark.requirement("STS-06")
@pytest.mark.parametrize("code", ["1000", "1999", "1000.0", 1000.0])
async def test_a_status_code_that_is_no_whole_number_is_read_and_is_a_finding(
    server: Server, tnm: FakePartner, code: str | float
) -> None:
    tnm.on("PUT", LOC1, httpx.Response(200, json={"status_code": code, "timestamp": "2026-03-01T00:00:00Z"}))

    await publish(server)
    await server.push()

    assert await _marks(server) == []
    assert await _findings(server) == [("locations", "NL*OWA/LOC1", "/status_code", "must be a whole number")]


@pytest.mark.requirement("STS-05")
async def test_a_refusal_whose_status_code_is_text_is_a_refusal(server: Server, tnm: FakePartner) -> None:
    tnm.on("PUT", LOC1, httpx.Response(200, json={"status_code": "2001", "timestamp": "2026-03-01T00:00:00Z"}))

    await publish(server)
    await server.push()

    assert await _marks(server) == [("NL*OWA/LOC1", "REFUSED")]


@pytest.mark.requirement("STS-05")
@pytest.mark.parametrize("http_status", [200, 201, 202])
async def test_after_an_empty_answer_the_partner_is_asked_whether_it_took_the_object(
    server: Server, tnm: FakePartner, http_status: int
) -> None:
    told = await publish(server)
    tnm.on("PUT", LOC1, httpx.Response(http_status))
    tnm.on("GET", LOC1, envelope(told))

    await server.push()

    assert _asked(tnm) == [("PUT", LOC1), ("GET", LOC1)]
    assert await _marks(server) == []
    assert await _findings(server) == [("locations", "NL*OWA/LOC1", "", "the answer has no OCPI envelope")]


@pytest.mark.requirement("STS-05")
async def test_a_change_that_an_empty_answer_lost_is_told_as_a_whole(server: Server, tnm: FakePartner) -> None:
    await _published(server, tnm)
    before = (await server.operator.get(url("LOC1", "3256"))).json()
    tnm.on("PATCH", EVSE, httpx.Response(200))
    tnm.on("GET", EVSE, envelope(before))

    await report(server, "CHARGING")
    await server.push()

    assert _asked(tnm) == [("PATCH", EVSE), ("GET", EVSE), ("PUT", EVSE)]
    assert await _marks(server) == []


@pytest.mark.requirement("STS-05")
@pytest.mark.parametrize(
    "seen", [envelope(code=2003, http_status=404), envelope({"last_updated": "2026-02-01T00:00:00Z"})]
)
async def test_what_an_empty_answer_did_not_take_is_not_delivered(
    server: Server, tnm: FakePartner, seen: httpx.Response
) -> None:
    tnm.on("PUT", LOC1, httpx.Response(200))
    tnm.on("GET", LOC1, seen)

    await publish(server)
    await server.push()

    assert await _marks(server) == [("NL*OWA/LOC1", "REFUSED")]
    assert (await server.rows("SELECT error FROM outbox_marks"))[0]["error"] == "HTTP 200, no OCPI envelope"


@pytest.mark.requirement("STS-05")
async def test_who_answers_everything_with_nothing_is_told_later(server: Server, tnm: FakePartner) -> None:
    tnm.on("*", LOC1, httpx.Response(200))

    await publish(server)
    await server.push()
    tnm.handlers.clear()
    tnm.asked.clear()
    await _again(server)

    assert _asked(tnm) == [("PUT", LOC1)]
    assert await _marks(server) == []


@pytest.mark.requirement("STS-05")
async def test_by_agreement_nothing_is_an_answer_of_success_and_a_finding(server: Server, tnm: FakePartner) -> None:
    await server.operator.patch("/api/partners/1", json={"quirks": {"empty_is_done": True}})
    tnm.on("*", LOC1, httpx.Response(200))

    await publish(server)
    await server.push()

    assert (_asked(tnm), await _marks(server)) == ([("PUT", LOC1)], [])
    assert await _findings(server) == [("locations", "NL*OWA/LOC1", "", "the answer has no OCPI envelope")]


async def test_no_content_is_an_answer_and_a_finding(server: Server, tnm: FakePartner) -> None:
    tnm.on("PUT", LOC1, httpx.Response(204))

    await publish(server)
    await server.push()

    assert (_asked(tnm), await _marks(server)) == ([("PUT", LOC1)], [])
    assert await _findings(server) == [("locations", "NL*OWA/LOC1", "", "the answer has no OCPI envelope")]


@pytest.mark.requirement("STS-06", "STS-05", "OPS-08", "OPS-09")
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="oops"),
        httpx.Response(502),
        httpx.Response(200, html="<html>login</html>"),
        httpx.Response(200, content=b'{"status_code": 10'),
        httpx.Response(200, json=[]),
        httpx.Response(302, headers={"location": "https://evil.example/"}),
        httpx.Response(307, headers={"location": "https://evil.example/"}),
        httpx.Response(308, headers={"location": "/elsewhere"}),
        envelope(code=3000),
        envelope(code=3999),
        envelope(code=4002),
        envelope(code=4999),
        envelope(code=2000, http_status=401),
    ],
)
async def test_what_may_pass_is_tried_again_later(server: Server, tnm: FakePartner, answer: httpx.Response) -> None:
    tnm.on("PUT", LOC1, answer)

    await publish(server)
    await server.push()

    lane = await _lane(server)
    assert _asked(tnm) == [("PUT", LOC1)]
    assert (lane["failures"], lane["leased_until"]) == (1, None)
    assert timedelta(0) < lane["pause"] <= timedelta(seconds=1)
    assert lane["last_error"]
    assert tnm.token not in lane["last_error"]
    tnm.handlers.clear()
    await _again(server)
    assert await _marks(server) == []
    assert (await _lane(server))["failures"] == 0


@pytest.mark.requirement("OPS-08")
@pytest.mark.parametrize("http_status", [429, 503])
async def test_a_partner_that_asks_for_time_gets_it(server: Server, tnm: FakePartner, http_status: int) -> None:
    tnm.on("PUT", LOC1, httpx.Response(http_status, headers={"retry-after": "120"}))

    await publish(server)
    await server.push()

    assert timedelta(seconds=115) < (await _lane(server))["pause"] <= timedelta(seconds=120)


@pytest.mark.requirement("OPS-08")
@pytest.mark.parametrize("nonsense", ["²", "-5", "soon", "9" * 20, "9" * 5000])
async def test_a_time_to_wait_that_is_none_is_as_good_as_nothing(
    server: Server, tnm: FakePartner, nonsense: str
) -> None:
    tnm.on("PUT", LOC1, httpx.Response(503, headers=[(b"retry-after", nonsense.encode("latin-1"))]))

    await publish(server)
    await server.push()

    assert timedelta() < (await _lane(server))["pause"] <= timedelta(seconds=1)


@pytest.mark.requirement("OPS-06", "OPS-08")
async def test_a_partner_that_hangs_delays_nobody_else(server: Server, tnm: FakePartner) -> None:
    other = server.internet.add(FakePartner("ccc", "ccc.example", "c.c", roles=(("EMSP", "FR", "CCC"),)))
    await server.connect(other)
    other.asked.clear()
    told, let_go = asyncio.Event(), asyncio.Event()

    async def hangs(_request: httpx.Request) -> httpx.Response:
        await let_go.wait()
        return envelope()

    def hears(_request: httpx.Request) -> httpx.Response:
        told.set()
        return envelope()

    tnm.on("PUT", LOC1, hangs)
    other.on("PUT", LOC1, hears)
    await publish(server)

    await server.app.pushing.start_lanes()
    await asyncio.wait_for(told.wait(), 5)
    still = await _marks(server)
    let_go.set()
    await server.push()

    assert ("NL*OWA/LOC1", "WAITING") in still
    assert await _marks(server) == []


@pytest.mark.requirement("OPS-06")
async def test_what_a_worker_was_telling_when_it_was_stopped_is_told_by_the_next_at_once(
    server: Server, tnm: FakePartner
) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def hangs(_request: httpx.Request) -> httpx.Response:
        asked.set()
        await never.wait()
        return envelope()

    tnm.on("PUT", LOC1, hangs)
    await publish(server)
    working = asyncio.create_task(server.app.pushing.run())
    await asked.wait()
    tnm.handlers.clear()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    other = replace(server.app.pushing)
    assert await other.start_lanes() == 1
    await asyncio.gather(*other.hands.busy)

    assert await _marks(server) == []


@pytest.mark.requirement("OPS-07")
async def test_what_changes_while_it_is_told_is_told_again(server: Server, tnm: FakePartner) -> None:
    await _published(server, tnm)

    async def changes(_request: httpx.Request) -> httpx.Response:
        tnm.handlers.clear()
        await report(server, "BLOCKED")
        return envelope()

    tnm.on("PATCH", EVSE, changes)
    await report(server, "CHARGING")
    await server.push()

    assert [_body(request)["status"] for request in tnm.asked] == ["CHARGING", "BLOCKED"]
    assert await _marks(server) == []


@pytest.mark.requirement("OPS-07", "OWN-23")
async def test_nothing_goes_backwards_when_the_whole_location_is_told_in_between(
    server: Server, tnm: FakePartner
) -> None:
    """The second EVSE changes after the batch was read; the whole Location, told for the first, carries that already."""
    evses = [{**e, "uid": uid} for uid in ("E1", "E2") for e in [(await publish(server))["evses"][0]]]
    await publish(server, "LOC2", evses=evses)
    await server.push()
    tnm.asked.clear()
    last: dict[str, datetime] = {}
    backwards = []

    def hears(request: httpx.Request) -> None:
        body = _body(request)
        parts = body["evses"] if "evses" in body else [{"uid": request.url.path.rpartition("/")[2]} | body]
        for part in parts:
            uid, at = part["uid"], parse_time(part["last_updated"])
            if uid in last and at < last[uid]:
                backwards.append(part)
            last[uid] = at

    async def unknown(_request: httpx.Request) -> httpx.Response:
        if not last:
            last["E2"] = datetime.min.replace(tzinfo=UTC)
            await report(server, "BLOCKED", "LOC2", "E2")
        return envelope(code=2003, http_status=404)

    def known(request: httpx.Request) -> httpx.Response:
        hears(request)
        return envelope()

    tnm.on("*", "/LOC2", known)
    tnm.on("*", "/LOC2/E1", unknown)
    await report(server, "CHARGING", "LOC2", "E1")
    await report(server, "CHARGING", "LOC2", "E2")
    await server.push()

    assert backwards == []
    assert last["E2"] == parse_time((await server.operator.get(url("LOC2", "E2"))).json()["last_updated"])
    assert await _marks(server) == []


@pytest.mark.requirement("OPS-07")
async def test_a_worker_that_vanishes_is_followed_by_another_that_is_careful(server: Server, tnm: FakePartner) -> None:
    await _published(server, tnm)
    await report(server, "CHARGING")
    database = server.app.building.database
    async with database.write() as tx:
        (lane,) = await lanes.claim(tx, most=5, lease_for=timedelta(seconds=60))
    await server.push()
    assert tnm.asked == []  # The lane is held.

    async with database.write() as tx:
        await tx.run(Statement("UPDATE outbox_lanes SET leased_until = now() - interval '1 second'"))
    await server.push()

    assert _asked(tnm) == [("PUT", EVSE)]  # Nobody knows whether the PATCH was sent.
    async with database.write() as tx:
        assert not await lanes.renew(tx, lane, timedelta(seconds=60))


@pytest.mark.requirement("OPS-07")
async def test_a_worker_that_lost_its_lane_says_not_a_word_more(server: Server, tnm: FakePartner) -> None:
    for number in range(3):
        await publish(server, f"LOC{number}")

    async def steals(_request: httpx.Request) -> httpx.Response:
        server.app.pushing.lease_for = timedelta(0)
        async with server.app.building.database.write() as tx:
            await tx.run(Statement("UPDATE outbox_lanes SET lease = 'thief', leased_until = now() + interval '1 hour'"))
        return envelope()

    tnm.on("PUT", "", steals)
    await server.push()

    assert len(tnm.asked) == 1
    assert (await _lane(server))["lease"] == "thief"


@pytest.mark.requirement("LOC-R-18", "OPS-01")
async def test_who_has_no_receiver_is_told_nothing(server: Server) -> None:
    partner = server.internet.add(FakePartner(endpoints=[("locations", "SENDER"), ("tokens", "RECEIVER")]))
    await server.connect(partner)
    partner.asked.clear()

    await publish(server)
    await server.push()

    assert (partner.asked, await _marks(server)) == ([], [])


@pytest.mark.requirement("HUB-01", "HUB-05", "TRN-02", "TRN-03", "TRN-13", "TRN-34", "OWN-01")
async def test_a_push_carries_what_the_specification_asks_for(server: Server, tnm: FakePartner) -> None:
    body = {"id": "a/b #1%"}
    answer = await server.operator.put("/api/locations/NL/OWA/a%2Fb%20%231%25", json=(await publish(server)) | body)
    assert answer.status_code == 201, answer.text
    await server.push()

    told = tnm.asked[-1]
    assert told.url.raw_path.decode().endswith("/receiver/locations/NL/OWA/a%2Fb%20%231%25")
    assert told.headers["content-type"] == "application/json"
    assert told.headers["authorization"].startswith("Token ")
    assert [told.headers[f"ocpi-{name}"] for name in (
        "from-country-code", "from-party-id", "to-country-code", "to-party-id",
    )] == ["NL", "OWA", "DE", "TNM"]  # fmt: skip


@pytest.mark.requirement("TRN-05")
async def test_a_partner_that_does_not_decode_gets_the_raw_token(server: Server, tnm: FakePartner) -> None:
    partner_id = (await server.rows("SELECT id FROM partners"))[0]["id"]
    await server.operator.patch(f"/api/partners/{partner_id}", json={"token_encoding": "raw"})

    await publish(server)
    await server.push()

    assert tnm.asked[-1].headers["authorization"] == f"Token {tnm.token}"
