"""Locations, sessions, CDRs, tariffs and tokens, ours and theirs: a list that is paged on the server, and each one of them."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from ocpi_party.console.own_api import Failed
from ocpi_party.console.paging import paging
from ocpi_party.console.visit import Page, Place, Visit
from ocpi_party.ocpi.modules import ModuleId, Role, sender_of
from ocpi_party.ocpi.types import fold

_ON_THE_MAP = 2000


def listing(module: str) -> Page:
    async def page(visit: Visit) -> Response:
        asked = filter_of(visit.query)
        answer = await visit.api.get(f"/api/{module}", asked | {"order": "newest", "origin": "true"})
        partners = (await visit.api.get("/api/partners")).data
        told = await _told(visit, module)
        for one in answer.data:
            one["origin"] = one["origin"] if len(told) > 1 else None
        return visit.page(
            f"{module}.html",
            module=module,
            found=answer.data,
            paging=paging(visit.query, answer, _FILTERS),
            partners=partners,
            told=told,
            filtered={name: visit.query.get(name, "") for name in _FILTERS},
        )

    return page


async def _told(visit: Visit, module: str) -> list[str]:
    """Our parties that partners tell of such objects."""
    role = Role.CPO if sender_of(ModuleId(module)) is Role.EMSP else Role.EMSP
    parties = (await visit.api.get("/api/parties")).data
    return [f"{one['country_code']}*{one['party_id']}" for one in parties if one["role"] == role]


_AS_IT_IS = ("own", "partner", "for", "country_code", "party_id", "offset", "cursor")
_FILTERS = ("own", "partner", "for", "country_code", "party_id", "from", "to")


def filter_of(query: Mapping[str, str]) -> dict[str, object | None]:
    """The filter of a page → that of the API; days are whole ones, and the last is meant too. Raises Failed"""
    kept: dict[str, object | None] = {name: query.get(name) for name in _AS_IT_IS}
    return kept | {"date_from": _day(query.get("from")), "date_to": _day(query.get("to"), later=1)}


def _day(given: str | None, *, later: int = 0) -> str | None:
    if not given:
        return None
    try:
        return f"{date.fromisoformat(given) + timedelta(days=later)}T00:00:00Z"
    except (ValueError, OverflowError):
        raise Failed(422, f"{given} is no day, such as 2026-03-01") from None


def showing(module: str) -> Page:
    async def page(visit: Visit) -> Response:
        params = {name: visit.query.get(name) for name in ("partner", "for", "type")}
        path = object_path(visit, module)
        found = (await visit.api.get(path, params | {"origin": "true"})).data
        origin = found.pop("origin")
        further = await _FURTHER[module](visit, path, found) if module in _FURTHER else {}
        return visit.page(f"{module}_one.html", module=module, one=found, origin=origin, **further)

    return page


def object_path(visit: Visit, module: str) -> str:
    return "/".join(["/api", module, *(quote(visit.part(name), safe="") for name in ("cc", "pid", "id"))])


async def _of_cdr(visit: Visit, path: str, cdr: Mapping[str, Any]) -> dict[str, Any]:
    """The CDRs of the same session and what is to be paid in the end; of ours also who has it."""
    chain = await visit.api.call("GET", f"{path}/chain", params={"partner": visit.query.get("partner")})
    delivery = await visit.api.call("GET", f"{path}/delivery")
    return {
        "chain": None if chain.problem else chain.data,
        "delivery": None if delivery.problem else delivery.data,
    }


async def _of_session(visit: Visit, path: str, session: Mapping[str, Any]) -> dict[str, Any]:
    """What the driver prefers and the EVSE is planning, if anybody said so."""
    params = {"partner": visit.query.get("partner")}
    wish = await visit.api.call("GET", f"{path}/charging_preferences", params=params)
    parties = (await visit.api.get("/api/parties")).data
    names = ("country_code", "party_id")
    ours = any(all(fold(one[name]) == fold(session[name]) for name in names) for one in parties if one["role"] == "CPO")
    planned = await visit.api.call("GET", f"{path}/active_charging_profile", params=params)
    return {
        "wish": None if wish.problem else wish.data,
        "theirs": not ours,
        "planned": None if planned.problem else planned.data,
        "timeline": await _timeline(visit, session),
    }


async def _timeline(visit: Visit, session: Mapping[str, Any]) -> list[Any] | None:
    """Everything that is known of the session in order; None where this server keeps no such account."""
    asked = {"session": f"{session['country_code']}*{session['party_id']}/{session['id']}"}
    answer = await visit.api.call("GET", "/api/timeline", params=asked)
    return answer.data if answer.problem is None and isinstance(answer.data, list) else None


_FURTHER = {"cdrs": _of_cdr, "sessions": _of_session}


async def on_the_map(visit: Visit) -> Response:
    """Where the locations of the list are, and the states of their EVSEs; the first thousands of them.

    One that was sent to several of our parties is one spot, as the newest of them has it: its page is one, too.
    """
    asked = filter_of(visit.query) | {"order": "newest", "offset": 0, "cursor": None, "limit": _ON_THE_MAP}
    answer = await visit.api.get("/api/locations", asked)
    spots = {fold("/".join(spot["path"])): spot for spot in map(_spot, reversed(answer.data))}
    again = len(answer.data) - len(spots)
    return JSONResponse({"total": answer.total - again, "locations": list(reversed(spots.values()))})


def _spot(location: Mapping[str, Any]) -> dict[str, Any]:
    states = [evse.get("status") for evse in location.get("evses") or ()]
    return {
        "name": location.get("name") or location["address"],
        "owner": f"{location['country_code']}*{location['party_id']}",
        "path": [location[name] for name in ("country_code", "party_id", "id")],
        "at": [float(location["coordinates"][name]) for name in ("latitude", "longitude")],
        "evses": len(states),
        "free": states.count("AVAILABLE"),
        "broken": bool(states) and all(one in ("OUTOFORDER", "INOPERATIVE", "BLOCKED", "REMOVED") for one in states),
    }


PLACES = (
    Place("/data/locations", on_the_map),
    *(
        place
        for module in ("locations", "sessions", "cdrs", "tariffs", "tokens")
        for place in (
            Place(f"/{module}", listing(module)),
            Place(f"/{module}/{{cc}}/{{pid}}/{{id}}", showing(module)),
        )
    ),
)
