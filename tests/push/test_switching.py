"""What the operator switches off for a partner waits, and is told when it is switched on. OCPI 2.2.1, Offline behaviour."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.objects import a_cdr, a_cdr_token, a_session, a_tariff, a_token
from tests.own import publish, report
from tests.partner import FakePartner, envelope
from tests.server import Server

from ocpi_party.cli import doctor
from ocpi_party.database import Statement, WriteTx
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import PartyId
from ocpi_party.outbox import marking, switching
from ocpi_party.partners import repository

OWA, OWM, DE_TNM = PartyId("NL", "OWA"), PartyId("NL", "OWM"), PartyId("DE", "TNM")
EVSE = ("PATCH", "/locations/NL/OWA/LOC1/3256")


@pytest.fixture
async def tnm(server: Server) -> FakePartner:
    """A CPO and an eMSP that know LOC1."""
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    await publish(server)
    await server.push()
    partner.asked.clear()
    return partner


async def _switch(server: Server, **changes: Any) -> None:
    answer = await server.operator.patch("/api/partners/1", json=changes)
    assert answer.status_code == 200, answer.text


async def _put(server: Server, path: str, body: dict[str, Any]) -> None:
    answer = await server.operator.put(f"/api/{path}", json=body)
    assert answer.status_code in (200, 201), answer.text


async def _session(server: Server, kwh: float) -> None:
    await _put(server, "sessions/NL/OWA/101", a_session(OWA, cdr_token=a_cdr_token(DE_TNM), kwh=kwh, last_updated=None))


async def _cdr(server: Server) -> None:
    await _put(server, "cdrs/NL/OWA/CDR1", a_cdr(OWA, cdr_token=a_cdr_token(DE_TNM)))


async def _change_everything(server: Server) -> None:
    """Of each module one object; those that can change do so twice."""
    for price in (0.25, 0.5):
        elements = [{"price_components": [{"type": "ENERGY", "price": price, "step_size": 1}]}]
        await _put(server, "tariffs/NL/OWA/12", a_tariff(OWA, elements=elements, last_updated=None))
    for status in ("CHARGING", "BLOCKED"):
        await report(server, status)
    for issuer in ("One", "Two"):
        await _put(server, "tokens/NL/OWM/012345678", a_token(OWM, issuer=issuer, last_updated=None))
    for kwh in (1, 2):
        await _session(server, kwh)
    await _cdr(server)


def _told(partner: FakePartner) -> dict[tuple[str, str], Any]:
    """Each request with its body; none may come twice."""
    found = [(one.method, one.url.path.partition("/receiver")[2]) for one in partner.asked if one.method != "GET"]
    assert len(set(found)) == len(found), found
    return dict(zip(found, (json.loads(one.content) for one in partner.asked if one.method != "GET"), strict=True))


async def _sync(server: Server) -> list[dict[str, Any]]:
    modules: list[dict[str, Any]] = (await server.operator.get("/api/partners/1/sync")).json()["push"]["modules"]
    return modules


async def _states(server: Server) -> list[str]:
    return [row["state"] for row in await server.rows("SELECT state FROM outbox_marks")]


ALL_BUT_COMMANDS: dict[str, Any] = {"modules": ["commands"]}


@pytest.mark.requirement("OPS-02", "OPS-03")
@pytest.mark.parametrize(
    ("off", "on"), [({"push": False}, {"push": True}), (ALL_BUT_COMMANDS, {"modules": None})], ids=["push", "modules"]
)
async def test_what_changed_while_it_was_switched_off_is_told_once_as_it_stands_then(
    server: Server, tnm: FakePartner, off: dict[str, Any], on: dict[str, Any]
) -> None:
    await _switch(server, **off)
    await _change_everything(server)
    await server.push()
    meanwhile = _told(tnm)
    waiting = await _sync(server)

    await _switch(server, **on)
    await server.push()
    told = _told(tnm)
    await _switch(server, **off)
    await _switch(server, **on)
    await server.push()

    assert meanwhile == {}
    assert {one["module"]: (one["paused"], one["pending"], one["oldest"]) for one in waiting} == dict.fromkeys(
        ("tariffs", "locations", "tokens", "sessions", "cdrs"), (1, 0, None)
    )
    assert {key: body.get("status") for key, body in told.items()} == {
        ("PUT", "/tariffs/NL/OWA/12"): None,
        EVSE: "BLOCKED",
        ("PUT", "/tokens/NL/OWM/012345678"): None,
        ("PUT", "/sessions/NL/OWA/101"): "ACTIVE",
        ("POST", "/cdrs"): None,
    }
    assert told["PUT", "/tariffs/NL/OWA/12"]["elements"][0]["price_components"][0]["price"] == 0.5
    assert told["PUT", "/tokens/NL/OWM/012345678"]["issuer"] == "Two"
    assert told["PUT", "/sessions/NL/OWA/101"]["kwh"] == 2
    assert _told(tnm) == told  # Nothing came after it.
    assert await _sync(server) == []


async def test_of_what_was_told_before_only_the_changes_are_told(server: Server, tnm: FakePartner) -> None:
    await _change_everything(server)
    await server.push()
    tnm.asked.clear()

    await _switch(server, push=False)
    await report(server, "AVAILABLE")
    await _switch(server, push=True)
    await server.push()

    assert {key: body["status"] for key, body in _told(tnm).items()} == {EVSE: "AVAILABLE"}


async def test_what_was_to_be_told_before_it_is_switched_off_waits_too(server: Server, tnm: FakePartner) -> None:
    await report(server, "CHARGING")
    await _session(server, 1)

    await _switch(server, modules=["sessions"])
    await server.push()
    told = list(_told(tnm))
    await _switch(server, modules=["locations", "sessions"])
    await server.push()

    assert told == [("PUT", "/sessions/NL/OWA/101")]
    assert list(_told(tnm)) == [*told, EVSE]


async def test_modules_that_were_left_out_go_on_only_with_pushes_switched_on(server: Server, tnm: FakePartner) -> None:
    await _switch(server, push=False, modules=["sessions"])
    await _change_everything(server)

    await _switch(server, modules=["locations", "sessions"])
    await server.push()
    before = _told(tnm)
    await _switch(server, push=True)
    await server.push()

    assert before == {}
    assert list(_told(tnm)) == [EVSE, ("PUT", "/sessions/NL/OWA/101")]
    assert {one["module"] for one in await _sync(server)} == {"tariffs", "tokens", "cdrs"}


async def test_a_partner_with_pushes_switched_off_from_its_beginning_is_told_what_changed_since(server: Server) -> None:
    token = await server.invite()
    await _switch(server, push=False)
    partner = server.internet.add(FakePartner())
    await publish(server)
    await server.caller(token, partner).request("POST", "/ocpi/2.2.1/credentials", partner.credentials())
    await report(server, "CHARGING")
    partner.asked.clear()

    await server.push()
    before = _told(partner)
    await _switch(server, push=True)
    await server.push()

    assert before == {}
    assert {key: body["status"] for key, body in _told(partner).items()} == {EVSE: "CHARGING"}


async def test_what_waits_of_a_party_that_a_partner_deals_with_no_more_is_not_told(
    server: Server, tnm: FakePartner
) -> None:
    await report(server, "CHARGING")
    await _put(server, "tokens/NL/OWM/012345678", a_token(OWM, last_updated=None))

    await _switch(server, parties=["NL*OWM"])
    await server.push()
    told = list(_told(tnm))
    await _switch(server, parties=["NL*OWA", "NL*OWM"])
    await server.push()

    assert told == [("PUT", "/tokens/NL/OWM/012345678")]
    assert _told(tnm)["PUT", "/locations/NL/OWA/LOC1"]["evses"][0]["status"] == "CHARGING"
    assert await _sync(server) == []


@pytest.mark.requirement("OPS-02", "OPS-03")
async def test_all_of_a_party_is_told_when_a_partner_deals_with_it_and_no_cdr_is_lost_until_then(
    server: Server, tnm: FakePartner
) -> None:
    await _switch(server, parties=["NL*OWM"])
    await _change_everything(server)
    await server.push()
    before = list(_told(tnm))
    waiting = await _sync(server)

    await _switch(server, parties=None)
    await server.push()
    told = list(_told(tnm))
    await _switch(server, name="The New Motion", parties=["NL*OWA", "NL*OWM"])
    await server.push()

    assert before == [("PUT", "/tokens/NL/OWM/012345678")]
    assert {one["module"]: one["paused"] for one in waiting} == {"sessions": 1, "cdrs": 1}
    assert told[1:] == [
        ("PUT", "/tariffs/NL/OWA/12"),
        ("PUT", "/locations/NL/OWA/LOC1"),
        ("PUT", "/sessions/NL/OWA/101"),
        ("POST", "/cdrs"),
    ]
    assert list(_told(tnm)) == told  # Nothing came after it.


@pytest.mark.parametrize("change_first", [True, False])
async def test_what_changes_while_its_party_is_agreed_on_is_told(
    server: Server, tnm: FakePartner, change_first: bool
) -> None:
    """Whoever is first, the other sees what he did."""
    await _put(server, "tariffs/NL/OWA/12", a_tariff(OWA, last_updated=None))
    await server.push()
    await _switch(server, parties=["NL*OWM"])
    tnm.asked.clear()

    async def change(tx: WriteTx) -> None:
        await tx.run(Statement("UPDATE tariffs SET last_updated = now() WHERE key = '12'"))
        await marking.mark(tx, ModuleId.TARIFFS, "NL*OWA/12", owner="NL*OWA")

    async def agree(tx: WriteTx) -> None:
        await switching.change(tx, 1, parties=None)

    async def alone(does: Callable[[WriteTx], Awaitable[None]]) -> None:
        async with server.app.building.database.write() as tx:
            await does(tx)

    first, second = (change, agree) if change_first else (agree, change)
    async with server.app.building.database.write() as tx:
        await first(tx)
        after = asyncio.create_task(alone(second))
        await _waits_for_a_lock(server)
    await after
    (waiting,) = await server.rows("SELECT state FROM outbox_marks WHERE ref = 'NL*OWA/12'")

    assert waiting["state"] == "WAITING"


async def test_a_change_of_something_else_switches_nothing(server: Server, tnm: FakePartner) -> None:
    await _switch(server, push=False)
    await report(server, "CHARGING")

    await _switch(server, name="The New Motion", pull=False)
    await server.push()

    assert await _states(server) == ["PAUSED"]
    assert _told(tnm) == {}


async def test_what_is_switched_off_is_not_late_and_is_listed_as_paused(server: Server, tnm: FakePartner) -> None:
    await report(server, "CHARGING")
    await _cdr(server)
    await _switch(server, push=False)
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE outbox_marks SET marked_at = now() - interval '3 days'"))

    async def late() -> list[str]:
        found = (await server.operator.get("/api/watch", params={"push_minutes": 60})).json()
        return [one["kind"] for one in found if one["kind"] == "late_delivery"]

    async def lag() -> float:
        metrics = (await server.operator.get("/metrics")).text.splitlines()
        return max(float(line.split()[-1]) for line in metrics if line.startswith("ocpi_party_lag_seconds{"))

    paused = (await server.operator.get("/api/deliveries", params={"state": "paused"})).json()
    delivery = (await server.operator.get("/api/cdrs/NL/OWA/CDR1/delivery")).json()
    off = (await late(), await lag())
    await _switch(server, push=True)
    on = (await late(), await lag() < 3600)

    assert [(one["module"], one["state"], one["next_attempt_at"]) for one in paused] == [
        ("locations", "paused", None),
        ("cdrs", "paused", None),
    ]
    assert all("switched" in one["reason"] for one in paused)
    assert [one["state"] for one in delivery] == ["PAUSED"]
    assert off == ([], 0)
    assert on == ([], True)


async def test_trying_again_does_not_tell_what_is_switched_off(server: Server, tnm: FakePartner) -> None:
    tnm.on("*", "/sessions", envelope(code=2001))
    await _session(server, 1)
    await server.push()
    await _switch(server, push=False)
    await report(server, "CHARGING")
    tnm.asked.clear()

    answer = await server.operator.post("/api/partners/1/retry")
    await server.push()
    before = _told(tnm)
    await _switch(server, push=True)
    await server.push()

    assert answer.json() == {"refused": 1}
    assert before == {}
    assert list(_told(tnm)) == [EVSE, ("PUT", "/sessions/NL/OWA/101")]


async def test_a_change_and_a_switch_at_the_same_time_do_not_miss_each_other(server: Server, tnm: FakePartner) -> None:
    """Whoever is first, the other sees what he did: no mark stays paused."""
    database = server.app.building.database
    await _switch(server, push=False)

    async with database.write() as tx:
        await marking.mark(tx, ModuleId.LOCATIONS, "NL*OWA/LOC1", owner="NL*OWA")
        switched = asyncio.create_task(_switch(server, push=True))
        await _waits_for_a_lock(server)
    await switched
    change_first = await _states(server)

    async def mark() -> None:
        async with database.write() as tx:
            await marking.mark(tx, ModuleId.LOCATIONS, "NL*OWA/LOC2", owner="NL*OWA")

    await server.push()
    await _switch(server, push=False)
    async with database.write() as tx:
        await switching.change(tx, 1, push=True)
        marked = asyncio.create_task(mark())
        await _waits_for_a_lock(server)
    await marked

    assert (change_first, await _states(server)) == (["WAITING"], ["WAITING"])


async def _waits_for_a_lock(server: Server) -> None:
    waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(30):
        while not await server.rows(waits):
            await asyncio.sleep(0)


async def test_doctor_says_that_the_operator_has_switched_it_off(server: Server, tnm: FakePartner) -> None:
    async def said(**changes: Any) -> list[str]:
        await _switch(server, **changes)
        async with server.app.building.database.read() as tx:
            partner = await repository.known(tx, 1)
        return [one.told for one in doctor.dealings(partner, None, None)]

    (off,) = await said(push=False)
    (part,) = await said(push=True, modules=["locations"])
    (on,) = await said(modules=None)

    assert "the operator has switched its pushes off" in off
    assert "is told of locations alone" in part
    assert on == "is told everything, or will be soon"
