"""PostgreSQL has no place for the character U+0000: whoever sends it is told so, and nothing is changed."""

from typing import Any

import pytest
from tests.objects import a_location
from tests.own import publish, url
from tests.server import Server

NUL = "a\0b"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/locations/NL/OWA/%00"),
        ("GET", "/api/tariffs/NL/O%00A/1"),
        ("DELETE", "/api/tariffs/NL/OWA/a%00b"),
        ("DELETE", "/api/locations/NL/OWA/a%00b/3256"),
        ("GET", "/api/locations?country_code=%00"),
        ("GET", "/api/commands?state=a%00b"),
        ("GET", "/api/events?type=%00"),
        ("GET", "/api/messages?object=%00"),
        ("GET", "/api/timeline?session=%00"),
    ],
)
async def test_it_is_refused_in_an_address(server: Server, method: str, path: str) -> None:
    answer = await server.operator.request(method, path)

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "U+0000" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/partners", {"name": NUL}),
        ("POST", "/api/partners", {"name": "x", "versions_url": f"https://x.example/{NUL}", "credentials_token": "t"}),
        ("POST", "/api/webhooks", {"url": f"https://x.example/{NUL}"}),
        ("POST", "/api/webhooks", {"url": "https://x.example/", "types": [NUL]}),
        (
            "POST",
            "/api/parties",
            {"country_code": "NL", "party_id": "NEW", "role": "CPO", "business_details": {"name": "x", "more": NUL}},
        ),
        ("PUT", url("LOC2"), a_location(id="LOC2", more=NUL)),
        ("PUT", url("LOC2"), a_location(id="LOC2", more={NUL: 1})),
        ("POST", "/api/commands/STOP_SESSION", {"country_code": "NL", "party_id": "TNM", "session_id": "1", "x": NUL}),
    ],
)
async def test_it_is_refused_in_a_body(server: Server, method: str, path: str, body: dict[str, Any]) -> None:
    answer = await server.operator.request(method, path, json=body)

    assert answer.status_code == 422, answer.text
    assert "U+0000" in answer.json()["detail"]


async def test_it_is_refused_in_a_change_with_its_place(server: Server) -> None:
    before = await publish(server)

    answer = await server.operator.patch(url("LOC1", "3256"), json={"more": [{"deep": NUL}]})

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/more/0/deep")
    assert (await server.operator.get(url("LOC1"))).json() == before


async def test_what_only_looks_like_it_is_kept(server: Server) -> None:
    told = await publish(server, more="\\u0000")

    assert told["more"] == "\\u0000"
    assert (await server.operator.get(url("LOC1"))).json()["more"] == "\\u0000"
