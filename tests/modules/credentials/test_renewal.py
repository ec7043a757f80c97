"""New credentials for a registered platform, from both ends, and the end of a registration. OCPI 2.2.1, Credentials; AMB-02."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import httpx
import pytest
from tests.conftest import BOTH, NewDatabase
from tests.modules.credentials.test_registration import FAULTS, URL
from tests.objects import a_cdr, a_cdr_token, a_location
from tests.own import OWA, publish
from tests.partner import Answer, Caller, FakePartner, Handler, basic, envelope
from tests.server import Server, start_server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import PartyId
from ocpi_party.partners import credentials_tokens, repository
from ocpi_party.partners.partner import PartnerStatus


async def _only_partner(server: Server) -> dict[str, Any]:
    (found,) = (await server.operator.get("/api/partners")).json()
    shown: dict[str, Any] = found
    return shown


async def _rotate(server: Server) -> httpx.Response:
    partner = await _only_partner(server)
    return await server.operator.post(f"/api/partners/{partner['id']}/rotate")


def _gives(partner: FakePartner, token: str, seen: list[Any] | None = None) -> Any:
    """The partner takes our PUT, and gives a new token for us."""

    def handler(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(json.loads(request.content))
        return envelope(partner.credentials(token=token))

    return handler


# They renew.


@BOTH
@pytest.mark.requirement("CRE-18", "CRE-21", "CRE-07", "CRE-13")
async def test_a_platform_renews_its_credentials(server: Server, registered: Caller, tnm: FakePartner) -> None:
    old = registered.token
    tnm.token = "new-token.of-tnm"
    tnm.endpoints = [("locations", "RECEIVER")]

    answer = await registered.put(URL, tnm.credentials())

    assert (answer.http_status, answer.status_code) == (200, 1000)
    new = answer.data["token"]
    assert new != old
    assert [request.url.path for request in tnm.asked] == ["/ocpi/versions", "/ocpi/2.2.1"]
    assert {request.headers["authorization"] for request in tnm.asked} == {basic("new-token.of-tnm")}
    assert (
        await registered.get("/ocpi/versions")
    ).status_code == 1000  # The old token, as long as nobody uses the new one.
    registered.token = new
    assert (await registered.get("/ocpi/versions")).status_code == 1000
    registered.token = old
    assert (await registered.get("/ocpi/versions")).http_status == 401
    kept = await server.rows("SELECT module FROM partner_endpoints ORDER BY module")
    assert [row["module"] for row in kept] == ["credentials", "locations"]


@pytest.mark.requirement("CRE-21")
async def test_an_old_token_that_is_never_replaced_ends_with_the_grace(server: Server, registered: Caller) -> None:
    old = registered.token
    await registered.put(URL, registered.partner.credentials())

    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE credentials_tokens SET expires_at = now() WHERE expires_at IS NOT NULL"))
    server.app.building.directory.drop()

    registered.token = old
    assert (await registered.get("/ocpi/versions")).http_status == 401


@pytest.mark.requirement("CRE-14", "CRE-20", "STS-05")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_renewal_that_fails_leaves_everything_as_it_was(
    server: Server, registered: Caller, tnm: FakePartner, fault: str
) -> None:
    old = tnm.token
    before = await server.rows("SELECT e.*, digest, state, expires_at FROM partner_endpoints e, credentials_tokens")
    path, handler = FAULTS[fault]
    tnm.on("GET", path, handler)

    answer = await registered.put(URL, tnm.credentials(token="new.token"))

    assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 3001, False)
    tnm.handlers.clear()
    tnm.asked.clear()
    assert (
        await server.rows("SELECT e.*, digest, state, expires_at FROM partner_endpoints e, credentials_tokens")
        == before
    )
    assert (await registered.get("/ocpi/versions")).status_code == 1000
    await publish(server)
    await server.push()
    assert [request.headers["authorization"] for request in tnm.asked] == [basic(old)]


@pytest.mark.requirement("CRE-20", "CRE-18")
async def test_a_platform_that_still_wants_its_old_token_is_asked_with_that(
    server: Server, registered: Caller, tnm: FakePartner
) -> None:
    def only_the_old(request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"] != basic("token-b.for-tnm"):
            return envelope(code=2000, http_status=401)
        return envelope([{"version": "2.2.1", "url": f"{tnm.base}/2.2.1"}])

    tnm.on("GET", "/ocpi/versions", only_the_old)

    answer = await registered.put(URL, tnm.credentials(token="new.token"))

    assert answer.status_code == 1000
    await publish(server)
    await server.push()
    assert tnm.asked[-1].headers["authorization"] == basic("new.token")


@pytest.mark.requirement("CRE-15", "CRE-20")
async def test_a_renewal_without_the_version_is_3002_and_changes_nothing(registered: Caller, tnm: FakePartner) -> None:
    tnm.versions = ("2.1.1",)

    answer = await registered.put(URL, tnm.credentials())

    assert (answer.http_status, answer.status_code) == (200, 3002)
    assert (await registered.get(URL)).data["token"] == registered.token


@pytest.mark.requirement("CRE-32", "CRE-29")
async def test_a_role_that_is_given_up_loses_its_rights_at_once(
    server: Server, registered: Caller, tnm: FakePartner
) -> None:
    caller = registered.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await caller.put("/locations/NL/TNM/LOC1", a_location())
    tnm.roles = (("EMSP", "DE", "TNM"),)

    caller.token = (await registered.put(URL, tnm.credentials())).data["token"]

    late = caller.speaking(("DE", "TNM"), ("NL", "OWM"), "emsp")
    assert (await late.put("/locations/NL/TNM/LOC1", a_location())).http_status == 404
    assert (await caller.get("/locations/NL/TNM/LOC1")).http_status == 403
    assert len(await server.rows("SELECT * FROM locations WHERE NOT gone")) == 1


@BOTH
@pytest.mark.requirement("CRE-23", "OPS-03")
async def test_after_delete_nothing_is_told_and_nothing_is_lost(
    server: Server, registered: Caller, tnm: FakePartner
) -> None:
    caller = registered.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await caller.put("/locations/NL/TNM/LOC1", a_location())
    await publish(server)

    answer = await registered.delete(URL)
    await publish(server, "LOC2")
    await server.push()

    assert (answer.http_status, answer.status_code) == (200, 1000)
    assert tnm.asked == []
    assert await server.rows("SELECT * FROM outbox_marks") == []
    assert (await registered.get("/ocpi/versions")).http_status == 401
    assert len(await server.rows("SELECT * FROM locations")) == 3
    assert (await server.rows("SELECT token_sent FROM partners")) == [{"token_sent": None}]


# We renew.


@pytest.mark.requirement("CRE-38", "CRE-22", "CRE-25", "CRE-18", "CRE-06", "TRN-02", "TRN-13", "HUB-02")
async def test_we_renew_our_credentials(server: Server, registered: Caller, tnm: FakePartner) -> None:
    given: list[Any] = []
    tnm.on("PUT", "/credentials", _gives(tnm, "token-c.of-tnm", given))

    done = await _rotate(server)

    assert done.status_code == 200, done.text
    assert [(request.method, request.url.path) for request in tnm.asked] == [
        ("GET", "/ocpi/versions"),
        ("GET", "/ocpi/2.2.1"),
        ("PUT", "/ocpi/2.2.1/credentials"),
    ]
    assert {request.headers["authorization"] for request in tnm.asked} == {basic("token-b.for-tnm")}
    assert tnm.asked[-1].headers["content-type"] == "application/json"
    old, registered.token = registered.token, given[0]["token"]
    assert (await registered.get("/ocpi/versions")).status_code == 1000
    registered.token = old
    assert (await registered.get("/ocpi/versions")).http_status == 401
    await publish(server)
    await server.push()
    assert tnm.asked[-1].headers["authorization"] == basic("token-c.of-tnm")


@pytest.mark.requirement("CRE-22", "CRE-03")
async def test_the_new_token_works_while_our_put_is_open(server: Server, registered: Caller, tnm: FakePartner) -> None:
    seen: list[Answer] = []

    async def asks_back(request: httpx.Request) -> httpx.Response:
        new = server.caller(json.loads(request.content)["token"], tnm)
        seen.extend([await new.get("/ocpi/versions"), await new.get("/ocpi/2.2.1")])
        seen.append(await registered.get("/ocpi/versions"))
        return envelope(tnm.credentials(token="token-c.of-tnm"))

    tnm.on("PUT", "/credentials", asks_back)

    assert (await _rotate(server)).status_code == 200
    assert [answer.http_status for answer in seen] == [200, 200, 200]


def _asks_back(server: Server, partner: FakePartner, given: list[str]) -> Handler:
    """The partner calls us back with the token that it is given, as most do, and takes it."""

    async def handler(request: httpx.Request) -> httpx.Response:
        given.append(json.loads(request.content)["token"])
        assert (await server.caller(given[-1], partner).get("/ocpi/versions")).http_status == 200
        return envelope(partner.credentials(token="token-c.of-tnm"))

    return handler


async def _status(server: Server, partner: FakePartner, token: str) -> int:
    return (await server.caller(token, partner).get("/ocpi/versions")).http_status


async def _let_grace_pass(server: Server) -> None:
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("DELETE FROM credentials_tokens WHERE expires_at IS NOT NULL"))
    server.app.building.directory.drop()


@pytest.mark.requirement("CRE-21", "CRE-22")
async def test_the_old_token_ends_with_the_first_use_of_the_new_one_after_the_put_and_not_within_it(
    server: Server, registered: Caller, tnm: FakePartner
) -> None:
    given: list[str] = []
    tnm.on("PUT", "/credentials", _asks_back(server, tnm, given))

    assert (await _rotate(server)).status_code == 200

    assert await _status(server, tnm, registered.token) == 200
    assert await _status(server, tnm, given[0]) == 200
    assert await _status(server, tnm, registered.token) == 401


@pytest.mark.requirement("CRE-21", "CRE-22")
async def test_of_two_renewals_that_overlap_neither_ends_the_tokens_of_the_other(
    server: Server, registered: Caller, tnm: FakePartner
) -> None:
    given: list[str] = []
    ask_back = _asks_back(server, tnm, given)

    async def renews_too(request: httpx.Request) -> Any:
        mine = await registered.put(URL, tnm.credentials(token="token-d.of-tnm"))
        given.append(mine.data["token"])
        return await ask_back(request)  # type: ignore[misc]  # this handler is a coroutine function

    tnm.on("PUT", "/credentials", renews_too)

    assert (await _rotate(server)).status_code == 200

    # Nobody knows which of them the partner wrote down last, and requests with either may still be on their way.
    for token in (*given, *reversed(given)):
        assert await _status(server, tnm, token) == 200
    assert await _status(server, tnm, registered.token) == 401
    await _let_grace_pass(server)
    assert [await _status(server, tnm, token) for token in given] == [200, 200]

    tnm.on("PUT", "/credentials", ask_back)
    await _rotate(server)
    *before, last = given
    assert await _status(server, tnm, last) == 200
    assert [await _status(server, tnm, token) for token in before] == [401, 401]


@pytest.mark.requirement("CRE-22", "CRE-25")
async def test_a_token_whose_offer_was_never_answered_ends_with_the_grace_of_a_later_renewal(
    server: Server, registered: Caller, tnm: FakePartner
) -> None:
    given: list[str] = []
    ask_back = _asks_back(server, tnm, given)

    async def gets_lost(request: httpx.Request) -> httpx.Response:
        await ask_back(request)  # type: ignore[misc]  # this handler is a coroutine function
        return httpx.Response(500)

    tnm.on("PUT", "/credentials", gets_lost)
    await _rotate(server)
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE credentials_tokens SET issued_at = issued_at - interval '1 hour'"))
    tnm.on("PUT", "/credentials", ask_back)

    assert (await _rotate(server)).status_code == 200

    lost, new = given
    assert [await _status(server, tnm, token) for token in (registered.token, lost)] == [200, 200]
    await _let_grace_pass(server)
    assert [await _status(server, tnm, token) for token in (registered.token, lost, new)] == [401, 401, 200]


def _times_out(_request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("timed out")


def _breaks_off(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("Server disconnected") from aiohttp.ServerDisconnectedError()


@pytest.mark.requirement("CRE-22")
@pytest.mark.parametrize(
    "lost",
    [
        _times_out,
        _breaks_off,
        lambda _request: httpx.Response(500),
        lambda _request: httpx.Response(200, content=b'{"status_code": 1000, "da'),
        lambda _request: envelope({"token": "x"}),
        lambda _request: envelope(),
    ],
    ids=["timeout", "connection broken", "500", "truncated", "half credentials", "no credentials"],
)
async def test_a_lost_answer_leaves_both_tokens_good_and_tells_the_operator(
    server: Server, registered: Caller, tnm: FakePartner, lost: Handler
) -> None:
    given: list[str] = []

    def takes_it(request: httpx.Request) -> Any:
        given.append(json.loads(request.content)["token"])
        return lost(request)

    tnm.on("PUT", "/credentials", takes_it)

    done = await _rotate(server)

    assert done.status_code == 502
    assert len(given) == 1  # A second one would come with a token that the partner has replaced.
    new = server.caller(given[0], tnm)
    assert (await registered.get("/ocpi/versions")).status_code == 1000
    assert (await new.get("/ocpi/versions")).status_code == 1000
    assert "lost" in (await _only_partner(server))["alert"]


@pytest.mark.requirement("CRE-20")
@pytest.mark.parametrize(
    "refusal",
    [
        envelope(code=2001),
        envelope(code=3000),
        envelope(code=3001),
        envelope(code=2000, http_status=405),
        envelope(code=2000, http_status=401),
    ],
    ids=["2001", "3000", "3001", "405", "401"],
)
async def test_a_token_that_a_partner_refuses_to_take_ends_at_once(
    server: Server, registered: Caller, tnm: FakePartner, refusal: httpx.Response
) -> None:
    given: list[Any] = []

    def refuses(request: httpx.Request) -> httpx.Response:
        given.append(json.loads(request.content))
        return refusal

    tnm.on("PUT", "/credentials", refuses)

    assert (await _rotate(server)).status_code == 502

    assert await _status(server, tnm, given[0]["token"]) == 401
    assert await _status(server, tnm, registered.token) == 200
    assert "lost" not in (await _only_partner(server))["alert"]


@pytest.mark.requirement("CRE-20")
@pytest.mark.parametrize(
    "refusal",
    [
        envelope(code=2001),
        envelope(code=3001),
        envelope(code=2000, http_status=405),
        envelope(code=2000, http_status=401),
        envelope({"token": "x"}),
        envelope(),
        httpx.Response(302, headers={"location": "https://evil.example"}),
    ],
    ids=["2001", "3001", "405", "401", "half credentials", "no credentials", "redirect"],
)
async def test_a_put_that_is_refused_leaves_the_old_tokens_working(
    server: Server, registered: Caller, tnm: FakePartner, refusal: httpx.Response
) -> None:
    tnm.on("PUT", "/credentials", refusal)

    done = await _rotate(server)

    assert done.status_code == 502, done.text
    assert (await registered.get("/ocpi/versions")).status_code == 1000
    await publish(server)
    await server.push()
    assert tnm.asked[-1].headers["authorization"] == basic("token-b.for-tnm")
    assert (await _only_partner(server))["alert"]


@pytest.mark.requirement("CRE-23")
@pytest.mark.parametrize(
    ("answer", "warned"),
    [
        (envelope(), False),
        (httpx.Response(204), False),
        (envelope(code=2000, http_status=401), False),
        (envelope(code=2000, http_status=405), False),
        (httpx.Response(500), True),
        (envelope(code=3000), True),
    ],
)
async def test_we_unregister(
    server: Server, registered: Caller, tnm: FakePartner, answer: httpx.Response, warned: bool
) -> None:
    tnm.on("DELETE", "/credentials", answer)

    done = await server.operator.delete(f"/api/partners/{(await _only_partner(server))['id']}")

    assert (done.status_code, done.json()["status"], "warning" in done.json()) == (200, "UNREGISTERED", warned)
    assert [request.method for request in tnm.asked] == ["DELETE"]
    assert (await registered.get("/ocpi/versions")).http_status == 401


# Two of our own servers.


async def _two(stack: AsyncExitStack, new_database: NewDatabase) -> tuple[Server, Server]:
    """A CPO and an eMSP of ours that reach each other."""
    cpo = await stack.enter_async_context(start_server(new_database(), public_url="https://cpo.example"))
    emsp = await stack.enter_async_context(start_server(new_database(), public_url="https://emsp.example"))
    await cpo.add_party("NL", "CPO", "CPO")
    await emsp.add_party("DE", "MSP", "EMSP")
    await emsp.add_party("DE", "TWO", "EMSP")
    for server in (cpo, emsp):
        server.internet.hosts |= {"cpo.example": cpo.app, "emsp.example": emsp.app}
    return cpo, emsp


async def _connected(cpo: Server, emsp: Server) -> None:
    invitation = (await cpo.operator.post("/api/partners", json={"name": "emsp"})).json()
    body = {
        "name": "cpo",
        "versions_url": invitation["versions_url"],
        "credentials_token": invitation["credentials_token"],
    }
    done = await emsp.operator.post("/api/partners", json=body)
    assert done.status_code == 201, done.text


async def _call_each_other(cpo: Server, emsp: Server) -> list[int]:
    """The status codes that each gets from the other with the token it holds."""
    codes: list[int] = []
    for server in (cpo, emsp):
        async with server.app.building.database.read() as tx:
            (partner,) = [p for p in await repository.every(tx) if p.status == "CONNECTED"]
        assert partner.versions_url is not None
        codes.append((await server.app.building.client.call(partner, "GET", partner.versions_url)).status_code)
    return codes


@pytest.mark.requirement("CRE-37", "CRE-02", "CRE-29", "CRE-01")
async def test_two_of_our_servers_register_both_ways(new_database: NewDatabase, stack: AsyncExitStack) -> None:
    cpo, emsp = await _two(stack, new_database)

    await _connected(cpo, emsp)
    assert await _call_each_other(cpo, emsp) == [1000, 1000]
    await emsp.operator.delete(f"/api/partners/{(await _only_partner(emsp))['id']}")
    assert (await _only_partner(cpo))["status"] == "UNREGISTERED"
    await _connected(emsp, cpo)

    assert await _call_each_other(cpo, emsp) == [1000, 1000]


@pytest.mark.requirement("CRE-22", "CRE-21", "CRE-37")
@pytest.mark.parametrize("turns", [1, 3])
async def test_both_ends_renew_at_the_same_time(stack: AsyncExitStack, new_database: NewDatabase, turns: int) -> None:
    cpo, emsp = await _two(stack, new_database)
    await _connected(cpo, emsp)
    partners = [(server, (await _only_partner(server))["id"]) for server in (cpo, emsp)]

    for _turn in range(turns):
        done = await asyncio.gather(
            *(server.operator.post(f"/api/partners/{number}/rotate") for server, number in partners)
        )
        assert {answer.status_code for answer in done} <= {200, 502}
        assert await _call_each_other(cpo, emsp) == [1000, 1000]


@pytest.mark.requirement("CRE-03", "CRE-04", "CRE-17", "CRE-02")
async def test_a_handshake_of_ours_that_fails_leaves_nothing_behind(server: Server, tnm: FakePartner) -> None:
    body = {"name": "tnm", "versions_url": f"{tnm.base}/versions", "credentials_token": "token.a"}
    tnm.on("GET", "/ocpi/2.2.1", envelope({"version": "2.2.1", "endpoints": []}))

    done = await server.operator.post("/api/partners", json=body)

    assert done.status_code == 502
    assert "credentials endpoint" in done.json()["detail"]
    assert [request.method for request in tnm.asked] == ["GET", "GET"]
    assert await server.rows("SELECT * FROM partners") == []
    assert await server.rows("SELECT * FROM credentials_tokens") == []


@pytest.mark.requirement("CRE-02", "CRE-03")
async def test_a_handshake_whose_process_vanished_leaves_nothing_behind_for_good(
    server: Server, tnm: FakePartner
) -> None:
    """What a kill leaves is made by hand here: a partner that is CONNECTING, and the token that it was offered."""
    async with server.app.building.database.write() as tx:
        ids = [await repository.create(tx, name, PartnerStatus.CONNECTING) for name in ("vanished", "under way")]
        for partner_id, token in zip(ids, ("offered.then", "offered.now"), strict=True):
            digest = server.app.building.vault.digest(token)
            await credentials_tokens.issue_token(tx, partner_id, digest, "OFFERED")
        await tx.run(Statement("UPDATE partners SET created_at = now() - interval '2 hours' WHERE name = 'vanished'"))

    await server.app.tidy()

    assert [row["name"] for row in await server.rows("SELECT name FROM partners")] == ["under way"]
    assert [await _status(server, tnm, token) for token in ("offered.then", "offered.now")] == [401, 200]


@pytest.mark.requirement("CRE-02", "CRE-03", "CRE-06", "CRE-38", "VER-09", "TRN-03")
async def test_we_register_with_a_platform(server: Server, tnm: FakePartner) -> None:
    seen: list[Answer] = []
    tnm.versions = ("2.1.1", "2.2.1", "9.9", "2.3.0")

    async def asks_back(request: httpx.Request) -> httpx.Response:
        caller = server.caller(json.loads(request.content)["token"], tnm)
        seen.extend([await caller.get("/ocpi/versions"), await caller.get("/ocpi/2.2.1")])
        return envelope(tnm.credentials(token="token-c.of-tnm"))

    tnm.on("POST", "/credentials", asks_back)
    body = {"name": "tnm", "versions_url": f"{tnm.base}/versions", "credentials_token": "token.a"}

    done = await server.operator.post("/api/partners", json=body)
    await publish(server)
    await server.push()

    assert done.status_code == 201, done.text
    assert [answer.status_code for answer in seen] == [1000, 1000]
    assert [(r.method, r.url.path, r.headers["authorization"]) for r in tnm.asked[:3]] == [
        ("GET", "/ocpi/versions", basic("token.a")),
        ("GET", "/ocpi/2.2.1", basic("token.a")),
        ("POST", "/ocpi/2.2.1/credentials", basic("token.a")),
    ]
    assert tnm.asked[-1].headers["authorization"] == basic("token-c.of-tnm")


@pytest.mark.requirement("CRE-02", "CRE-10")
@pytest.mark.parametrize(
    ("answer", "words"), [(envelope(), "was taken back"), (httpx.Response(500), "could not be taken back")]
)
async def test_a_registration_that_we_cannot_have_is_taken_back(
    server: Server, registered: Caller, tnm: FakePartner, answer: httpx.Response, words: str
) -> None:
    again = {"name": "twice", "versions_url": f"{tnm.base}/versions", "credentials_token": "token.a"}
    tnm.on("POST", "/credentials", _gives(tnm, "token-of-the-second"))
    tnm.on("DELETE", "/credentials", answer)

    done = await server.operator.post("/api/partners", json=again)

    assert done.status_code == 502
    assert words in done.json()["detail"]
    assert tnm.asked[-1].headers["authorization"] == basic("token-of-the-second")
    assert [partner["name"] for partner in (await server.operator.get("/api/partners")).json()] == ["tnm"]
    assert (await registered.get("/ocpi/versions")).status_code == 1000


@pytest.mark.requirement("CRE-02", "CRE-10", "CRE-26")
@pytest.mark.parametrize("useless", [{"roles": []}, {"url": "/versions"}])
async def test_a_registration_whose_answer_is_of_no_use_is_taken_back(
    server: Server, tnm: FakePartner, useless: dict[str, Any]
) -> None:
    tnm.on("POST", "/credentials", envelope(tnm.credentials(token="token-c.of-tnm", **useless)))
    body = {"name": "tnm", "versions_url": f"{tnm.base}/versions", "credentials_token": "token.a"}

    done = await server.operator.post("/api/partners", json=body)

    assert done.status_code == 502
    assert "was taken back" in done.json()["detail"]
    assert (tnm.asked[-1].method, tnm.asked[-1].headers["authorization"]) == ("DELETE", basic("token-c.of-tnm"))
    assert await server.rows("SELECT * FROM partners") == []


@pytest.mark.requirement("CRE-02")
@pytest.mark.parametrize("answer", [envelope(), httpx.Response(500), envelope({"roles": []})])
async def test_where_a_platform_may_have_registered_us_the_operator_is_told_what_to_do(
    server: Server, tnm: FakePartner, answer: httpx.Response
) -> None:
    tnm.on("POST", "/credentials", answer)
    body = {"name": "tnm", "versions_url": f"{tnm.base}/versions", "credentials_token": "token.a"}

    done = await server.operator.post("/api/partners", json=body)

    assert "it may have registered us" in done.json()["detail"]
    assert tnm.asked[-1].method == "POST"


@pytest.mark.requirement("CRE-23", "OPS-04")
async def test_the_operator_hears_which_cdrs_a_platform_that_left_never_got(
    server: Server, registered: Caller, tnm: FakePartner
) -> None:
    tnm.on("POST", "/receiver/cdrs", httpx.Response(503))
    owner = PartyId("DE", "TNM")
    await server.operator.put("/api/cdrs/NL/OWA/CDR1", json=a_cdr(OWA, cdr_token=a_cdr_token(owner)))
    await server.push()

    await registered.delete(URL)

    (event,) = (await server.operator.get("/api/events?type=partner.unregistered")).json()
    assert event["data"] == {"partner": 1, "name": "tnm", "cdrs_not_delivered": ["NL*OWA/CDR1"]}
