"""Charging profiles: set, ask for and clear those of our drivers' sessions, and see what comes of it; what our EVSEs are asked."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from ocpi_party.console.own_api import Answer, Failed
from ocpi_party.console.paging import by_offset
from ocpi_party.console.visit import Place, Visit
from ocpi_party.modules.chargingprofiles.kinds import METHOD, Kind
from ocpi_party.ocpi.charging_profile import ChargingProfileResultType, ChargingRateUnit
from ocpi_party.ocpi.types import now, wire_time

ACTIONS: Final = {"set": Kind.SET, "ask": Kind.ACTIVE, "clear": Kind.CLEAR}
PERIODS: Final = 6
"""So many rows has the form; the API takes any number."""


async def listing(visit: Visit) -> Response:
    direction = "inbound" if visit.query.get("direction") == "inbound" else "outbound"
    asked = {"direction": direction, "state": visit.query.get("state", ""), "offset": visit.query.get("offset", "0")}
    answer = await visit.api.get("/api/chargingprofiles", asked)
    return visit.page(
        "charging_profiles.html",
        found=answer.data,
        direction=direction,
        state=asked["state"],
        paging=by_offset(asked, answer),
    )


async def form(visit: Visit) -> Response:
    return _form(visit, dict(visit.query))


def _form(visit: Visit, given: dict[str, str], status: int = 200, problem: str | None = None) -> Response:
    return visit.page(
        "charging_profile_new.html",
        status,
        action=_action(given),
        actions=list(ACTIONS),
        units=list(ChargingRateUnit),
        rows=range(PERIODS),
        given=given,
        problem=problem,
    )


def _action(given: dict[str, str]) -> str:
    action = given.get("action") or "set"
    if action not in ACTIONS:
        raise Failed(404, f"a charging profile cannot be {action}")
    return action


async def send(visit: Visit) -> Response:
    given = await visit.form()
    action = _action(given)
    try:
        answer = await _asked(visit, action, given)
    except Failed as fault:
        return _form(visit, given, fault.status, str(fault))
    if answer.problem is not None:
        return _form(visit, given, answer.status, answer.problem)
    return visit.go(f"/charging-profiles/{answer.data['id']}")


async def _asked(visit: Visit, action: str, given: dict[str, str]) -> Answer:
    """Raises Failed, if what is given cannot be a profile"""
    if not given.get("session_id"):
        raise Failed(422, "whose session? its id is missing")
    country_code, _, party_id = given.get("cpo", "").partition("*")
    params: dict[str, object | None] = {"country_code": country_code, "party_id": party_id}
    if action == "ask":
        params["duration"] = int(_number(given, "hours") * 3600)
    body = _profile(given) if action == "set" else None
    path = f"/api/chargingprofiles/{quote(given['session_id'], safe='')}"
    return await visit.api.call(METHOD[ACTIONS[action]], path, params=params, body=body)


def _profile(given: dict[str, str]) -> dict[str, Any]:
    """The ChargingProfile of a form; rows without a limit do not count. Raises Failed"""
    rows = [row for row in range(PERIODS) if given.get(f"limit{row}")]
    profile: dict[str, Any] = {
        "charging_rate_unit": given.get("unit", ""),
        "charging_profile_period": [
            {"start_period": int(_number(given, f"minutes{row}") * 60), "limit": _number(given, f"limit{row}")}
            for row in rows
        ],
    }
    if given.get("start_date_time"):
        profile["start_date_time"] = given["start_date_time"]
    if given.get("hours"):
        profile["duration"] = int(_number(given, "hours") * 3600)
    if given.get("min_charging_rate"):
        profile["min_charging_rate"] = _number(given, "min_charging_rate")
    return profile


def _number(given: dict[str, str], name: str) -> Decimal:
    text = given.get(name) or "0"
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise Failed(422, f"{text} is no number") from None
    if not number.is_finite() or abs(number) > 10**9:
        raise Failed(422, f"{text} is no number that can be meant")
    return number


async def one(visit: Visit) -> Response:
    return _one(visit, await _request(visit))


def _one(visit: Visit, request: dict[str, Any], status: int = 200, **told: Any) -> Response:
    results = list(ChargingProfileResultType)
    return visit.page(
        "charging_profile.html", status, one=request, results=results, units=list(ChargingRateUnit), rows=range(PERIODS), **told
    )  # fmt: skip


async def live(visit: Visit) -> Response:
    """The part that changes: asked for again until the result is there."""
    return visit.page("charging_profile_live.html", one=await _request(visit))


async def _request(visit: Visit) -> dict[str, Any]:
    path = f"/api/chargingprofiles/requests/{visit.request.path_params['id']}"
    found: dict[str, Any] = (await visit.api.get(path)).data
    return found


async def result(visit: Visit) -> Response:
    """What came of it at our EVSE; who asked what is planned is told the plan too."""
    given, request = await visit.form(), await _request(visit)
    body: dict[str, Any] = {"result": given.get("result", "")}
    try:
        if request["kind"] == Kind.ACTIVE and given.get("limit0"):
            profile = _profile(given)
            start = profile.pop("start_date_time", None) or wire_time(now().replace(microsecond=0))
            body["profile"] = {"start_date_time": start, "charging_profile": profile}
    except Failed as fault:
        return _one(visit, request, fault.status, problem=str(fault), given=given)
    answer = await visit.api.call("POST", f"/api/chargingprofiles/requests/{request['id']}/result", body=body)
    if answer.problem is not None:
        return _one(visit, request, answer.status, problem=answer.problem, given=given)
    return visit.go(f"/charging-profiles/{request['id']}", "result")


PLACES = (
    Place("/charging-profiles", listing),
    Place("/charging-profiles/new", form, scope="write"),
    Place("/charging-profiles", send, "POST", "write"),
    Place("/charging-profiles/{id:int}", one),
    Place("/charging-profiles/{id:int}/live", live),
    Place("/charging-profiles/{id:int}/result", result, "POST", "write"),
)
