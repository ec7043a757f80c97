"""Who is asking: the Authorization header. OCPI 2.2.1, Transport and format, "Authorization header"."""

import base64
from collections.abc import Callable

import pytest
from tests.conftest import BOTH
from tests.objects import a_location
from tests.partner import Caller, basic
from tests.server import Server

PATHS = [
    "/ocpi",
    "/ocpi/",
    "/ocpi/versions",
    "/ocpi/2.2.1",
    "/ocpi/2.2.1/credentials",
    "/ocpi/9.9",
    "/ocpi/cpo/2.2.1/locations",
    "/ocpi/cpo/2.2.1/locations/LOC1/3256/1",
    "/ocpi/emsp/2.2.1/locations/NL/TNM/LOC1",
    "/ocpi/emsp/2.2.1/tokens",
    "/ocpi/no/such/thing",
    "/ocpi/console",
]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@BOTH
@pytest.mark.requirement("TRN-04", "TRN-05", "TRN-11")
@pytest.mark.parametrize(
    "form",
    [
        lambda t: f"Token {_base64(t)}",
        lambda t: f"Token {t}",
        lambda t: f"Token {_base64(t + chr(10))}",
        lambda t: f"Token {_base64(t + chr(13) + chr(10))}",
        lambda t: f"Token {_base64(t + ' ')}",
        lambda t: f"Token {_base64(t).rstrip('=')}",
        lambda t: f"token {_base64(t)}",
        lambda t: f"TOKEN {_base64(t)}",
    ],
    ids=["base64", "raw", "line feed", "cr lf", "blank", "no padding", "lower case", "upper case"],
)
async def test_each_spelling_of_a_token_names_the_same_partner(tnm: Caller, form: Callable[[str], str]) -> None:
    header = form(tnm.token)

    answer = await tnm.get("/ocpi/2.2.1/credentials", headers={"authorization": header})

    assert (answer.http_status, answer.status_code) == (200, 1000)
    assert answer.data["token"] == tnm.token


@BOTH
@pytest.mark.requirement("TRN-06", "TRN-12", "TRN-16", "TRN-17", "TRN-19", "VER-03", "STS-09")
@pytest.mark.parametrize("path", PATHS)
async def test_nothing_is_told_without_a_token(server: Server, path: str) -> None:
    stranger = server.caller("")
    for method in METHODS:
        answer = await stranger.request(method, path, headers={"authorization": ""}, envelope=method != "HEAD")

        assert answer.http_status == 401, method
        assert answer.headers["www-authenticate"] == "Token"
        assert answer.headers["content-type"] == "application/json"
        if method != "HEAD":
            assert answer.status_code == 2000
            assert set(answer.body) == {"status_code", "status_message", "timestamp"}


@BOTH
@pytest.mark.requirement("TRN-07", "VER-03", "CRE-11")
@pytest.mark.parametrize(
    "header",
    [
        basic("somebody-elses.token"),
        "Token",
        "Bearer {token}",
        "Basic {base64}",
        "{token}",
        "Token {base64} {base64}",
        "Token Token {base64}",
        "Token %%%",
        "Token {base64},",
        "Token \xff\xfe",
        "Token " + "A" * 5000,
    ],
)
async def test_a_token_that_is_nobodys_is_401(tnm: Caller, header: str) -> None:
    given = header.replace("{token}", tnm.token).replace("{base64}", _base64(tnm.token))
    for url in ("/ocpi/versions", "/ocpi/2.2.1/credentials", "/locations/NL/TNM/LOC1"):
        answer = await tnm.get(url, headers={"authorization": given})

        assert (answer.http_status, answer.status_code) == (401, 2000), url


@pytest.mark.requirement("TRN-06", "TRN-07")
async def test_a_push_without_a_good_token_changes_nothing(tnm: Caller) -> None:
    await tnm.put("/locations/NL/TNM/LOC1", a_location())

    refused = await tnm.put("/locations/NL/TNM/LOC1", a_location(name="Mine"), headers={"authorization": basic("x.y")})

    assert refused.http_status == 401
    assert (await tnm.get("/locations/NL/TNM/LOC1")).data == a_location()


@BOTH
@pytest.mark.requirement("TRN-08")
async def test_an_invitation_opens_versions_and_credentials_only(server: Server) -> None:
    invited = server.caller(await server.invite())

    opened = [await invited.get(path) for path in ("/ocpi/versions", "/ocpi/2.2.1", "/ocpi/2.2.1/credentials")]
    closed = [
        await invited.get(f"/ocpi/{side}/2.2.1/{module}")
        for side in ("cpo", "emsp")
        for module in (
            "locations", "tariffs", "sessions", "cdrs", "tokens", "commands", "chargingprofiles", "hubclientinfo",
        )
    ]  # fmt: skip

    assert [answer.status_code for answer in opened] == [1000, 1000, 1000]
    assert {(answer.http_status, answer.status_code) for answer in closed} == {(401, 2000)}
    assert {answer.headers["www-authenticate"] for answer in closed} == {"Token"}


@pytest.mark.requirement("TRN-09", "TRN-10", "CRE-01")
async def test_every_token_that_we_issue_is_a_new_one_of_printable_characters(server: Server) -> None:
    tokens = {await server.invite(f"partner {number}") for number in range(20)}

    assert len(tokens) == 20
    for token in tokens:
        assert 43 <= len(token) <= 64  # 43 characters of 64 kinds hold 256 bits
        assert all("\x21" <= sign <= "\x7e" for sign in token)
    assert (await server.rows("SELECT count(DISTINCT digest) AS n FROM credentials_tokens"))[0]["n"] == 20
