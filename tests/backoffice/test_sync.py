"""The operator pulls now, and sees what a partner and we do not know of each other."""

from typing import Any

import pytest
from tests.pull.lists import PagedList, a_cpo, some_locations
from tests.server import Server


async def _sync(server: Server, partner_id: int) -> dict[str, Any]:
    answer = await server.operator.get(f"/api/partners/{partner_id}/sync")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _connected(server: Server) -> int:
    partner = server.internet.add(a_cpo())
    PagedList(partner, some_locations(3))
    await server.connect(partner)
    found: int = (await server.rows("SELECT id FROM partners"))[0]["id"]
    return found


async def test_the_operator_pulls_now_and_sees_what_came_of_it(server: Server) -> None:
    partner_id = await _connected(server)
    before = await _sync(server, partner_id)

    answer = await server.operator.post(f"/api/partners/{partner_id}/pull", json={"module": "locations", "full": True})
    await server.app.pulling.pull_due()

    assert (answer.status_code, answer.json()) == (202, {"lists": 1})
    assert before["pull"][0]["good_until"] is None
    (pull,) = (await _sync(server, partner_id))["pull"]
    assert (pull["module"], pull["party"], pull["addressee"]) == ("locations", "NL*TNM", "NL*OWM")
    assert (pull["pages"], pull["objects"], pull["refused"], pull["total"], pull["error"]) == (2, 3, 0, 3, None)
    assert pull["good_until"].endswith("Z")
    assert pull["running"] is False


async def test_a_pull_needs_no_body(server: Server) -> None:
    partner_id = await _connected(server)

    answer = await server.operator.post(f"/api/partners/{partner_id}/pull")

    assert answer.status_code == 202


@pytest.mark.requirement("OPS-02")
async def test_the_operator_sees_what_a_partner_was_not_told_yet(server: Server) -> None:
    emsp = server.internet.add(a_cpo(roles=(("EMSP", "NL", "TNM"),), endpoints=[("locations", "RECEIVER")]))
    await server.connect(emsp)
    partner_id = (await server.rows("SELECT id FROM partners"))[0]["id"]
    location = some_locations(1)[0] | {"country_code": "NL", "party_id": "OWA"}

    put = await server.operator.put("/api/locations/NL/OWA/LOC1", json=location)
    pending = await _sync(server, partner_id)
    await server.push()
    told = await _sync(server, partner_id)

    assert put.is_success, put.text
    assert [(m["module"], m["pending"]) for m in pending["push"]["modules"]] == [("locations", 1)]
    assert told["push"]["modules"] == []
    assert [(p["party"], p["delivered"]) for p in told["push"]["parties"]] == [("NL*TNM", 1)]


async def test_an_unknown_partner_is_not_found_and_one_that_is_not_connected_a_conflict(server: Server) -> None:
    await server.invite()
    invited = (await server.rows("SELECT id FROM partners"))[0]["id"]

    answers = [
        await server.operator.post("/api/partners/999/pull"),
        await server.operator.get("/api/partners/999/sync"),
        await server.operator.post(f"/api/partners/{invited}/pull"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 409]


async def test_a_list_that_is_not_fetched_cannot_be_pulled(server: Server) -> None:
    partner_id = await _connected(server)

    answer = await server.operator.post(f"/api/partners/{partner_id}/pull", json={"module": "commands"})

    assert answer.status_code == 409
    assert "commands" in answer.json()["detail"]
