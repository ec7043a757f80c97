"""Charging profiles by forms: set, asked for and cleared as eMSP, with the result as it comes; answered as CPO."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests import own
from tests.console.test_pages import OURS, browser, sign_in
from tests.objects import a_cdr_token, a_location, a_session, an_evse
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWA, OWM, DE_TNM = PartyId("NL", "OWA"), PartyId("NL", "OWM"), PartyId("DE", "TNM")
CAPABLE = ["CHARGING_PROFILE_CAPABLE"]
PERIODS = {"minutes0": "0", "limit0": "16", "minutes1": "15", "limit1": "8,5", "minutes2": "30", "limit2": ""}


@pytest.fixture
async def visitor(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(server) as signed_in:
        assert (await sign_in(signed_in)).status_code == 303
        yield signed_in


@pytest.fixture
async def cpo(server: Server) -> Caller:
    """NL/TNM, which has a session of our driver and takes what is asked about it."""
    partner = server.internet.add(FakePartner())
    caller = (await server.connect(partner)).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await caller.put("/locations/NL/TNM/LOC1", a_location(evses=[an_evse(capabilities=CAPABLE)]))
    answer = await caller.put("/sessions/NL/TNM/101", a_session(cdr_token=a_cdr_token(OWM)))
    assert answer.status_code == 1000, answer
    partner.on("*", "/chargingprofiles/", envelope({"result": "ACCEPTED", "timeout": 30}))
    return caller


async def _send(visitor: httpx.AsyncClient, action: str, **form: str) -> httpx.Response:
    data = {"action": action, "session_id": "101", "cpo": "NL*TNM"} | form
    return await visitor.post("/console/charging-profiles", data=data, headers=OURS)


async def test_a_profile_is_set_and_its_result_seen_as_soon_as_it_comes(
    visitor: httpx.AsyncClient, cpo: Caller
) -> None:
    sent = await _send(visitor, "set", unit="A", hours="1", min_charging_rate="6", **PERIODS)
    place = sent.headers["location"]
    waiting = (await visitor.get(place)).text
    (asked,) = cpo.partner.requests("PUT", "/chargingprofiles/101")
    body = json.loads(asked.content)
    await cpo.post(body["response_url"], {"result": "ACCEPTED"})
    done = (await visitor.get(f"{place}/live")).text

    assert sent.status_code == 303, sent.text
    assert body["charging_profile"] == {
        "charging_rate_unit": "A",
        "duration": 3600,
        "min_charging_rate": 6,
        "charging_profile_period": [{"start_period": 0, "limit": 16}, {"start_period": 900, "limit": 8.5}],
    }
    assert "WAITING" in waiting
    assert f'hx-get="{place}/live"' in waiting
    assert "RESULTED" in done
    assert "hx-get" not in done
    assert "8.5 A" in done


async def test_what_is_planned_is_asked_for_and_shown_here_and_at_the_session(
    visitor: httpx.AsyncClient, cpo: Caller
) -> None:
    sent = await _send(visitor, "ask", hours="0.5")
    (asked,) = cpo.partner.requests("GET", "/chargingprofiles/101")
    profile = {"charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": 4321}]}
    plan = {"start_date_time": "2026-03-01T12:00:00Z", "charging_profile": profile}
    await cpo.post(asked.url.params["response_url"], {"result": "ACCEPTED", "profile": plan})

    assert asked.url.params["duration"] == "1800"
    assert "4321 W" in (await visitor.get(sent.headers["location"])).text
    session = (await visitor.get("/console/sessions/NL/TNM/101")).text
    assert "4321 W" in session
    assert "/console/charging-profiles/new?session_id=101" in session


async def test_a_profile_is_cleared(visitor: httpx.AsyncClient, cpo: Caller) -> None:
    sent = await _send(visitor, "clear")

    assert sent.status_code == 303, sent.text
    assert len(cpo.partner.requests("DELETE", "/chargingprofiles/101")) == 1
    listed = (await visitor.get("/console/charging-profiles")).text
    assert f'href="{sent.headers["location"]}">CLEAR_CHARGING_PROFILE</a>' in listed


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"session_id": ""}, 422, "its id is missing"),
        ({"session_id": "NOBODY"}, 404, "NOBODY"),
        ({"limit0": "much"}, 422, "much is no number"),
        ({"limit0": "NaN"}, 422, "no number that can be meant"),
        ({"minutes1": "0"}, 422, "ascending order"),
        ({"unit": "hp"}, 422, "charging_rate_unit"),
        ({"start_date_time": "soon"}, 422, "start_date_time"),
    ],
)
async def test_what_cannot_be_a_profile_is_told_with_the_form_as_it_was_and_asks_nobody(
    visitor: httpx.AsyncClient, cpo: Caller, form: dict[str, str], status: int, words: str
) -> None:
    seen = await _send(visitor, "set", **({"unit": "A"} | PERIODS | form))

    assert seen.status_code == status, seen.text
    assert words in seen.text
    assert 'value="8,5"' in seen.text
    assert cpo.partner.requests("PUT", "/chargingprofiles/") == []


async def test_a_cpo_that_refuses_is_shown_and_not_waited_for(visitor: httpx.AsyncClient, cpo: Caller) -> None:
    cpo.partner.on("*", "/chargingprofiles/", envelope({"result": "TOO_OFTEN", "timeout": 30}))

    seen = (await visitor.get((await _send(visitor, "set", unit="A", **PERIODS)).headers["location"])).text

    assert "REFUSED" in seen
    assert "TOO_OFTEN" in seen
    assert "hx-get" not in seen


async def test_who_only_looks_cannot_set_one(server: Server) -> None:
    made = await server.operator.get("/api/partners")
    assert made.status_code == 200
    async with browser(server) as admin, browser(server) as reader:
        await sign_in(admin)
        page = await admin.post("/console/keys", data={"name": "x", "scope": "read"}, headers=OURS)
        key = re.search(r'value="([^"]+)" id="key"', page.text)
        assert key
        await sign_in(reader, key[1])

        assert (await reader.get("/console/charging-profiles")).status_code == 200
        assert (await reader.get("/console/charging-profiles/new")).status_code == 403
        assert (await _send(reader, "clear")).status_code == 403


@pytest.fixture
async def emsp(server: Server) -> Caller:
    """DE/TNM, whose driver charges at our EVSE, which takes charging profiles."""
    partner = server.internet.add(FakePartner())
    caller = (await server.connect(partner)).speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
    await own.publish(server, evses=[an_evse(capabilities=CAPABLE)])
    body: dict[str, Any] = a_session(OWA, cdr_token=a_cdr_token(DE_TNM))
    assert (await server.operator.put("/api/sessions/NL/OWA/101", json=body)).status_code == 201
    return caller


async def test_as_cpo_the_result_and_the_plan_are_told_by_a_form(visitor: httpx.AsyncClient, emsp: Caller) -> None:
    back = f"{emsp.partner.base}/back"
    asked = await emsp.get("/chargingprofiles/101", params={"duration": "900", "response_url": back})
    assert asked.data["result"] == "ACCEPTED", asked

    listed = (await visitor.get("/console/charging-profiles?direction=inbound&state=PENDING")).text
    found = re.search(r'href="(/console/charging-profiles/\d+)"', listed)
    assert found
    wrong = await visitor.post(f"{found[1]}/result", data={"result": "ACCEPTED", "limit0": "x"}, headers=OURS)
    form = {"result": "ACCEPTED", "unit": "A", "hours": "0.25"} | PERIODS
    told = await visitor.post(f"{found[1]}/result", data=form, headers=OURS)
    again = await visitor.post(f"{found[1]}/result", data=form, headers=OURS)
    seen = (await visitor.get(told.headers["location"])).text

    assert (wrong.status_code, told.status_code, again.status_code) == (422, 303, 409), told.text
    assert "x is no number" in wrong.text
    assert "8.5 A" in seen
    assert "The result is on its way" in seen
