"""What tests of commands share: our charge points, an eMSP that commands them, and the delivery of results by hand."""

import json
from typing import Any

from ocpi_party.ocpi.types import PartyId
from tests.objects import a_connector, a_location, a_token, an_evse
from tests.partner import Caller, FakePartner
from tests.server import Server

OWA, DE_TNM = PartyId("NL", "OWA"), PartyId("DE", "TNM")
BACK = "https://tnm.example/back/1"
CAPABLE = ["REMOTE_START_STOP_CAPABLE", "RESERVABLE", "UNLOCK_CAPABLE"]


async def an_emsp(server: Server, **partner: Any) -> Caller:
    """DE/TNM, registered, asking our CPO NL/OWA, which has location LOC1 with EVSE 3256 and connector 1."""
    caller = await server.connect(server.internet.add(FakePartner(**partner)))
    location = a_location(OWA, evses=[an_evse(capabilities=CAPABLE), an_evse(uid="POOR", capabilities=["RFID_READER"])])
    answer = await server.operator.put("/api/locations/NL/OWA/LOC1", json=location)
    assert answer.status_code in (200, 201), answer.text
    return caller.speaking(caller.partner.roles[-1][1:], ("NL", "OWA"), "cpo")


def start_session(**changes: Any) -> dict[str, Any]:
    body = {"response_url": BACK, "token": a_token(DE_TNM), "location_id": "LOC1", "evse_uid": "3256"}
    return body | changes


def reserve_now(**changes: Any) -> dict[str, Any]:
    return start_session(reservation_id="1", expiry_date="2099-01-01T00:00:00Z") | changes


def unlock(**changes: Any) -> dict[str, Any]:
    place = {"location_id": "LOC1", "evse_uid": "3256", "connector_id": a_connector()["id"]}
    return {"response_url": BACK} | place | changes


async def deliver(server: Server) -> None:
    """Deliver every result that is due, now."""
    worker = server.app.results
    while await worker.start():
        for task in list(worker.hands.busy):
            await task


def told(partner: FakePartner, path: str = "/back") -> list[Any]:
    """The results that the partner got."""
    return [json.loads(request.content) for request in partner.requests("POST", path)]


async def inbound(server: Server, state: str | None = None) -> list[dict[str, Any]]:
    """The commands that our charge points must carry out, newest first."""
    params = {"direction": "inbound"} | ({"state": state} if state else {})
    answer = await server.operator.get("/api/commands", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def settle(server: Server, result: str = "ACCEPTED", **more: Any) -> Any:
    """The operator's system tells the result of the newest command."""
    newest = (await inbound(server))[0]
    return await server.operator.post(f"/api/commands/{newest['id']}/result", json={"result": result} | more)
