"""Sessions that fell silent and what drivers prefer are lists like all others."""

from tests.objects import a_cdr_token, a_session
from tests.partner import FakePartner, envelope
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWA, DE_TNM = PartyId("NL", "OWA"), PartyId("DE", "TNM")
SESSION = a_session(OWA, cdr_token=a_cdr_token(DE_TNM))


async def test_silent_sessions_are_read_page_by_page_the_most_silent_first(server: Server) -> None:
    for day in ("03", "01", "02"):
        body = SESSION | {"id": day, "status": "ACTIVE", "last_updated": f"2026-02-{day}T00:00:00Z"}
        assert (await server.operator.put(f"/api/sessions/NL/OWA/{day}", json=body)).status_code == 201

    first = await server.operator.get("/api/sessions/silent?limit=2")
    second = await server.operator.get(first.links["next"]["url"])
    window = {"date_from": "2026-02-02T00:00:00Z", "date_to": "2026-02-03T00:00:00Z"}
    within = await server.operator.get("/api/sessions/silent", params=window)

    assert [one["id"] for one in first.json() + second.json()] == ["01", "02", "03"]
    assert [one.headers["x-total-count"] for one in (first, second, within)] == ["3", "3", "1"]
    assert [one["id"] for one in within.json()] == ["02"]
    assert "link" not in second.headers


async def test_what_drivers_prefer_is_read_page_by_page_newest_first(server: Server) -> None:
    partner = server.internet.add(FakePartner())
    caller = (await server.connect(partner)).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    partner.on("PUT", "/charging_preferences", envelope("ACCEPTED"))
    for session_id in ("101", "104"):
        await caller.put(f"/sessions/NL/TNM/{session_id}", a_session(id=session_id))
        url = f"/api/sessions/NL/TNM/{session_id}/charging_preferences"
        answer = await server.operator.put(url, json={"profile_type": "GREEN"})
        assert answer.status_code == 200, answer.text

    first = await server.operator.get("/api/sessions/charging_preferences?limit=1")
    second = await server.operator.get(first.links["next"]["url"])
    before = await server.operator.get("/api/sessions/charging_preferences?date_to=2000-01-01T00:00:00Z")

    assert [one["session_id"] for one in first.json() + second.json()] == ["104", "101"]
    assert [one.headers["x-total-count"] for one in (first, second, before)] == ["2", "2", "0"]
    assert ("link" in second.headers, before.json()) == (False, [])
