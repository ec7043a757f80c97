"""What the operator sets for a partner, and how it looks for a party's objects."""

from typing import Any

import pytest
from tests.own import publish
from tests.partner import FakePartner
from tests.server import Server


@pytest.mark.parametrize(
    "quirks",
    [
        {"acept_older": True},
        {"accept_older": "yes"},
        {"page_limit": 0},
        {"page_limit": "100"},
        {"required_endpoints": 5},
        {"required_endpoints": ["cdrs"]},
        {"broadcast": ["parking"]},
    ],
)
async def test_a_quirk_that_nobody_could_follow_is_refused(server: Server, quirks: dict[str, object]) -> None:
    await server.invite()
    (partner,) = await server.rows("SELECT id FROM partners")

    answer = await server.operator.patch(f"/api/partners/{partner['id']}", json={"quirks": quirks})

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith("/quirks")
    assert (await server.operator.get(f"/api/partners/{partner['id']}")).json()["quirks"] == {}


async def test_quirks_replace_those_before(server: Server) -> None:
    await server.invite()
    (partner,) = await server.rows("SELECT id FROM partners")
    path = f"/api/partners/{partner['id']}"

    await server.operator.patch(path, json={"quirks": {"accept_older": True}})
    answer = await server.operator.patch(path, json={"quirks": {"page_limit": 20, "broadcast": ["locations"]}})

    assert answer.json()["quirks"] == {"page_limit": 20, "broadcast": ["locations"]}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("country_code=nl", 1),
        ("party_id=owa", 1),
        ("country_code=NL&party_id=OWA", 1),
        ("country_code=DE", 0),
        ("party_id=OW_", 0),
        ("country_code=%25", 0),
        ("party_id=%5C", 0),
    ],
)
async def test_objects_are_found_by_their_party_and_by_nothing_like_it(server: Server, query: str, found: int) -> None:
    await publish(server)

    answer = await server.operator.get(f"/api/locations?{query}")

    assert (answer.status_code, len(answer.json())) == (200, found)
    assert answer.headers["x-total-count"] == str(found)


async def test_a_partner_hears_of_our_roles_again_only_if_what_it_deals_with_changed(server: Server) -> None:
    await server.connect(server.internet.add(FakePartner()))

    async def due(**changes: Any) -> bool:
        assert (await server.operator.patch("/api/partners/1", json=changes)).status_code == 200
        (row,) = await server.rows("SELECT renew_at <= now() AS due FROM partners")
        return bool(row["due"])

    assert not await due(name="TNM", modules=None, parties=None)
    assert await due(parties=["NL*OWA", "NL*OWM"])


async def test_a_partner_deals_with_parties_that_are_ours(server: Server) -> None:
    await server.connect(server.internet.add(FakePartner()))

    answer = await server.operator.patch("/api/partners/1", json={"parties": ["NL*OWA", "NL*OWB"]})

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/parties/1")
    assert (await server.operator.get("/api/partners/1")).json()["parties"] is None
