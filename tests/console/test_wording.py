"""What pages of the console say is so: moments with their zone, what is paused, what nobody knows yet."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from tests import own
from tests.console.test_pages import OURS, browser, sign_in
from tests.partner import FakePartner
from tests.server import Server


@pytest.fixture
async def visitor(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(server) as signed_in:
        assert (await sign_in(signed_in)).status_code == 303
        yield signed_in


async def test_a_moment_is_shown_with_its_time_zone(server: Server, visitor: httpx.AsyncClient) -> None:
    await own.publish(server, last_updated="2026-03-01T12:00:00Z")

    seen = await visitor.get("/console/locations/NL/OWA/LOC1")

    assert "2026-03-01 12:00:00 UTC</time>" in seen.text


async def test_a_partner_that_is_not_connected_is_not_said_to_know_everything(
    server: Server, visitor: httpx.AsyncClient
) -> None:
    await server.invite()
    await server.connect(server.internet.add(FakePartner()))

    invited, connected = [await visitor.get(f"/console/partners/{number}") for number in (1, 2)]
    invited_later, connected_later = [await visitor.get(f"/console/partners/{number}/live") for number in (1, 2)]

    for page in (invited, invited_later):
        assert "Nothing is told to them: they are not connected." in page.text
        assert "Everything" not in page.text
    for page in (connected, connected_later):
        assert "Everything: nothing waits, nothing was refused." in page.text


async def test_what_is_switched_off_is_not_offered_to_be_sent_again(server: Server, visitor: httpx.AsyncClient) -> None:
    await server.connect(server.internet.add(FakePartner()))
    await server.operator.patch("/api/partners/1", json={"push": False})
    await own.publish(server)

    paused = await visitor.get("/console/deliveries?partner=1&state=paused")
    all_of_them = await visitor.get("/console/deliveries?partner=1")

    assert "when switched on" in paused.text
    assert "on request" not in paused.text
    assert "Send again" not in paused.text
    assert "Send again" in all_of_them.text


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ("messages?status=bla", 'name="status"'),
        ("deliveries?state=bla", 'name="state"'),
        ("findings?partner=x", 'name="partner"'),
    ],
)
async def test_a_search_that_cannot_be_keeps_its_form(visitor: httpx.AsyncClient, page: str, field: str) -> None:
    seen = await visitor.get(f"/console/{page}")

    assert seen.status_code == 422
    assert field in seen.text
    assert 'role="alert"' in seen.text
    assert not re.search("There are none|Nobody|Everybody|None yet", seen.text)


async def test_the_menu_has_no_heading_without_pages(server: Server, visitor: httpx.AsyncClient) -> None:
    made = await visitor.post("/console/keys", data={"name": "a system", "scope": "read"}, headers=OURS)
    key = re.search(r'value="([^"]+)" id="key"', made.text)
    assert key
    async with browser(server) as reader:
        await sign_in(reader, key[1])
        seen = await reader.get("/console/partners")

    assert "<p>Installation</p>" in made.text
    assert "<p>Doing</p>" in seen.text
    assert "<p>Installation</p>" not in seen.text


async def test_a_map_tells_what_it_is(server: Server, visitor: httpx.AsyncClient) -> None:
    await own.publish(server)

    for page, name in (("/locations", "Map of the locations"), ("/locations/NL/OWA/LOC1", "Where it is")):
        assert f'role="region" aria-label="{name}"' in (await visitor.get(f"/console{page}")).text
