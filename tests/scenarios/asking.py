"""What an eMSP asks of a CPO that gets its result later, of each kind one; and the plan of a session."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.objects import NOON, a_charging_profile, a_start_session, a_token
from tests.scenarios.roaming import CPO, EMSP, Ends

from ocpi_party.ocpi.types import JsonObject

PLAN_PATH = "/sessions/NL/TNM/101/active_charging_profile"


def a_plan() -> JsonObject:
    """ActiveChargingProfile"""
    return {"start_date_time": NOON, "charging_profile": a_charging_profile() | {"duration": 900}}


async def started(ends: Ends) -> tuple[int, int]:
    """A START_SESSION under way: its id at the CPO, and at the eMSP."""
    body = {name: value for name, value in a_start_session(token=a_token(EMSP)).items() if name != "response_url"}
    sent = await ends.emsp.ask("POST", "/commands/START_SESSION", body | CPO._asdict())
    return await _waiting(ends, "/commands"), _taken(sent)


async def profiled(ends: Ends) -> tuple[int, int]:
    """A charging profile under way."""
    sent = await ends.emsp.ask("PUT", "/chargingprofiles/101", a_charging_profile())
    return await _waiting(ends, "/chargingprofiles"), _taken(sent)


async def planned(ends: Ends) -> tuple[int, int]:
    """The question what is planned, under way."""
    sent = await ends.emsp.ask("GET", "/chargingprofiles/101", duration="900")
    return await _waiting(ends, "/chargingprofiles"), _taken(sent)


async def cleared(ends: Ends) -> tuple[int, int]:
    """The wish to clear the profile, under way."""
    sent = await ends.emsp.ask("DELETE", "/chargingprofiles/101")
    return await _waiting(ends, "/chargingprofiles"), _taken(sent)


def _taken(sent: Any) -> int:
    assert sent["response"]["result"] == "ACCEPTED", sent
    found: int = sent["id"]
    return found


async def _waiting(ends: Ends, path: str) -> int:
    (waiting,) = await ends.cpo.ask("GET", path, direction="inbound", state="pending")
    found: int = waiting["id"]
    return found


@dataclass(frozen=True)
class Asked:
    """begin  asks; gives the id of the request at the CPO, and at the eMSP"""

    begin: Callable[[Ends], Awaitable[tuple[int, int]]]
    path: str
    result: JsonObject


_PROFILES = "/chargingprofiles/requests"
ASYNCHRONOUS: list[Any] = [
    pytest.param(
        Asked(started, "/commands", {"result": "ACCEPTED"}),
        marks=pytest.mark.requirement("CMD-S-02", "CMD-S-08"),
        id="command",
    ),
    pytest.param(Asked(profiled, _PROFILES, {"result": "ACCEPTED"}), id="charging profile"),
    pytest.param(Asked(planned, _PROFILES, {"result": "ACCEPTED", "profile": a_plan()}), id="active profile"),
    pytest.param(Asked(cleared, _PROFILES, {"result": "UNKNOWN"}), id="clear profile"),
]


async def shown_of(ends: Ends, asked: Asked, ours: int, theirs: int) -> tuple[JsonObject, str, list[JsonObject]]:
    """What their operators see: the result and the state of its delivery at the CPO, and all that the eMSP got."""
    at_cpo = await ends.cpo.ask("GET", f"{asked.path}/{ours}")
    at_emsp = await ends.emsp.ask("GET", f"{asked.path}/{theirs}")
    return at_cpo["result"], at_cpo["delivery"]["state"], [one["result"] for one in at_emsp["results"]]
