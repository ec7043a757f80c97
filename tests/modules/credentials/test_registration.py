"""A platform that we invited registers with us. OCPI 2.2.1, Credentials, "Registration"."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.conftest import BOTH
from tests.objects import a_location, a_role
from tests.own import publish
from tests.partner import Answer, Caller, FakePartner, basic, envelope
from tests.server import PUBLIC_URL, Server

from ocpi_party.ocpi.types import PartyId

URL = "/ocpi/2.2.1/credentials"


async def _states(caller: Caller, token: str) -> dict[str, int]:
    """What each method of credentials answers to this token; POST and PUT with a body that is refused once it is read."""
    same = caller.speaking(("", ""), ("", ""), "cpo")
    same.token = token
    return {
        method: (await same.request(method, URL, {} if method in ("POST", "PUT") else None)).http_status
        for method in ("GET", "POST", "PUT")
    }


@BOTH
@pytest.mark.requirement("CRE-03", "CRE-04", "CRE-05", "CRE-06", "CRE-07", "CRE-26", "TRN-03", "TRN-02", "CRE-29")
async def test_a_platform_registers(server: Server, invited: Caller, tnm: FakePartner) -> None:
    token_a = invited.token

    answer = await invited.post(URL, tnm.credentials())

    token_c = answer.data["token"]
    assert (answer.http_status, answer.status_code) == (200, 1000)
    assert token_c not in (token_a, tnm.token)
    assert answer.data["url"] == f"{PUBLIC_URL}/ocpi/versions"
    assert [(role["role"], role["country_code"], role["party_id"]) for role in answer.data["roles"]] == [
        ("CPO", "NL", "OWA"),
        ("EMSP", "NL", "OWM"),
    ]
    assert [(request.method, request.url.path) for request in tnm.asked] == [
        ("GET", "/ocpi/versions"),
        ("GET", "/ocpi/2.2.1"),
    ]
    assert {request.headers["authorization"] for request in tnm.asked} == {basic(tnm.token)}
    assert (await invited.get("/ocpi/versions")).http_status == 401
    invited.token = token_c
    assert (await invited.get("/ocpi/versions")).status_code == 1000


@pytest.mark.requirement("TRN-05", "CRE-04")
@pytest.mark.parametrize("asks", ["Token {token}", "Token {encoded}"], ids=["raw", "base64"])
@pytest.mark.parametrize(
    ("takes", "refusal"),
    [("raw", 401), ("raw", 403), ("raw", 2001), ("raw", 3000), ("base64", 401), ("base64", 500), ("both", 401)],
    ids=lambda value: str(value),
)
async def test_a_platform_is_called_in_the_form_that_it_uses_or_else_takes(
    server: Server, invited: Caller, tnm: FakePartner, asks: str, takes: str, refusal: int
) -> None:
    forms = {"raw": f"Token {tnm.token}", "base64": basic(tnm.token)}
    used = "raw" if "encoded" not in asks else "base64"
    expected = used if takes == "both" else takes

    def checks(request: httpx.Request) -> httpx.Response:
        if takes != "both" and request.headers["authorization"] != forms[takes]:
            return envelope(code=2000, http_status=refusal) if refusal < 1000 else envelope(code=refusal)
        return envelope([{"version": "2.2.1", "url": f"{tnm.base}/2.2.1"}])

    tnm.on("GET", "/ocpi/versions", checks)
    spelt = asks.format(token=invited.token, encoded=basic(invited.token).removeprefix("Token "))

    answer = await invited.request("POST", URL, tnm.credentials(), headers={"authorization": spelt})
    await publish(server)
    await server.push()

    assert answer.status_code == 1000
    assert {request.headers["authorization"] for request in tnm.asked[-2:]} == {forms[expected]}
    assert [row["token_encoding"] for row in await server.rows("SELECT token_encoding FROM partners")] == [expected]


@BOTH
@pytest.mark.requirement("CRE-03", "CRE-04")
async def test_the_platform_may_call_us_while_its_post_is_open(
    server: Server, invited: Caller, tnm: FakePartner
) -> None:
    seen: list[Answer] = []

    async def asks_back(_request: httpx.Request) -> httpx.Response:
        seen.append(await invited.get("/ocpi/versions"))
        seen.append(await invited.get("/ocpi/2.2.1"))
        return envelope([{"version": "2.2.1", "url": f"{tnm.base}/2.2.1"}])

    tnm.on("GET", "/ocpi/versions", asks_back)

    answer = await invited.post(URL, tnm.credentials())

    assert answer.status_code == 1000
    assert [one.status_code for one in seen] == [1000, 1000]


@BOTH
@pytest.mark.requirement("CRE-08", "CRE-09", "CRE-10", "CRE-11", "CRE-23", "CRE-24", "CRE-12", "TRN-12")
async def test_the_table_of_states_twice_over(server: Server, tnm: FakePartner) -> None:
    for _round in range(2):
        caller = server.caller(await server.invite(), tnm)
        token_a = caller.token

        assert await _states(caller, "none.at-all") == {"GET": 401, "POST": 401, "PUT": 401}
        assert await _states(caller, token_a) == {"GET": 200, "POST": 200, "PUT": 405}
        assert (await caller.delete(URL)).http_status == 405
        assert (await caller.put(URL, tnm.credentials())).headers["allow"] == "GET, HEAD, POST"

        caller.token = (await caller.post(URL, tnm.credentials())).data["token"]
        assert await _states(caller, caller.token) == {"GET": 200, "POST": 405, "PUT": 200}
        assert await _states(caller, token_a) == {"GET": 401, "POST": 401, "PUT": 401}
        assert (await caller.patch(URL, {})).http_status == 405

        gone = await caller.delete(URL)
        assert (gone.http_status, gone.status_code, "data" in gone.body) == (200, 1000, False)
        assert await _states(caller, caller.token) == {"GET": 401, "POST": 401, "PUT": 401}


@pytest.mark.requirement("CRE-08")
async def test_a_second_post_changes_nothing(server: Server, registered: Caller, tnm: FakePartner) -> None:
    before = await server.rows("SELECT * FROM partner_parties")

    answer = await registered.post(URL, tnm.credentials(roles=[a_role()]))

    assert (answer.http_status, answer.status_code, answer.headers["allow"]) == (405, 2000, "DELETE, GET, HEAD, PUT")
    assert await server.rows("SELECT * FROM partner_parties") == before
    assert (await registered.get(URL)).data["token"] == registered.token
    assert tnm.asked == []


@pytest.mark.requirement("CRE-13")
async def test_get_tells_the_token_that_was_used_and_no_other(invited: Caller, tnm: FakePartner) -> None:
    first = await invited.get(URL)
    token_a = invited.token
    invited.token = (await invited.post(URL, tnm.credentials())).data["token"]
    second = await invited.get(URL)

    assert (first.data["token"], second.data["token"]) == (token_a, invited.token)
    assert second.data["url"] == f"{PUBLIC_URL}/ocpi/versions"
    assert set(second.data) == {"token", "url", "roles"}


def _without(document: dict[str, Any], *path: Any) -> dict[str, Any]:
    *above, last = path
    inner: Any = document
    for step in above:
        inner = inner[step]
    del inner[last]
    return document


@pytest.mark.requirement("CRE-26", "CRE-27", "TRN-10", "TYP-17", "TRN-28")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: _without(c, "token"),
        lambda c: _without(c, "url"),
        lambda c: _without(c, "roles"),
        lambda c: c | {"roles": []},
        lambda c: _without(c, "roles", 0, "role"),
        lambda c: _without(c, "roles", 0, "business_details"),
        lambda c: _without(c, "roles", 0, "business_details", "name"),
        lambda c: _without(c, "roles", 0, "party_id"),
        lambda c: _without(c, "roles", 0, "country_code"),
        lambda c: c | {"roles": [a_role(), a_role()]},
        lambda c: c | {"token": ""},
        lambda c: c | {"token": "with blank"},
        lambda c: c | {"token": "x" * 65},
        lambda c: c | {"token": "tab\there"},
        lambda c: c | {"token": "caf\u00e9"},
        lambda c: c | {"token": 5},
        lambda c: c | {"url": 5},
    ],
)
async def test_wrong_credentials_are_2001_and_change_nothing(
    server: Server, invited: Caller, tnm: FakePartner, spoil: Any
) -> None:
    answer = await invited.post(URL, spoil(tnm.credentials()))

    assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 2001, False), answer
    assert tnm.asked == []
    assert (await invited.post(URL, tnm.credentials())).status_code == 1000


@pytest.mark.requirement("CRE-27", "CRE-29")
async def test_a_party_may_have_two_roles_and_a_role_several_parties(server: Server) -> None:
    roles = (("CPO", "NL", "AAA"), ("CPO", "NL", "BBB"), ("CPO", "BE", "AAA"), ("EMSP", "NL", "AAA"))
    caller = await server.connect(server.internet.add(FakePartner(roles=roles)))

    for _role, country_code, party_id in roles[:3]:
        speaking = caller.speaking((country_code, party_id), ("NL", "OWM"), "emsp")
        body = a_location(PartyId(country_code, party_id))
        assert (await speaking.put(f"/locations/{country_code}/{party_id}/LOC1", body)).http_status == 201


def _raises(fault: Exception) -> Any:
    def handler(_request: httpx.Request) -> httpx.Response:
        raise fault

    return handler


FAULTS: dict[str, tuple[str, Any]] = {
    "no connection": ("/ocpi/versions", _raises(httpx.ConnectError("refused"))),
    "tls": ("/ocpi/versions", _raises(httpx.ConnectError("certificate verify failed"))),
    "timeout": ("/ocpi/versions", _raises(httpx.ReadTimeout("timed out"))),
    "hung up": ("/ocpi/versions", _raises(httpx.RemoteProtocolError("disconnected"))),
    "401": ("/ocpi/versions", envelope(code=2000, http_status=401)),
    "500": ("/ocpi/versions", httpx.Response(500, text="oops")),
    "503": ("/ocpi/versions", httpx.Response(503, headers={"retry-after": "5"})),
    "404": ("/ocpi/versions", httpx.Response(404)),
    "html": ("/ocpi/versions", httpx.Response(200, html="<html>login</html>")),
    "truncated": ("/ocpi/versions", httpx.Response(200, content=b'{"status_code": 1000, "da')),
    "list": ("/ocpi/versions", httpx.Response(200, json=[])),
    "2001": ("/ocpi/versions", envelope(code=2001)),
    "3000": ("/ocpi/versions", envelope(code=3000)),
    "redirect": ("/ocpi/versions", httpx.Response(302, headers={"location": "https://evil.example/"})),
    "no versions": ("/ocpi/versions", envelope([])),
    "data is a string": ("/ocpi/versions", envelope("x")),
    "details 500": ("/ocpi/2.2.1", httpx.Response(500)),
    "details redirect": ("/ocpi/2.2.1", httpx.Response(307, headers={"location": "https://evil.example/"})),
    "details html": ("/ocpi/2.2.1", httpx.Response(200, html="<html>")),
}


@pytest.mark.requirement("CRE-14", "OPS-09", "OPS-08", "STS-05")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_call_back_that_fails_is_3001_and_the_invitation_stays(
    server: Server, invited: Caller, tnm: FakePartner, fault: str
) -> None:
    path, handler = FAULTS[fault]
    tnm.on("GET", path, handler)

    answer = await invited.post(URL, tnm.credentials())

    assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 3001, False), answer
    assert tnm.token not in str(answer.body)
    tnm.handlers.clear()
    assert (await invited.post(URL, tnm.credentials())).status_code == 1000


@pytest.mark.requirement("CRE-15")
async def test_a_platform_that_does_not_list_the_version_it_used_is_3002(invited: Caller, tnm: FakePartner) -> None:
    tnm.versions = ("2.1.1", "3.0")

    answer = await invited.post(URL, tnm.credentials())

    assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 3002, False)
    assert (await invited.get(URL)).data["token"] == invited.token


@pytest.mark.requirement("CRE-16")
async def test_a_platform_without_endpoints_that_we_need_is_3003(
    server: Server, invited: Caller, tnm: FakePartner
) -> None:
    partner_id = (await server.rows("SELECT id FROM partners"))[0]["id"]
    needed = {"quirks": {"required_endpoints": ["cdrs RECEIVER"]}}
    await server.operator.patch(f"/api/partners/{partner_id}", json=needed)
    tnm.endpoints = [("locations", "SENDER")]

    answer = await invited.post(URL, tnm.credentials())
    tnm.endpoints = [("cdrs", "RECEIVER")]
    again = await invited.post(URL, tnm.credentials())

    assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 3003, False)
    assert "cdrs" in answer.message
    assert again.status_code == 1000


@pytest.mark.requirement("CRE-16")
async def test_a_platform_without_a_credentials_endpoint_is_3003(invited: Caller, tnm: FakePartner) -> None:
    tnm.on("GET", "/ocpi/2.2.1", envelope({"version": "2.2.1", "endpoints": []}))

    assert (await invited.post(URL, tnm.credentials())).status_code == 3003


@pytest.mark.requirement("CRE-28", "OPS-10")
@pytest.mark.parametrize("role", [("CPO", "NL", "TNM"), ("CPO", "nl", "tnm"), ("EMSP", "NL", "OWM")])
async def test_a_role_of_another_connection_or_of_ours_is_not_given_away(
    server: Server, registered: Caller, role: tuple[str, str, str]
) -> None:
    thief = server.internet.add(FakePartner("thief", "thief.example", "t.t", roles=(("CPO", "FR", "CCC"), role)))
    caller = server.caller(await server.invite("thief"), thief)

    answer = await caller.post(URL, thief.credentials())

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert (await caller.get(URL)).data["token"] == caller.token  # the invitation is still good
    assert (await registered.get(URL)).status_code == 1000
    (alert,) = await server.rows("SELECT alert FROM partners WHERE name = 'thief'")
    assert f"another connection has already: {role[1]}*{role[2]} {role[0]}".upper() in alert["alert"].upper()


@pytest.mark.requirement("CRE-28")
async def test_two_platforms_that_claim_one_role_at_once_do_not_both_get_it(server: Server) -> None:
    partners = [
        server.internet.add(FakePartner(name, f"{name}.example", f"{name}.token", roles=(("CPO", "FR", "CCC"),)))
        for name in ("one", "two")
    ]
    callers = [server.caller(await server.invite(partner.name), partner) for partner in partners]

    answers = await asyncio.gather(*(caller.post(URL, caller.partner.credentials()) for caller in callers))

    assert sorted(answer.status_code for answer in answers) == [1000, 2001]
    assert len(await server.rows("SELECT * FROM partner_parties")) == 1


@BOTH
@pytest.mark.requirement("CRE-33")
async def test_two_posts_at_once_with_one_invitation_register_once(
    server: Server, invited: Caller, tnm: FakePartner
) -> None:
    both_are_open = asyncio.Barrier(2)

    async def together(_request: httpx.Request) -> httpx.Response:
        await both_are_open.wait()
        return envelope([{"version": "2.2.1", "url": f"{tnm.base}/2.2.1"}])

    tnm.on("GET", "/ocpi/versions", together)

    answers = await asyncio.gather(*(invited.post(URL, tnm.credentials()) for _ in range(2)))

    done, refused = sorted(answers, key=lambda answer: answer.http_status)
    assert (done.status_code, refused.http_status) == (1000, 405)
    assert len(await server.rows("SELECT * FROM credentials_tokens")) == 1
    invited.token = done.data["token"]
    assert (await invited.get(URL)).status_code == 1000


@pytest.mark.requirement("CRE-34")
@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/ocpi/versions",
        "https://127.1/ocpi/versions",
        "https://2130706433/ocpi/versions",
        "https://0x7f.1/ocpi/versions",
        "https://0/ocpi/versions",
        "https://[::1]/ocpi/versions",
        "https://[::ffff:127.0.0.1]/ocpi/versions",
        "https://[fe80::1]/ocpi/versions",
        "https://[64:ff9b::7f00:1]/ocpi/versions",
        "https://10.0.0.1/ocpi/versions",
        "https://172.16.0.1/ocpi/versions",
        "https://192.168.1.1/ocpi/versions",
        "https://100.64.0.1/ocpi/versions",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/ocpi/versions",
        "https://localhost./ocpi/versions",
        "https://metadata.google.internal/ocpi/versions",
        "https://printer.local/ocpi/versions",
        "http://tnm.example/ocpi/versions",
        "file:///etc/passwd",
        "ftp://tnm.example/",
        "gopher://tnm.example/",
        "//tnm.example/ocpi/versions",
        "/ocpi/versions",
        "tnm.example/ocpi/versions",
        "https://user:password@tnm.example/ocpi/versions",
        "https://tnm.example:99999/ocpi/versions",
        "https:///ocpi/versions",
        "https://[/ocpi/versions",
        "https://tnm.example/" + "x" * 255,
        "",
    ],
)
async def test_urls_that_lead_elsewhere_are_refused_and_not_called(
    server: Server, invited: Caller, tnm: FakePartner, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(server.internet, "answer", _remember(called, server.internet.answer))

    answer = await invited.post(URL, tnm.credentials(url=url))

    assert (answer.http_status, answer.status_code) == (200, 2001), answer
    assert (called, tnm.asked) == ([], [])


def _remember(called: list[str], further: Any) -> Any:
    async def answer(request: httpx.Request) -> httpx.Response:
        called.append(str(request.url))
        found: httpx.Response = await further(request)
        return found

    return answer


@pytest.mark.requirement("CRE-34")
@pytest.mark.parametrize("where", ["details", "endpoint"])
async def test_urls_discovered_behind_the_first_are_checked_too(invited: Caller, tnm: FakePartner, where: str) -> None:
    private = "https://10.0.0.1/ocpi/2.2.1"
    if where == "details":
        tnm.on("GET", "/ocpi/versions", envelope([{"version": "2.2.1", "url": private}]))
    else:
        listed = [
            {"identifier": "credentials", "role": "SENDER", "url": f"{tnm.base}/2.2.1/credentials"},
            {"identifier": "locations", "role": "RECEIVER", "url": private},
        ]
        tnm.on("GET", "/ocpi/2.2.1", envelope({"version": "2.2.1", "endpoints": listed}))

    answer = await invited.post(URL, tnm.credentials())

    assert answer.status_code == 3001
    assert not any(request.url.host == "10.0.0.1" for request in tnm.asked)


@pytest.mark.requirement("CRE-36", "VER-07", "VER-10", "VER-11", "VER-09")
async def test_odd_but_usable_version_pages_are_understood(server: Server, invited: Caller, tnm: FakePartner) -> None:
    elsewhere = server.internet.add(FakePartner("cdn", "endpoints.tnm.example"))
    versions = [
        {"version": "9.9", "url": f"{tnm.base}/9.9"},
        {"version": "2.2.1", "url": "2.2.1"},
        {"version": "2.2.1", "url": f"{tnm.base}/second"},
        {"version": "2.1.1", "url": f"{tnm.base}/2.1.1"},
        {"nonsense": True},
    ]
    endpoints = [
        {"identifier": "credentials", "role": "RECEIVER", "url": f"{tnm.base}/2.2.1/credentials"},
        {"identifier": "credentials", "role": "SENDER", "url": f"{tnm.base}/2.2.1/other"},
        {"identifier": "nltnm-custom", "role": "SENDER", "url": f"{tnm.base}/custom"},
        {"identifier": "locations", "role": "RECEIVER", "url": f"{elsewhere.base}/locations"},
        {"identifier": "tariffs", "role": "OBSERVER", "url": f"{tnm.base}/tariffs"},
        "nonsense",
    ]
    tnm.on("GET", "/ocpi/versions", envelope(versions))
    tnm.on("GET", "/ocpi/2.2.1", envelope({"version": "2.2.1", "endpoints": endpoints}))

    answer = await invited.post(URL, tnm.credentials())

    kept = await server.rows("SELECT module, url FROM partner_endpoints ORDER BY module")
    assert answer.status_code == 1000, answer
    assert kept == [
        {"module": "credentials", "url": f"{tnm.base}/2.2.1/credentials"},
        {"module": "locations", "url": f"{elsewhere.base}/locations"},
    ]


@pytest.mark.requirement("CRE-30")
async def test_a_platform_with_the_role_hub_is_a_hub(server: Server) -> None:
    hub = server.internet.add(FakePartner("hub", "hub.example", "h.h", roles=(("HUB", "NL", "HUB"),)))

    await server.connect(hub)

    (shown,) = (await server.operator.get("/api/partners")).json()
    assert (shown["hub"], shown["status"]) == (True, "CONNECTED")


async def test_who_calls_before_we_have_read_its_answer_is_asked_to_wait(server: Server) -> None:
    partner = server.internet.add(FakePartner())
    seen: list[int] = []

    async def answer_and_call(request: httpx.Request) -> httpx.Response:
        token = json.loads(request.content)["token"]
        early = await server.caller(token).get("/ocpi/emsp/2.2.1/locations/NL/TNM/LOC1")
        seen.append(early.http_status)
        return envelope(partner.credentials(token="token-c.of-tnm"))

    partner.on("POST", "/credentials", answer_and_call)
    body = {"name": "tnm", "versions_url": f"{partner.base}/versions", "credentials_token": "token-a.of-tnm"}

    connected = await server.operator.post("/api/partners", json=body)

    assert (connected.status_code, seen) == (201, [503])


@pytest.mark.requirement("CRE-14", "CRE-15")
async def test_the_operator_sees_why_an_invited_platform_could_not_register_until_it_could(
    server: Server, invited: Caller, tnm: FakePartner
) -> None:
    versions, tnm.versions = tnm.versions, ("2.1.1",)
    await invited.post(URL, tnm.credentials())
    (failed,) = (await server.operator.get("/api/partners")).json()
    tnm.versions = versions

    await invited.post(URL, tnm.credentials())

    (done,) = (await server.operator.get("/api/partners")).json()
    assert (failed["status"], failed["alert"]) == (
        "INVITED",
        "its registration failed: you do not list version 2.2.1, which you used",
    )
    assert (done["status"], done["alert"]) == ("CONNECTED", None)
