"""Steps of the demo: Locations and the status of their EVSEs reach the eMSP, also after it was away."""

import asyncio
from functools import partial
from itertools import count
from statistics import median
from time import perf_counter
from typing import Any

from ocpi_party.cli.demo.platform import Platform
from ocpi_party.cli.demo.story import Story

LOCATIONS = 200
CHANGES, CHANGING = 100, 20
"""Changes while the eMSP is away, and the EVSEs that they are spread over."""

_AT_ONCE = 8
_NOON = "2026-03-01T12:00:00Z"
_CAPABILITIES = (
    "CHARGING_PREFERENCES_CAPABLE",
    "CHARGING_PROFILE_CAPABLE",
    "REMOTE_START_STOP_CAPABLE",
    "RFID_READER",
)
_STATUSES = ("CHARGING", "AVAILABLE")


def a_location(cpo: Platform, number: int) -> dict[str, Any]:
    """The same for a number each time, in the Netherlands."""
    side = cpo.side
    connector = {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 32,
        "last_updated": _NOON,
    }
    evse = {
        "uid": f"E{number}",
        "evse_id": f"{side.country_code}*{side.party_id}*E{number}",
        "status": "AVAILABLE",
        "capabilities": list(_CAPABILITIES),
        "connectors": [connector],
        "last_updated": _NOON,
    }
    return {
        "country_code": side.country_code,
        "party_id": side.party_id,
        "id": f"LOC{number}",
        "publish": True,
        "name": f"Demo location {number}",
        "address": f"Stationsplein {number + 1}",
        "city": "Utrecht",
        "postal_code": "3511 CE",
        "country": "NLD",
        "coordinates": {"latitude": f"52.{90000 + number:06d}", "longitude": f"5.{110000 + number:06d}"},
        "evses": [evse],
        "time_zone": "Europe/Amsterdam",
        "last_updated": _NOON,
    }


async def push(story: Story) -> None:
    """Push: the CPO's own system writes 200 Locations, and the eMSP has all of them."""
    numbers = iter(range(LOCATIONS))

    async def write() -> None:
        for number in numbers:
            location = a_location(story.cpo, number)
            await story.cpo.call("PUT", f"/locations/{owner(story)}/{location['id']}", location)

    started = perf_counter()
    await asyncio.gather(*(write() for _ in range(_AT_ONCE)))
    ours = await _total(story.cpo, own="true")
    story.holds(f"the CPO has {LOCATIONS} Locations of its own", ours == LOCATIONS, ours)

    async def arrived() -> bool:
        return await _total(story.emsp, partner=story.at_emsp) == LOCATIONS

    await story.becomes(f"the eMSP has {LOCATIONS} Locations of the CPO", arrived)
    took = perf_counter() - started
    story.holds(
        f"they are equal, field by field, at both ends ({LOCATIONS / took:.0f} Locations a second)", await agree(story)
    )
    await _nothing_to_tell(story)


async def pull(story: Story) -> None:
    """Pull: the eMSP fetches the CPO's whole list, page by page."""
    before, asked_before = await _list(story), await story.cpo.count(side="ocpi", module="locations", method="GET")
    await story.emsp.call("POST", f"/partners/{story.at_emsp}/pull", {"module": "locations", "full": True})

    async def finished() -> bool:
        now = await _list(story)
        return not now["running"] and now["finished_at"] is not None and now["finished_at"] != before["finished_at"]

    await story.becomes("the eMSP's pull has come to its end", finished)
    state = await _list(story)
    story.holds(
        f"it brought {LOCATIONS} Locations on {state['pages']} pages, and none had to be refused",
        (state["objects"], state["total"], state["refused"], state["error"]) == (LOCATIONS, LOCATIONS, 0, None),
        state,
    )
    asked = await story.cpo.count(side="ocpi", module="locations", method="GET") - asked_before
    story.holds(f"the CPO answered {asked} pages to it", asked >= state["pages"], asked)
    story.holds("both ends are still equal", await agree(story))


async def report_status(story: Story) -> None:
    """Status: a change at a charge point is seen by the eMSP within milliseconds."""
    took = []
    for number in range(20):
        status = _STATUSES[number % 2]
        started = perf_counter()
        await report(story, 0, status)
        await story.wait("the eMSP sees the new status", partial(has_status, story, 0, status), within=20)
        took.append((perf_counter() - started) * 1000)
    story.holds(
        f"20 changes, from the operator's PATCH at the CPO until the eMSP's API shows it: "
        f"median {median(took):.0f} ms, worst {max(took):.0f} ms",
        True,
    )
    await _nothing_to_tell(story)


async def survive_an_outage(story: Story) -> None:
    """Outage: the eMSP is killed (kill -9), misses 100 changes, and is brought up to date when it is back."""
    story.emsp.kill()
    for number in range(CHANGES):
        # The last round leaves every second EVSE in another status than the first.
        await report(story, number % CHANGING, _STATUSES[(number // CHANGING + number) % 2])
    waiting = await _pending(story)
    story.holds(f"the CPO made {CHANGES} changes and notes {waiting} EVSEs to tell", 0 < waiting <= CHANGING, waiting)
    await story.emsp.start()
    back = perf_counter()
    await story.becomes("both ends are equal again", lambda: agree(story))
    took = perf_counter() - back
    await _nothing_to_tell(story)
    told = sum([await story.emsp.count(side="ocpi", module="locations", method=one) for one in ("PUT", "PATCH")])
    story.holds(
        f"{told} requests brought the eMSP up to date, {took:.2f} s after it was back: each EVSE once, not each change",
        CHANGING // 2 <= told <= CHANGING + 5,
        told,
    )


async def report(story: Story, number: int, status: str) -> None:
    await story.cpo.call("PATCH", f"/locations/{owner(story)}/LOC{number}/E{number}", {"status": status})


async def report_until(story: Story, done: asyncio.Event) -> int:
    """Report changes, one after the other, until it is done; tells how many."""
    for number in count():
        if done.is_set():
            return number
        await report(story, number % CHANGING, _STATUSES[number // CHANGING % 2])
    raise AssertionError


async def agree(story: Story) -> bool:
    """Whether the eMSP has exactly the CPO's own Locations, field by field."""
    ours = [one async for one in story.cpo.everything("/locations", own="true")]
    theirs = [one async for one in story.emsp.everything("/locations", own="false")]
    return sorted(ours, key=_id) == sorted(theirs, key=_id)


def _id(location: dict[str, Any]) -> str:
    key: str = location["id"]
    return key


async def has_status(story: Story, number: int, status: str) -> bool:
    evse = await story.emsp.get(f"/locations/{owner(story)}/LOC{number}/E{number}")
    return bool(evse["status"] == status)


async def _total(platform: Platform, **only: Any) -> int:
    return int((await platform.call("GET", "/locations", limit=1, **only)).headers["x-total-count"])


async def _list(story: Story) -> Any:
    sync = await story.emsp.get(f"/partners/{story.at_emsp}/sync")
    return next(one for one in sync["pull"] if one["module"] == "locations")


async def _pending(story: Story) -> int:
    sync = await story.cpo.get(f"/partners/{story.at_cpo}/sync")
    return sum(one["pending"] for one in sync["push"]["modules"])


async def _nothing_to_tell(story: Story) -> None:
    async def settled() -> bool:
        return await _pending(story) == 0

    await story.becomes("the CPO has nothing left to tell", settled)


def owner(story: Story) -> str:
    return f"{story.cpo.side.country_code}/{story.cpo.side.party_id}"
