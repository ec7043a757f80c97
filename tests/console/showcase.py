"""Some days of a small platform that roams, to look at in a browser: two partners, charge points in four countries, drivers."""

import json
from datetime import timedelta
from typing import Any

from tests.objects import (
    a_cdr,
    a_cdr_token,
    a_charging_period,
    a_connector,
    a_location,
    a_session,
    a_tariff,
    a_token,
    an_evse,
)
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server

from ocpi_party.ocpi.types import PartyId, now, wire_time

OWA, OWM, TNM, ABC = PartyId("NL", "OWA"), PartyId("NL", "OWM"), PartyId("NL", "TNM"), PartyId("DE", "ABC")
_PLACES = (
    (TNM, "BE", "Gent Zuid", "F.Rooseveltlaan 3A", "Gent", "BEL", 51.0476, 3.7299, ("AVAILABLE", "CHARGING")),
    (TNM, "BE", "Antwerpen Centraal", "Astridplein 27", "Antwerpen", "BEL", 51.2172, 4.4211, ("CHARGING", "CHARGING")),
    (TNM, "NL", "Maastricht Markt", "Markt 78", "Maastricht", "NLD", 50.8514, 5.6910, ("OUTOFORDER",)),
    (TNM, "DE", "Köln Messe", "Messeplatz 1", "Köln", "DEU", 50.9466, 6.9828, ("AVAILABLE", "AVAILABLE", "RESERVED")),
    (TNM, "DE", "Bremen Hafen", "Hafenstraße 12", "Bremen", "DEU", 53.0872, 8.7861, ("AVAILABLE",)),
    (OWA, "NL", "Utrecht Jaarbeurs", "Jaarbeursplein 6", "Utrecht", "NLD", 52.0880, 5.1064, ("AVAILABLE", "CHARGING", "AVAILABLE")),
    (OWA, "NL", "Amsterdam Zuid", "Gustav Mahlerplein 12", "Amsterdam", "NLD", 52.3389, 4.8730, ("CHARGING", "RESERVED")),
    (OWA, "NL", "Rotterdam Blaak", "Blaak 31", "Rotterdam", "NLD", 51.9200, 4.4890, ("AVAILABLE", "BLOCKED")),
    (OWA, "NL", "Groningen Noord", "Eikenlaan 1", "Groningen", "NLD", 53.2300, 6.5520, ("INOPERATIVE",)),
    (OWA, "NL", "Eindhoven Strijp", "Torenallee 20", "Eindhoven", "NLD", 51.4480, 5.4560, ("AVAILABLE", "AVAILABLE")),
    (OWA, "NL", "Den Haag HS", "Stationsplein 2", "Den Haag", "NLD", 52.0700, 4.3220, ("CHARGING",)),
    (OWA, "FR", "Lille Europe", "Avenue Le Corbusier 70", "Lille", "FRA", 50.6390, 3.0750, ("AVAILABLE", "CHARGING")),
)  # fmt: skip


def _ago(minutes: float) -> str:
    return wire_time(now().replace(microsecond=0) - timedelta(minutes=minutes))


def _location(number: int) -> dict[str, Any]:
    owner, _, name, address, city, country, latitude, longitude, states = _PLACES[number]
    evses = [
        an_evse(
            uid=f"{number}{i}",
            evse_id=f"{owner.country_code}*{owner.party_id}*E{number:03}{i}",
            status=status,
            capabilities=["REMOTE_START_STOP_CAPABLE", "RFID_READER", "RESERVABLE", "CHARGING_PROFILE_CAPABLE"],
            connectors=[a_connector(tariff_ids=["DAY"])],
        )
        for i, status in enumerate(states, 1)
    ]
    position = {"latitude": f"{latitude:.6f}", "longitude": f"{longitude:.6f}"}
    return a_location(
        owner, id=f"LOC{number}", name=name, address=address, city=city, country=country, coordinates=position,
        evses=evses, operator={"name": "Example Charging"}, parking_type="ON_STREET", last_updated=_ago(3),
    )  # fmt: skip


def _tariff(owner: PartyId) -> dict[str, Any]:
    night: dict[str, Any] = {"price_components": [{"type": "ENERGY", "price": 0.29, "vat": 21, "step_size": 1}]}
    night["restrictions"] = {"start_time": "22:00", "end_time": "06:00"}
    day = [
        {"type": "FLAT", "price": 0.35, "vat": 21, "step_size": 1},
        {"type": "ENERGY", "price": 0.42, "vat": 21, "step_size": 1},
    ]
    return a_tariff(owner, id="DAY", elements=[night, {"price_components": day}])


def _session(number: int, owner: PartyId, emsp: PartyId, **changes: Any) -> dict[str, Any]:
    token = a_cdr_token(emsp, uid=f"04A2{number:04}C7", contract_id=f"{emsp.country_code}8{emsp.party_id}C{number:06}L")
    periods = [
        a_charging_period(
            start_date_time=_ago(50 - 10 * i), tariff_id="DAY",
            dimensions=[{"type": "ENERGY", "volume": round(2.1 + i / 3, 2)}, {"type": "TIME", "volume": 0.167}],
        )
        for i in range(4)
    ]  # fmt: skip
    return a_session(
        owner, id=f"S{1000 + number}", start_date_time=_ago(50), kwh=round(8.4 + number / 4, 2), cdr_token=token,
        location_id="LOC1" if owner == TNM else "LOC5", evse_uid="11" if owner == TNM else "51",
        total_cost={"excl_vat": round(3.88 + number / 10, 2), "incl_vat": round(4.69 + number / 8, 2)},
        charging_periods=periods, last_updated=_ago(1), **changes,
    )  # fmt: skip


def _cdr(number: int, owner: PartyId, emsp: PartyId) -> dict[str, Any]:
    session = (
        f"S{1000 + number}" if number % 2 and number > 9 else f"S{500 + number}"
    )  # Only a session that is over has one.
    token = a_cdr_token(emsp, uid=f"04A2{number:04}C7")
    return a_cdr(
        owner, id=f"C{2000 + number}", session_id=session, start_date_time=_ago(300 + number),
        end_date_time=_ago(200 + number), cdr_token=token, tariffs=[_tariff(owner)],
        charging_periods=[a_charging_period(start_date_time=_ago(300 + number), tariff_id="DAY")], last_updated=_ago(199 + number),
    )  # fmt: skip


async def _put(server: Server, module: str, one: dict[str, Any], id_: str = "id") -> None:
    path = f"/api/{module}/{one['country_code']}/{one['party_id']}/{one[id_]}"
    answer = await server.operator.put(path, json=one)
    assert answer.status_code in (200, 201), answer.text


async def _taken(caller: Caller, method: str, url: str, body: Any) -> None:
    answer = await caller.request(method, url, json.loads(json.dumps(body)))
    assert answer.status_code == 1000, answer.body


async def fill(server: Server) -> None:
    """A CPO and an eMSP as partners; one of them cannot be reached just now."""
    cpo = server.internet.add(FakePartner("TNM Charging", "tnm.example", "token-b.tnm", (("CPO", "NL", "TNM"),)))
    emsp = server.internet.add(FakePartner("ABC Mobility", "abc.example", "token-b.abc", (("EMSP", "DE", "ABC"),)))
    from_cpo = (await server.connect(cpo)).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    from_emsp = (await server.connect(emsp)).speaking(("DE", "ABC"), ("NL", "OWA"), "cpo")
    await server.invite("Nordic Hub")

    await _put(server, "tariffs", _tariff(OWA))
    await _taken(from_cpo, "PUT", "/tariffs/NL/TNM/DAY", _tariff(TNM))
    for number, place in enumerate(_PLACES):
        if place[0] == OWA:
            await _put(server, "locations", _location(number))
        else:
            await _taken(from_cpo, "PUT", f"/locations/NL/TNM/LOC{number}", _location(number))
    for number in range(8):
        ours = a_token(OWM, uid=f"04A2{number:04}C7", contract_id=f"NL8OWMC{number:06}L", issuer="Our drivers")
        await _put(server, "tokens", ours, "uid")
        theirs = a_token(ABC, uid=f"08B3{number:04}D1", contract_id=f"DE8ABCC{number:06}L", valid=number != 3)
        await _taken(from_emsp, "PUT", f"/tokens/DE/ABC/{theirs['uid']}", theirs)
    for number in range(6):
        await _taken(from_cpo, "PUT", f"/sessions/NL/TNM/S{1000 + number}", _session(number, TNM, OWM))
        over = {"status": "COMPLETED", "end_date_time": _ago(2)} if number % 2 else {}
        await _put(server, "sessions", _session(10 + number, OWA, ABC, **over))
        await _put(server, "cdrs", _cdr(10 + number, OWA, ABC))
    for number in range(3):
        await _taken(from_cpo, "POST", "/cdrs", _cdr(number, TNM, OWM))
    await server.push()
    await _command(server, cpo)
    await _limit(server, cpo, from_cpo)
    await server.operator.patch("/api/locations/NL/OWA/LOC5/51", json={"status": "CHARGING"})
    emsp.on("*", "", envelope(code=3000, http_status=503))
    await server.push()


async def _command(server: Server, cpo: FakePartner) -> None:
    cpo.on("POST", "/commands/START_SESSION", envelope({"result": "ACCEPTED", "timeout": 30}))
    body = {"country_code": "NL", "party_id": "TNM", "location_id": "LOC0", "evse_uid": "01"}
    body["token"] = (await server.operator.get("/api/tokens/NL/OWM/04A20000C7")).json()
    sent = await server.operator.post("/api/commands/START_SESSION", json=body)
    assert sent.status_code == 202, sent.text


async def _limit(server: Server, cpo: FakePartner, from_cpo: Caller) -> None:
    """The power of a driver's session is limited, and the CPO tells what its EVSE plans."""
    cpo.on("GET", "/chargingprofiles/", envelope({"result": "ACCEPTED", "timeout": 30}))
    sent = await server.operator.get("/api/chargingprofiles/S1002", params={"duration": 3600})
    assert sent.status_code == 202, sent.text
    (asked,) = cpo.requests("GET", "/chargingprofiles/")
    periods = [{"start_period": 900 * i, "limit": limit} for i, limit in enumerate((16, 10, 6, 16))]
    plan = {"charging_rate_unit": "A", "duration": 3600, "charging_profile_period": periods}
    told = {"result": "ACCEPTED", "profile": {"start_date_time": _ago(1), "charging_profile": plan}}
    await _taken(from_cpo, "POST", asked.url.params["response_url"], told)
