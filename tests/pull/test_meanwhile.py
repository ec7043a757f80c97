"""What a partner pushes while we fetch its list, and the list that tells something else: in any order the same state stands."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.behind import CLIENT_INFO, EVC, a_hub, tell
from tests.objects import (
    LATER,
    NOON,
    OUR_DRIVER,
    a_client_info,
    a_connector,
    a_location,
    a_session,
    a_tariff,
    a_token,
    an_evse,
)
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server

from ocpi_party.database import ReadTx, Statement
from ocpi_party.dialects.v2_2_1 import V2_2_1
from ocpi_party.modules.locations.changes import Changing
from ocpi_party.modules.locations.pull import PULLED as LOCATIONS
from ocpi_party.modules.sessions import receiving
from ocpi_party.modules.sessions.pull import PULLED as SESSIONS
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.owned.pull import Found
from ocpi_party.owned.table import Ref

BEFORE = "2026-03-01T11:30:00Z"

OBJECTS: dict[str, tuple[Any, str, str, list[Any]]] = {
    "locations": (lambda **changes: a_location(evses=[]) | changes, "LOC1", "name", ["pushed", "listed"]),
    "tariffs": (a_tariff, "12", "currency", ["EUR", "USD"]),
    "sessions": (a_session, "101", "kwh", [7, 3]),
    "tokens": (a_token, "012345678", "visual_number", ["pushed", "listed"]),
}


async def _connected(server: Server, module: str) -> Caller:
    partner = FakePartner(roles=(("CPO", "NL", "TNM"), ("EMSP", "DE", "ABC")), endpoints=[(module, "SENDER")])
    caller = await server.connect(server.internet.add(partner))
    if module == "tokens":
        return caller.speaking(("DE", "ABC"), ("NL", "OWA"), "cpo")
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


def _url(module: str) -> str:
    owner = "DE/ABC" if module == "tokens" else "NL/TNM"
    return f"/{module}/{owner}/{OBJECTS[module][1]}"


def _lists(caller: Caller, module: str, listed: JsonObject, *pushes: tuple[str, str, Any]) -> None:
    """The partner answers its list with this, and pushes before it does."""

    async def answer(_request: httpx.Request) -> httpx.Response:
        for method, url, body in pushes:
            pushed = await caller.request(method, url, body)
            assert pushed.status_code == 1000, pushed
        return envelope([listed], headers={"x-total-count": "1", "x-limit": "50"})

    caller.partner.on("GET", f"/sender/{module}", answer)


async def _pull_again(server: Server) -> None:
    (partner,) = await server.rows("SELECT id FROM partners")
    await server.operator.post(f"/api/partners/{partner['id']}/pull", json={"full": True})
    await server.app.pulling.pull_due()


@pytest.mark.requirement("OWN-17")
@pytest.mark.parametrize(
    ("listed_at", "stands"), [(BEFORE, "pushed"), (NOON, "pushed"), (LATER, "listed")], ids=["older", "equal", "newer"]
)
@pytest.mark.parametrize("module", OBJECTS)
async def test_a_push_during_the_crawl_gives_way_only_to_a_newer_state(
    server: Server, module: str, listed_at: str, stands: str
) -> None:
    build, _, field, (pushed, listed) = OBJECTS[module]
    caller = await _connected(server, module)
    one = build(**{field: listed}, last_updated=listed_at)
    _lists(caller, module, one, ("PUT", _url(module), build(**{field: pushed}, last_updated=NOON)))

    await server.app.pulling.pull_due()

    known = (await caller.get(_url(module))).data
    assert known[field] == (pushed if stands == "pushed" else listed)
    assert known["last_updated"] == (NOON if stands == "pushed" else listed_at)


@pytest.mark.requirement("OWN-17")
@pytest.mark.parametrize("module", OBJECTS)
async def test_a_list_that_is_asked_for_after_a_push_is_taken_at_equal_times(server: Server, module: str) -> None:
    build, _, field, (pushed, listed) = OBJECTS[module]
    caller = await _connected(server, module)
    await caller.put(_url(module), build(**{field: pushed}))
    _lists(caller, module, build(**{field: listed}))

    await server.app.pulling.pull_due()

    assert (await caller.get(_url(module))).data[field] == listed


@pytest.mark.requirement("TAR-R-05", "OWN-17")
async def test_a_tariff_that_is_deleted_during_the_crawl_does_not_come_back_with_the_list(server: Server) -> None:
    caller = await _connected(server, "tariffs")
    await caller.put(_url("tariffs"), a_tariff())
    _lists(caller, "tariffs", a_tariff(), ("DELETE", _url("tariffs"), None))

    await server.app.pulling.pull_due()

    assert (await caller.get(_url("tariffs"))).http_status == 404
    _lists(caller, "tariffs", a_tariff())
    await _pull_again(server)
    assert (await caller.get(_url("tariffs"))).data == a_tariff()


@pytest.mark.requirement("OWN-17", "LOC-R-03")
async def test_evses_that_are_pushed_during_the_crawl_give_way_only_to_newer_ones(server: Server) -> None:
    caller = await _connected(server, "locations")
    evses = [an_evse(uid=uid, status="UNKNOWN", last_updated=BEFORE) for uid in ("1", "2", "3")]
    await caller.put(_url("locations"), a_location(evses=evses, last_updated=BEFORE))
    listed = a_location(
        evses=[
            an_evse(uid="1", status="OUTOFORDER"),
            an_evse(uid="2", status="CHARGING"),
            an_evse(uid="3", status="BLOCKED", last_updated=BEFORE),
        ]
    )
    told = a_location(
        evses=[
            an_evse(uid="1", status="AVAILABLE"),
            an_evse(uid="2", status="UNKNOWN", last_updated=BEFORE),
            an_evse(uid="4", status="AVAILABLE"),
        ]
    )
    _lists(caller, "locations", listed, ("PUT", _url("locations"), told))

    await server.app.pulling.pull_due()

    known = (await caller.get(_url("locations"))).data["evses"]
    assert {(one["uid"], one["status"]) for one in known} == {("1", "AVAILABLE"), ("2", "CHARGING"), ("4", "AVAILABLE")}


@pytest.mark.requirement("SES-R-17")
@pytest.mark.parametrize("listed_at", [BEFORE, NOON, LATER])
async def test_a_session_that_ends_during_the_crawl_does_not_go_on_with_the_list(
    server: Server, listed_at: str
) -> None:
    caller = await _connected(server, "sessions")
    ended = a_session(status="COMPLETED", cdr_token=OUR_DRIVER)
    _lists(
        caller, "sessions", a_session(last_updated=listed_at, cdr_token=OUR_DRIVER), ("PUT", _url("sessions"), ended)
    )

    await server.app.pulling.pull_due()

    assert (await caller.get(_url("sessions"))).data == ended
    findings = [row["pointer"] for row in await server.rows("SELECT pointer FROM findings")]
    assert findings == ([] if listed_at == BEFORE else ["/status"])


_WAITING = Statement("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")


async def _somebody_waits(tx: ReadTx) -> None:
    """Until another transaction waits for a lock of this one."""
    while not await tx.value(_WAITING):
        await asyncio.sleep(0)


def _found(partner_id: int, kind: Any, document: JsonObject) -> Found:
    return Found(Ref(partner_id, "NL*OWM", "NL*TNM", document["id"]), V2_2_1.read(kind, document))


async def _partner(server: Server, module: str) -> tuple[Caller, int]:
    caller = await _connected(server, module)
    (row,) = await server.rows("SELECT id FROM partners")
    return caller, int(row["id"])


async def _since(server: Server) -> int:
    (row,) = await server.rows("SELECT last_value FROM revisions")
    return int(row["last_value"])


@pytest.mark.requirement("SES-R-17")
async def test_an_end_that_is_pushed_but_not_yet_committed_stands_against_a_list(server: Server) -> None:
    caller, partner_id = await _partner(server, "sessions")
    database, since = server.app.building.database, await _since(server)
    going_on = _found(partner_id, Session, a_session(last_updated=LATER))
    ended = _found(partner_id, Session, a_session(status="COMPLETED"))

    async def absorb() -> list[str]:
        async with database.write() as tx:
            return [one.fault.pointer for one in await SESSIONS.absorb(tx, [going_on], since=since)]

    async with database.write() as tx:
        await receiving.put(tx, ended.ref, ended.reading, any_age=False)
        absorbing = asyncio.create_task(absorb())
        await _somebody_waits(tx)

    assert await absorbing == ["/status"]
    assert (await caller.get(_url("sessions"))).data["status"] == "COMPLETED"


@pytest.mark.requirement("SES-R-17")
async def test_an_end_that_is_listed_but_not_yet_committed_stands_against_a_push(server: Server) -> None:
    caller, partner_id = await _partner(server, "sessions")
    database, since = server.app.building.database, await _since(server)
    going_on = _found(partner_id, Session, a_session(last_updated=LATER))
    ended = _found(partner_id, Session, a_session(status="COMPLETED"))

    async def push() -> None:
        async with database.write() as tx:
            await receiving.put(tx, going_on.ref, going_on.reading, any_age=False)

    async with database.write() as tx:
        assert not await SESSIONS.absorb(tx, [ended], since=since)
        pushing = asyncio.create_task(push())
        await _somebody_waits(tx)

    with pytest.raises(InvalidObject, match="/status"):
        await pushing
    assert (await caller.get(_url("sessions"))).data["status"] == "COMPLETED"


@pytest.mark.requirement("LOC-R-03")
async def test_a_list_takes_no_evse_away_that_a_newer_push_brings_at_the_same_moment(server: Server) -> None:
    caller, partner_id = await _partner(server, "locations")
    database = server.app.building.database
    await caller.put(_url("locations"), a_location())
    since = await _since(server)
    listed = _found(partner_id, Location, a_location(name="listed"))
    newer = a_location(
        evses=[an_evse(connectors=[a_connector(id="2")], last_updated=LATER), an_evse(uid="9", last_updated=LATER)],
        last_updated=LATER,
    )

    async def absorb() -> None:
        async with database.write() as tx:
            await LOCATIONS.absorb(tx, [listed], since=since)

    async with database.write() as tx:
        await Changing(tx, listed.ref, lambda _kind, document: document).put_location(newer)
        absorbing = asyncio.create_task(absorb())
        await _somebody_waits(tx)
    await absorbing

    assert (await caller.get(_url("locations"))).data == newer


@pytest.mark.parametrize(("listed_at", "stands"), [(BEFORE, "OFFLINE"), (NOON, "OFFLINE"), (LATER, "CONNECTED")])
async def test_a_party_that_goes_offline_during_the_crawl_does_not_come_back_with_an_older_state(
    server: Server, listed_at: str, stands: str
) -> None:
    hub = await a_hub(server)
    listed = a_client_info(EVC, "EMSP", last_updated=listed_at)

    async def answer(_request: httpx.Request) -> httpx.Response:
        await tell(hub, EVC, "EMSP", "OFFLINE", last_updated=NOON)
        return envelope([listed], headers={"x-total-count": "1", "x-limit": "50"})

    hub.partner.on("GET", "/sender/hubclientinfo", answer)

    await server.app.pulling.pull_due()

    assert (await hub.get(f"{CLIENT_INFO}/SE/EVC")).data["status"] == stands
