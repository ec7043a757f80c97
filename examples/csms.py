"""A charge point management system beside ocpi-party, small enough to read: it takes commands, reports sessions and CDRs.

    OCPI_URL=http://127.0.0.1:8000 OCPI_API_KEY=… CPO=NL/TNM python examples/csms.py

Its charge points are make-believe and fast. What is to be done lies in ocpi-party: this program can be killed at any time,
and begins again where it was. It needs httpx and nothing of ocpi-party.
"""

import asyncio
import os
from datetime import UTC, datetime

import httpx

CPO = os.environ.get("CPO", "NL/TNM")
METER_SECONDS = 0.2
"""A meter value comes that often."""
KW = 11 * 1000
"""A thousand times the power of an ordinary charge point: nobody wants to wait an hour for a demonstration."""

api = httpx.AsyncClient(
    base_url=os.environ.get("OCPI_URL", "http://127.0.0.1:8000") + "/api",
    headers={"authorization": f"Bearer {os.environ['OCPI_API_KEY']}"},
    timeout=httpx.Timeout(10, read=40),  # An event stream says that it is still there every 15 seconds.
    trust_env=False,
)
charging = {}  # session id: the task that reads its meter
limits = {}  # session id: the part of the full power that its charging profile leaves


def now():
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def ask(method, path, body=None, **params):
    answer = await api.request(method, path, json=body, params=params)
    answer.raise_for_status()
    return answer.json()


async def follow():
    """Look for work once the stream of events is open, and then after each event: nothing falls in between."""
    wanted = {"type": ["command.received", "chargingprofile.received"]}
    while True:
        try:
            async with api.stream("GET", "/events/stream", params=wanted) as events:
                events.raise_for_status()
                await resume()
                await work()
                async for line in events.aiter_lines():
                    if line.startswith("data:"):
                        await work()
        except httpx.HTTPError as fault:
            print(f"ocpi-party is away, trying again: {fault!r}", flush=True)
            await asyncio.sleep(1)


async def resume():
    for session in await ask("GET", "/sessions", own=True, limit=1000):
        if session["status"] == "ACTIVE" and session["id"] not in charging:
            read_meter(session["id"])


async def work():
    """Carry out what eMSPs have asked for, the oldest first, and tell what came of it."""
    for command in reversed(await ask("GET", "/commands", direction="inbound", state="pending")):
        carry_out = {"START_SESSION": start, "STOP_SESSION": stop}.get(command["command"])
        result = await carry_out(command) if carry_out else "NOT_SUPPORTED"
        await tell_result(f"/commands/{command['id']}/result", {"result": result})
        print(f"{command['command']}: {result}", flush=True)
    for asked in reversed(await ask("GET", "/chargingprofiles", direction="inbound", state="pending")):
        result = profile(asked)
        await tell_result(f"/chargingprofiles/requests/{asked['id']}/result", result)
        print(f"{asked['kind']}: {result['result']}", flush=True)


async def tell_result(path, result):
    try:
        await ask("POST", path, result)
    except httpx.HTTPStatusError as refused:
        if refused.response.status_code != 409:  # 409: its time was over, and the eMSP was told so.
            raise


async def start(command):
    """The id of the session is that of the command: carried out twice, it is still one session."""
    asked, session_id = command["request"], f"S{command['id']}"
    location = await ask("GET", f"/locations/{CPO}/{asked['location_id']}")
    evse = next((e for e in location["evses"] if e["uid"] == asked.get("evse_uid", e["uid"])), None)
    if evse is None or evse["status"] not in ("AVAILABLE", "RESERVED"):
        return "EVSE_OCCUPIED" if evse else "FAILED"
    token, at = asked["token"], now()
    session = {
        "start_date_time": at,
        "kwh": 0,
        "cdr_token": {name: token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")},
        "auth_method": "COMMAND",
        "location_id": location["id"],
        "evse_uid": evse["uid"],
        "connector_id": asked.get("connector_id") or evse["connectors"][0]["id"],
        "currency": "EUR",
        "status": "ACTIVE",
    }
    if "authorization_reference" in asked:
        session["authorization_reference"] = asked["authorization_reference"]
    country_code, party_id = CPO.split("/")
    owner = {"country_code": country_code, "party_id": party_id, "id": session_id}
    await ask("PUT", f"/sessions/{CPO}/{session_id}", owner | session)
    await ask("PATCH", f"/locations/{CPO}/{location['id']}/{evse['uid']}", {"status": "CHARGING"})
    read_meter(session_id)
    return "ACCEPTED"


def read_meter(session_id):
    charging[session_id] = asyncio.create_task(meter(session_id))


async def meter(session_id):
    """Add a charging period for each meter value, until the session is stopped."""
    session, _, _, connector = await place_of(session_id)
    kwh, begun = session["kwh"], datetime.now(UTC)
    while True:
        at = now()
        await asyncio.sleep(METER_SECONDS)
        hours = (datetime.now(UTC) - begun).total_seconds() / 3600
        begun, energy = datetime.now(UTC), round(KW * limits.get(session_id, 1) * hours, 4)
        kwh = round(kwh + energy, 4)
        dimensions = [{"type": "ENERGY", "volume": energy}, {"type": "TIME", "volume": round(hours, 4)}]
        period = {"start_date_time": at, "dimensions": dimensions} | tariff_of(connector)
        await ask("PATCH", f"/sessions/{CPO}/{session_id}", {"kwh": kwh, "charging_periods": [period]})


def tariff_of(connector):
    return {"tariff_id": connector["tariff_ids"][0]} if connector.get("tariff_ids") else {}


async def place_of(session_id):
    session = await ask("GET", f"/sessions/{CPO}/{session_id}")
    location = await ask("GET", f"/locations/{CPO}/{session['location_id']}")
    evse = next(e for e in location["evses"] if e["uid"] == session["evse_uid"])
    connector = next(c for c in evse["connectors"] if c["id"] == session["connector_id"])
    return session, location, evse, connector


async def stop(command):
    session_id = command["request"]["session_id"]
    task = charging.pop(session_id, None)
    if task is None:
        return "FAILED"
    task.cancel()
    await asyncio.wait([task])
    await ask("PATCH", f"/sessions/{CPO}/{session_id}", {"status": "COMPLETED", "end_date_time": now()})
    session, location, evse, connector = await place_of(session_id)
    await ask("PATCH", f"/locations/{CPO}/{location['id']}/{evse['uid']}", {"status": "AVAILABLE"})
    await bill(session, location, evse, connector)
    return "ACCEPTED"


async def bill(session, location, evse, connector):
    """ocpi-party calculates the costs; the CDR has the session's id, so that a session is billed once."""
    place = ("id", "name", "address", "city", "postal_code", "country", "coordinates")
    same = ("country_code", "party_id", "id", "start_date_time", "end_date_time", "cdr_token", "auth_method")
    cdr = {name: session[name] for name in (*same, "authorization_reference", "currency") if name in session}
    cdr |= {
        "session_id": session["id"],
        "cdr_location": {name: location[name] for name in place if name in location}
        | {"evse_uid": evse["uid"], "evse_id": evse["evse_id"], "connector_id": connector["id"]}
        | {f"connector_{name}": connector[name] for name in ("standard", "format", "power_type")},
        "tariffs": [await ask("GET", f"/tariffs/{CPO}/{one}") for one in connector.get("tariff_ids", [])],
        "charging_periods": session["charging_periods"],
    }
    if not cdr["tariffs"]:
        print(f"{session['id']}: the connector has no tariff, so there is nothing to bill", flush=True)
        return
    priced = await ask("POST", "/cdrs/price", cdr)
    await ask("PUT", f"/cdrs/{CPO}/{session['id']}", priced["cdr"])
    print(*priced["lines"], sep="\n", flush=True)


def profile(asked):
    """A make-believe charge point of 16 A follows the first period of a ChargingProfile."""
    session_id = asked["request"]["session_id"]
    if session_id not in charging:
        return {"result": "REJECTED"}
    if asked["kind"] == "SET_CHARGING_PROFILE":
        wanted = asked["request"]["charging_profile"]
        full = 16 if wanted["charging_rate_unit"] == "A" else 11000
        limits[session_id] = min(1, wanted["charging_profile_period"][0]["limit"] / full)
        return {"result": "ACCEPTED"}
    if asked["kind"] == "CLEAR_CHARGING_PROFILE":
        return {"result": "ACCEPTED" if limits.pop(session_id, None) else "UNKNOWN"}
    limit = {"start_period": 0, "limit": 16 * limits.get(session_id, 1)}
    plan = {"charging_rate_unit": "A", "charging_profile_period": [limit]}
    return {"result": "ACCEPTED", "profile": {"start_date_time": now(), "charging_profile": plan}}


asyncio.run(follow())
