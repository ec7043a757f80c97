"""Whatever happens between two platforms, in the end both know the same, object by object. OCPI 2.2.1, Offline behaviour."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.objects import a_charging_profile, a_start_session, a_token
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
        command, _ = await _started(before)
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


async def _started(roaming: Roaming) -> tuple[int, int]:
    """A START_SESSION under way: its id at the CPO, and at the eMSP."""
    body = {name: value for name, value in a_start_session(token=a_token(EMSP)).items() if name != "response_url"}
    sent = await roaming.emsp.ask("POST", "/commands/START_SESSION", body | CPO._asdict())
    assert sent["response"]["result"] == "ACCEPTED", sent
    (waiting,) = await roaming.cpo.ask("GET", "/commands", direction="inbound", state="pending")
    return waiting["id"], sent["id"]


async def _profiled(roaming: Roaming) -> tuple[int, int]:
    """A charging profile under way: its id at the CPO, and at the eMSP."""
    sent = await roaming.emsp.ask("PUT", "/chargingprofiles/101", a_charging_profile())
    assert sent["response"]["result"] == "ACCEPTED", sent
    (waiting,) = await roaming.cpo.ask("GET", "/chargingprofiles", direction="inbound", state="pending")
    return waiting["id"], sent["id"]


ASYNCHRONOUS: list[Any] = [
    pytest.param(_started, "/commands", marks=pytest.mark.requirement("CMD-S-02", "CMD-S-08"), id="command"),
    pytest.param(_profiled, "/chargingprofiles/requests", id="charging profile"),
]


async def _capable(roaming: Roaming) -> None:
    for thing in OF_CPO[:3]:
        await thing.write(roaming.cpo)
    await roaming.tell()


@pytest.mark.requirement("OPS-03")
@EACH_FAULT
@pytest.mark.parametrize(("begin", "path"), ASYNCHRONOUS)
async def test_a_result_reaches_the_one_who_asked_after_the_fault(
    roaming: Roaming, begin: Any, path: str, fault: Fault
) -> None:
    await _capable(roaming)
    ours, theirs = await begin(roaming)

    roaming.break_with(fault)
    await roaming.cpo.ask("POST", f"{path}/{ours}/result", {"result": "ACCEPTED"})
    await roaming.tell()
    waiting = (await roaming.cpo.ask("GET", f"{path}/{ours}"))["delivery"]["state"]
    roaming.break_with(None)
    await roaming.tell_again()

    assert waiting == "DUE"
    at_cpo, at_emsp = await roaming.cpo.ask("GET", f"{path}/{ours}"), await roaming.emsp.ask("GET", f"{path}/{theirs}")
    assert (at_cpo["result"], at_cpo["delivery"]["state"]) == ({"result": "ACCEPTED"}, "DELIVERED")
    assert [one["result"] for one in at_emsp["results"]] == [{"result": "ACCEPTED"}]


@pytest.mark.parametrize(("begin", "path"), ASYNCHRONOUS)
async def test_a_result_that_is_refused_is_shown_to_the_operator(roaming: Roaming, begin: Any, path: str) -> None:
    await _capable(roaming)
    ours, theirs = await begin(roaming)

    roaming.break_with(REFUSES)
    await roaming.cpo.ask("POST", f"{path}/{ours}/result", {"result": "ACCEPTED"})
    await roaming.tell()

    delivery = (await roaming.cpo.ask("GET", f"{path}/{ours}"))["delivery"]
    assert delivery["state"] == "REFUSED"
    assert "2001" in delivery["error"]
    assert (await roaming.emsp.ask("GET", f"{path}/{theirs}"))["result"] is None
