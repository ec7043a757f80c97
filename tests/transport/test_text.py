"""The character U+0000 from partners, for which PostgreSQL has no place: refused where they send it, replaced where we fetch."""

import json
from typing import Any

import pytest
from tests.objects import a_location
from tests.partner import FakePartner, envelope
from tests.pull.lists import a_cpo
from tests.server import Server

NUL = "a\0b"


@pytest.mark.parametrize("changes", [{"name": NUL}, {"more": NUL}, {"more": {NUL: 1}}])
async def test_an_object_that_holds_it_is_refused(server: Server, changes: dict[str, Any]) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))

    answer = await caller.put("/locations/NL/TNM/LOC1", a_location(**changes))

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert "U+0000" in answer.message
    assert (await caller.get("/locations/NL/TNM/LOC1")).http_status == 404


async def test_a_url_that_holds_it_names_nothing(server: Server) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))

    answer = await caller.get("/locations/NL/TNM/a%00b")

    assert (answer.http_status, answer.status_code) == (200, 2001)


async def test_a_list_is_not_lost_for_it(server: Server) -> None:
    cpo = server.internet.add(a_cpo())
    listed = [
        a_location(id="L1", more=NUL),
        a_location(id="L2", name=NUL),
        a_location(id=f"L{NUL}"),
        a_location(id="L3"),
    ]
    cpo.on("GET", "/locations", envelope(listed, headers={"x-total-count": "4"}))
    await server.connect(cpo)

    await server.app.pulling.pull_due()

    found = (await server.operator.get("/api/locations")).json()
    assert [(one["id"], one.get("more"), one["name"]) for one in found] == [
        ("L1", "a\ufffdb", found[0]["name"]),
        ("L2", None, "a\ufffdb"),
        ("L3", None, found[0]["name"]),
    ]
    assert NUL not in json.dumps(found)
