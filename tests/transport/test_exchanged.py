"""A module that the operator left out for a partner is not there for it, whatever its version details said before."""

import json
from typing import Any

import pytest
from tests.behind import CLIENT_INFO, a_hub
from tests.commanding import an_emsp, inbound, start_session
from tests.objects import a_cdr, a_cdr_token, a_client_info, a_location, a_session, a_tariff, a_token
from tests.partner import Caller, envelope
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWM, DE_TNM = PartyId("NL", "OWM"), PartyId("DE", "TNM")
ACCEPTED = {"result": "ACCEPTED", "timeout": 20}


@pytest.fixture
async def emsp(server: Server) -> Caller:
    """The eMSP DE/TNM, calling our CPO."""
    return await an_emsp(server)


@pytest.fixture
def cpo(emsp: Caller) -> Caller:
    """The CPO NL/TNM of the same platform, calling our eMSP."""
    return emsp.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


async def _exchange(server: Server, modules: list[str] | None) -> None:
    answer = await server.operator.patch("/api/partners/1", json={"modules": modules})
    assert answer.status_code == 200, answer.text


@pytest.mark.requirement("VER-05")
@pytest.mark.parametrize(
    ("side", "method", "path", "body"),
    [
        ("emsp", "GET", "/locations", None),
        ("emsp", "GET", "/locations/LOC1", None),
        ("emsp", "GET", "/tariffs", None),
        ("emsp", "GET", "/sessions?date_from=2026-01-01T00:00:00Z", None),
        ("emsp", "PUT", "/tokens/DE/TNM/012345678", a_token(DE_TNM)),
        ("emsp", "POST", "/commands/START_SESSION", start_session()),
        ("emsp", "GET", "/chargingprofiles/101?duration=900&response_url=https://tnm.example/back", None),
        ("cpo", "PUT", "/locations/NL/TNM/LOC1", a_location()),
        ("cpo", "PUT", "/tariffs/NL/TNM/12", a_tariff()),
        ("cpo", "PUT", "/sessions/NL/TNM/101", a_session()),
        ("cpo", "POST", "/cdrs", a_cdr(cdr_token=a_cdr_token(OWM))),
        ("cpo", "POST", "/tokens/012345678/authorize", {"location_id": "LOC1"}),
    ],
)
async def test_what_is_not_exchanged_is_not_found_and_nothing_is_kept(
    server: Server, emsp: Caller, cpo: Caller, side: str, method: str, path: str, body: Any
) -> None:
    await server.operator.put("/api/tokens/NL/OWM/012345678", json=a_token(OWM))
    await _exchange(server, [])
    caller = emsp if side == "emsp" else cpo

    refused = await caller.request(method, path, body)

    assert (refused.http_status, refused.status_code, "data" in refused.body) == (404, 2000, False), refused
    assert refused.message.startswith("we do not exchange ")
    assert refused.headers["ocpi-to-party-id"] == "TNM"
    for module in ("locations", "tariffs", "sessions", "cdrs", "tokens"):
        assert (await server.operator.get(f"/api/{module}", params={"own": "false"})).json() == []
    assert await inbound(server) == []
    await _exchange(server, None)
    assert (await caller.request(method, path, body)).status_code == 1000


async def test_the_modules_that_are_left_are_served(server: Server, emsp: Caller) -> None:
    await _exchange(server, ["locations"])

    assert (await emsp.get("/locations")).status_code == 1000
    assert (await emsp.get("/tariffs")).http_status == 404


async def test_versions_and_credentials_cannot_be_left_out(server: Server, emsp: Caller) -> None:
    await _exchange(server, [])

    answers = [
        await emsp.get("/ocpi/versions"),
        await emsp.get("/ocpi/2.2.1"),
        await emsp.get("/ocpi/2.2.1/credentials"),
    ]

    assert [answer.status_code for answer in answers] == [1000] * 3
    assert [one["identifier"] for one in answers[1].data["endpoints"]] == ["credentials"]


@pytest.mark.requirement("CMD-S-02")
@pytest.mark.parametrize("off", [{"modules": []}, {"parties": []}, {"parties": ["NL*OWA"]}], ids=str)
async def test_the_result_of_what_we_asked_comes_all_the_same(server: Server, cpo: Caller, off: dict[str, Any]) -> None:
    cpo.partner.on("POST", "/receiver/commands", envelope(ACCEPTED))
    body = {"country_code": "NL", "party_id": "TNM", "token": a_token(OWM), "location_id": "LOC1"}
    sent = (await server.operator.post("/api/commands/START_SESSION", json=body)).json()
    url = json.loads(cpo.partner.requests("POST", "/receiver/commands")[-1].content)["response_url"]
    assert (await server.operator.patch("/api/partners/1", json=off)).status_code == 200

    told = await cpo.post(url, {"result": "ACCEPTED"})

    assert told.status_code == 1000, told
    assert (await server.operator.get(f"/api/commands/{sent['id']}")).json()["result"] == {"result": "ACCEPTED"}


async def test_a_hub_does_not_tell_of_parties_where_its_module_was_left_out(server: Server) -> None:
    hub = await a_hub(server)
    await _exchange(server, ["locations"])

    answer = await hub.put(f"{CLIENT_INFO}/SE/EVX", a_client_info(PartyId("SE", "EVX")))

    assert (answer.http_status, answer.status_code) == (404, 2000)
