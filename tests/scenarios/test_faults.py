"""Whatever happens between two platforms, in the end both know the same, object by object. OCPI 2.2.1, Offline behaviour."""

from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from tests.scenarios.asking import ASYNCHRONOUS, PLAN_PATH, Asked, a_plan, profiled, shown_of, started
from tests.scenarios.roaming import CPO, EMSP, OF_CPO, PASSING, REFUSES, Fault, Roaming, connect, join, one_end

EACH_FAULT = pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())


@pytest.fixture
async def roaming(stack: AsyncExitStack, new_database: Callable[[], str]) -> Roaming:
    cpo = await stack.enter_async_context(one_end(CPO, "CPO", new_database()))
    emsp = await stack.enter_async_context(one_end(EMSP, "EMSP", new_database()))
    return await connect(cpo, emsp)


async def _write_all(roaming: Roaming) -> None:
    for thing, owner, _ in roaming.things:
        await thing.write(owner)


async def _change_all(roaming: Roaming) -> None:
    for thing, owner, _ in roaming.things:
        await thing.change(owner)


@pytest.mark.requirement("OPS-03", "OPS-07", "OPS-08", "OWN-23")
@EACH_FAULT
async def test_what_is_new_while_the_other_side_fails_is_known_afterwards(roaming: Roaming, fault: Fault) -> None:
    roaming.break_with(fault)
    await _write_all(roaming)
    await roaming.tell()
    untold = {name: kept[0] for end in (roaming.cpo, roaming.emsp) for name, kept in (await end.untold()).items()}

    roaming.break_with(None)
    await roaming.tell_again()

    assert untold == dict.fromkeys(("locations", "tariffs", "sessions", "cdrs", "tokens"), 1)
    assert await roaming.differences() == []
    assert (await roaming.cpo.untold(), await roaming.emsp.untold()) == ({}, {})


@pytest.mark.requirement("OPS-03", "OPS-07", "OPS-08", "OWN-23", "OWN-16")
@EACH_FAULT
async def test_what_changes_while_the_other_side_fails_is_known_afterwards(roaming: Roaming, fault: Fault) -> None:
    await _write_all(roaming)
    await roaming.tell()
    assert await roaming.differences() == []

    roaming.break_with(fault)
    await _change_all(roaming)
    await roaming.tell()
    roaming.break_with(None)
    await roaming.tell_again()

    assert await roaming.differences() == []
    assert (await roaming.cpo.untold(), await roaming.emsp.untold()) == ({}, {})
    session = await roaming.emsp.look("/sessions/NL/TNM/101")
    assert (session["kwh"], len(session["charging_periods"])) == (4.2, 1)


@pytest.mark.requirement("STS-05", "STS-06")
async def test_what_the_other_side_refuses_is_shown_and_told_again_when_the_operator_asks(roaming: Roaming) -> None:
    roaming.break_with(REFUSES)
    await _write_all(roaming)
    await roaming.tell()
    refused = await roaming.cpo.untold() | await roaming.emsp.untold()
    roaming.break_with(None)
    await roaming.tell_again()
    not_told = await roaming.differences()

    asked = [await end.ask("POST", f"/partners/{end.at}/retry") for end in (roaming.cpo, roaming.emsp)]
    await roaming.tell()

    assert refused == dict.fromkeys(("locations", "tariffs", "sessions", "cdrs", "tokens"), (0, 1))
    assert len(not_told) == len(roaming.things)
    assert asked == [{"refused": 4}, {"refused": 1}]
    assert await roaming.differences() == []
    assert (await roaming.cpo.untold(), await roaming.emsp.untold()) == ({}, {})


@pytest.mark.requirement("OPS-03", "OPS-07")
async def test_what_was_stored_before_our_server_stopped_is_told_by_the_next_one(
    stack: AsyncExitStack, new_database: Callable[[], str]
) -> None:
    databases = new_database(), new_database()
    async with AsyncExitStack() as first:
        cpo = await first.enter_async_context(one_end(CPO, "CPO", databases[0]))
        emsp = await first.enter_async_context(one_end(EMSP, "EMSP", databases[1]))
        before = await connect(cpo, emsp)
        await _write_all(before)
        command, _ = await started(before)
        await before.cpo.ask("POST", f"/commands/{command}/result", {"result": "ACCEPTED"})

    again = [
        await stack.enter_async_context(one_end(party, role, url))
        for party, role, url in ((CPO, "CPO", databases[0]), (EMSP, "EMSP", databases[1]))
    ]
    join(*again)
    after = Roaming(*again)
    after.cpo.at, after.emsp.at = before.cpo.at, before.emsp.at
    await after.tell()

    assert await after.differences() == []
    assert (await after.cpo.untold(), await after.emsp.untold()) == ({}, {})
    assert (await after.emsp.ask("GET", "/commands"))[0]["result"] == {"result": "ACCEPTED"}


async def _capable(roaming: Roaming) -> None:
    for thing in OF_CPO[:3]:
        await thing.write(roaming.cpo)
    await roaming.tell()


@pytest.mark.requirement("OPS-03")
@EACH_FAULT
@pytest.mark.parametrize("asked", ASYNCHRONOUS)
async def test_a_result_reaches_the_one_who_asked_after_the_fault(roaming: Roaming, asked: Asked, fault: Fault) -> None:
    await _capable(roaming)
    ours, theirs = await asked.begin(roaming)

    roaming.break_with(fault)
    await roaming.cpo.ask("POST", f"{asked.path}/{ours}/result", asked.result)
    await roaming.tell()
    waiting = (await roaming.cpo.ask("GET", f"{asked.path}/{ours}"))["delivery"]["state"]
    roaming.break_with(None)
    await roaming.tell_again()

    assert waiting == "DUE"
    assert await shown_of(roaming, asked, ours, theirs) == (asked.result, "DELIVERED", [asked.result])


@pytest.mark.parametrize("asked", ASYNCHRONOUS)
async def test_a_result_that_is_refused_is_shown_to_the_operator_and_told_again_on_request(
    roaming: Roaming, asked: Asked
) -> None:
    await _capable(roaming)
    ours, theirs = await asked.begin(roaming)

    roaming.break_with(REFUSES)
    await roaming.cpo.ask("POST", f"{asked.path}/{ours}/result", asked.result)
    await roaming.tell()
    delivery = (await roaming.cpo.ask("GET", f"{asked.path}/{ours}"))["delivery"]
    not_told = (await roaming.emsp.ask("GET", f"{asked.path}/{theirs}"))["result"]
    roaming.break_with(None)
    await roaming.cpo.ask("POST", "/deliveries/retry", {"partner": roaming.cpo.at})
    await roaming.tell()

    assert delivery["state"] == "REFUSED"
    assert "2001" in delivery["error"]
    assert not_told is None
    assert await shown_of(roaming, asked, ours, theirs) == (asked.result, "DELIVERED", [asked.result])


@pytest.mark.requirement("OPS-03", "CHP-R-12")
@EACH_FAULT
async def test_a_plan_that_changes_while_the_other_side_fails_is_known_afterwards(
    roaming: Roaming, fault: Fault
) -> None:
    await _capable(roaming)
    ours, _ = await profiled(roaming)
    await roaming.cpo.ask("POST", f"/chargingprofiles/requests/{ours}/result", {"result": "ACCEPTED"})
    await roaming.tell()

    roaming.break_with(fault)
    await roaming.cpo.ask("PUT", PLAN_PATH, a_plan())
    await roaming.tell()
    roaming.break_with(None)
    await roaming.tell_again()

    assert (await roaming.emsp.look(PLAN_PATH))["active_charging_profile"] == a_plan()
    assert await roaming.cpo.untold() == {}
