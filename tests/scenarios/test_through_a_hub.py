"""A CPO and an eMSP that never meet: each registers with a hub, and they roam through it. OCPI 2.2.1, Message routing."""

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.commanding import CAPABLE, deliver, settle
from tests.conftest import NewDatabase
from tests.hub import Hub
from tests.objects import LATER, a_cdr, a_cdr_token, a_session, a_token, an_evse
from tests.own import OWA, publish, report
from tests.server import Server, start_server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import PartyId, parse_time

OWM = PartyId("NL", "OWM")
LOCATION = "/api/locations/NL/OWA/LOC1"
TOKEN = "/api/tokens/NL/OWM/012345678"
DRIVER = a_cdr_token(OWM)
CPO = {"country_code": "NL", "party_id": "OWA"}


@dataclass
class Roaming:
    cpo: Server
    emsp: Server
    hub: Hub


async def _platform(stack: AsyncExitStack, url: str, name: str, role: str, party: PartyId, hub: Hub) -> Server:
    server = await stack.enter_async_context(start_server(url, public_url=f"https://{name}.example"))
    await server.add_party(party.country_code, party.party_id, role)
    server.internet.add(hub)
    hub.internet.hosts[f"{name}.example"] = server.app
    body = {"name": "hub", "versions_url": f"{hub.base}/versions", "credentials_token": hub.invite(name)}
    answer = await server.operator.post("/api/partners", json=body)
    assert (answer.status_code, answer.json().get("hub")) == (201, True), answer.text
    return server


@pytest.fixture
async def roaming(stack: AsyncExitStack, new_database: NewDatabase) -> Roaming:
    """Both are registered with the hub, and know of each other."""
    hub = Hub()
    cpo = await _platform(stack, new_database(), "cpo", "CPO", OWA, hub)
    emsp = await _platform(stack, new_database(), "emsp", "EMSP", OWM, hub)
    for server in (cpo, emsp):
        await server.app.pulling.pull_due()
    return Roaming(cpo, emsp, hub)


async def shown(server: Server, url: str) -> Any:
    answer = await server.operator.get(url)
    assert answer.status_code == 200, answer.text
    return answer.json()


def put_through(hub: Hub, method: str, path_part: str) -> list[httpx.Request]:
    """Requests as the hub passed them on."""
    return [went for _, went in hub.passed if went.method == method and path_part in str(went.url)]


async def again(server: Server) -> None:
    """Time passes: what was postponed is due."""
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE outbox_lanes SET next_attempt_at = now()"))
    await server.push()


@pytest.mark.requirement("CRE-30", "HCI-S-01", "HCI-R-02", "HCI-S-03")
async def test_both_learn_from_the_hub_who_is_there(roaming: Roaming) -> None:
    assert all(("hubclientinfo", "RECEIVER") in client.endpoints for client in roaming.hub.clients.values())
    for server, other in ((roaming.cpo, "OWM"), (roaming.emsp, "OWA")):
        (hub,) = await shown(server, "/api/partners")

        told = [(one["role"], one["party_id"], one["status"], one["behind_hub"]) for one in hub["roles"]]
        assert ("HUB", "HUB", "CONNECTED", False) in told
        assert [one for one in told if one[3]] == [("CPO" if other == "OWA" else "EMSP", other, "CONNECTED", True)]


@pytest.mark.requirement("HUB-05", "HUB-18", "OWN-23", "TRN-13")
async def test_a_location_is_pushed_through_the_hub_to_the_emsp(roaming: Roaming) -> None:
    location = await publish(roaming.cpo)
    await roaming.cpo.push()
    await report(roaming.cpo, "CHARGING")
    await roaming.cpo.push()

    (received,) = await shown(roaming.emsp, "/api/locations?own=false")
    assert received == await shown(roaming.cpo, LOCATION)
    assert received["evses"][0]["status"] == "CHARGING"
    assert parse_time(location["last_updated"]) <= parse_time(received["last_updated"])
    (came, went) = roaming.hub.passed[0]
    assert came.headers["x-correlation-id"] == went.headers["x-correlation-id"]
    assert came.headers["x-request-id"] != went.headers["x-request-id"]


@pytest.mark.requirement("HUB-11", "HUB-10", "HUB-15")
async def test_a_broadcast_reaches_the_emsp_as_the_cpos_object(roaming: Roaming) -> None:
    (hub,) = await shown(roaming.cpo, "/api/partners")
    await roaming.cpo.operator.patch(f"/api/partners/{hub['id']}", json={"quirks": {"broadcast": ["locations"]}})

    await publish(roaming.cpo)
    await roaming.cpo.push()

    (went,) = put_through(roaming.hub, "PUT", "/locations/NL/OWA/LOC1")
    assert (went.headers["ocpi-from-party-id"], went.headers["ocpi-to-party-id"]) == ("HUB", "OWM")
    (received,) = await shown(roaming.emsp, "/api/locations?own=false")
    assert received["party_id"] == "OWA"


@pytest.mark.requirement("HUB-16", "HUB-17")
async def test_lists_are_pulled_from_the_hub_as_one(roaming: Roaming) -> None:
    roaming.hub.status[OWM] = "OFFLINE"  # What is pushed meanwhile does not come through.
    for number in range(3):
        await publish(roaming.cpo, f"LOC{number}")
    await roaming.cpo.push()
    roaming.hub.status[OWM] = "CONNECTED"
    before = await shown(roaming.emsp, "/api/locations?own=false")

    (hub,) = await shown(roaming.emsp, "/api/partners")
    await roaming.emsp.operator.post(f"/api/partners/{hub['id']}/pull", json={"module": "locations", "full": True})
    await roaming.emsp.app.pulling.pull_due()

    received = await shown(roaming.emsp, "/api/locations?own=false")
    assert (before, sorted(one["id"] for one in received)) == ([], ["LOC0", "LOC1", "LOC2"])


@pytest.mark.requirement("HUB-05", "HUB-06", "TOK-A-12")
@pytest.mark.parametrize("known", [True, False], ids=["routed", "open routing"])
async def test_a_driver_is_authorized_in_real_time(roaming: Roaming, *, known: bool) -> None:
    await roaming.emsp.operator.put(TOKEN, json=a_token(OWM, whitelist="NEVER"))
    if known:
        await roaming.emsp.push()
    roaming.hub.passed.clear()

    answer = await roaming.cpo.operator.post("/api/tokens/-/-/012345678/authorize")

    found = answer.json()
    ((came, went),) = roaming.hub.passed
    assert (found["allowed"], found["source"], found["token"]["party_id"]) == ("ALLOWED", "AUTH_REQUEST", "OWM")
    assert came.headers.get("ocpi-to-party-id") == ("OWM" if known else None)
    assert (went.headers["ocpi-from-party-id"], went.headers["ocpi-to-party-id"]) == ("OWA", "OWM")


@pytest.mark.requirement("HUB-25", "HUB-26", "CMD-S-01", "SES-R-11", "CDR-R-01")
async def test_a_charge_from_start_session_to_the_cdr(roaming: Roaming) -> None:
    cpo, emsp, hub = roaming.cpo, roaming.emsp, roaming.hub
    await publish(cpo, evses=[an_evse(capabilities=CAPABLE)])
    await cpo.push()
    await emsp.operator.put(TOKEN, json=a_token(OWM))
    await emsp.push()

    start = CPO | {"token": a_token(OWM), "location_id": "LOC1", "evse_uid": "3256"}
    sent = (await emsp.operator.post("/api/commands/START_SESSION", json=start)).json()
    await settle(cpo)
    await deliver(cpo)
    result = (await shown(emsp, f"/api/commands/{sent['id']}"))["results"]
    session = a_session(OWA, cdr_token=DRIVER)
    await cpo.operator.put("/api/sessions/NL/OWA/101", json=session)
    await cpo.push()
    await cpo.operator.patch(
        "/api/sessions/NL/OWA/101", json={"kwh": 4.2, "status": "COMPLETED", "last_updated": LATER}
    )
    await cpo.push()
    cdr = a_cdr(OWA, cdr_token=DRIVER)
    await cpo.operator.put("/api/cdrs/NL/OWA/CDR1", json=cdr)
    await cpo.push()

    assert sent["response"]["result"] == "ACCEPTED"
    assert [one["result"] for one in result] == [{"result": "ACCEPTED"}]
    (back,) = put_through(hub, "POST", "/results/")
    assert (back.headers["ocpi-from-party-id"], back.headers["ocpi-to-party-id"]) == ("OWA", "OWM")
    (received,) = await shown(emsp, "/api/sessions?own=false")
    assert (received["id"], received["status"], received["kwh"]) == ("101", "COMPLETED", 4.2)
    (billed,) = await shown(emsp, "/api/cdrs?own=false")
    assert billed["total_cost"] == cdr["total_cost"]
    assert (await shown(cpo, "/api/cdrs/NL/OWA/CDR1/delivery"))[0]["state"] == "DELIVERED"


@pytest.mark.requirement("HUB-29", "HCI-R-06", "HCI-R-07")
async def test_a_party_goes_offline_and_comes_back(roaming: Roaming) -> None:
    cpo, emsp, hub = roaming.cpo, roaming.emsp, roaming.hub
    await publish(cpo)
    await cpo.push()
    await hub.becomes(OWM, "OFFLINE")
    hub.asked.clear()
    for status in ("CHARGING", "BLOCKED", "AVAILABLE", "OUTOFORDER"):
        await report(cpo, status)
    await cpo.operator.put("/api/cdrs/NL/OWA/CDR1", json=a_cdr(OWA, cdr_token=DRIVER))
    await again(cpo)
    silent = list(hub.asked)

    await hub.becomes(OWM, "CONNECTED")
    await cpo.push()

    assert silent == []
    assert [(one.method, one.url.path.rpartition("/")[2]) for one in hub.asked] == [("PATCH", "3256"), ("POST", "cdrs")]
    (received,) = await shown(emsp, "/api/locations?own=false")
    assert received["evses"][0]["status"] == "OUTOFORDER"
    assert [one["id"] for one in await shown(emsp, "/api/cdrs?own=false")] == ["CDR1"]


@pytest.mark.requirement("STS-07", "HUB-28", "HUB-07")
@pytest.mark.parametrize(("trouble", "code"), [("hanging", 4002), ("unconnected", 4003)])
async def test_what_the_hub_could_not_pass_on_is_told_as_soon_as_it_can(
    roaming: Roaming, trouble: str, code: int
) -> None:
    cpo, hub = roaming.cpo, roaming.hub
    if trouble == "hanging":
        hub.hanging.add(OWM)
    else:
        hub.status[OWM] = "OFFLINE"  # The hub knows it, and nobody else has heard yet.
    await publish(cpo)
    await cpo.push()
    (lane,) = await cpo.rows("SELECT party, last_error FROM outbox_lanes")
    nothing = await shown(roaming.emsp, "/api/locations?own=false")

    hub.hanging.clear()
    hub.status.clear()
    await again(cpo)

    assert (lane["party"], f"OCPI {code}" in lane["last_error"], nothing) == ("NL*OWM", True, [])
    assert len(await shown(roaming.emsp, "/api/locations?own=false")) == 1


@pytest.mark.requirement("STS-07")
async def test_a_receiver_that_the_hub_does_not_know_is_told_so_by_the_hub(roaming: Roaming) -> None:
    body = a_token(OWM, uid="1")
    answer = await roaming.hub.answer(
        httpx.Request(
            "PUT",
            f"{roaming.hub.endpoint('tokens', 'RECEIVER')}/NL/OWM/1",
            content=json.dumps(body).encode(),
            headers={
                "authorization": next(iter(roaming.hub.clients)),
                "x-request-id": "1",
                "x-correlation-id": "2",
                "ocpi-from-country-code": "NL",
                "ocpi-from-party-id": "OWA",
                "ocpi-to-country-code": "XX",
                "ocpi-to-party-id": "YYY",
            },
        )
    )

    assert json.loads(answer.content)["status_code"] == 4001
