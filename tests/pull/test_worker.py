"""When lists are fetched, in what order, and what happens when that fails."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.objects import LATER, a_location, a_tariff
from tests.partner import FakePartner, envelope
from tests.pull.lists import PagedList, a_cpo, ids, some_locations
from tests.server import Server

from ocpi_party.database import Statement, WriteTx
from ocpi_party.modules.locations.table import LOCATIONS
from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.ocpi.types import parse_time
from ocpi_party.owned.pull import Found, Pulled, Refused
from ocpi_party.partners import repository as partners
from ocpi_party.pull import progress

_PULLS = "SELECT *, next_at - now() AS pause FROM pulls ORDER BY id"
_EXPIRE = "UPDATE pulls SET leased_until = now() - interval '1 second' WHERE leased_until IS NOT NULL RETURNING id"


@dataclass(frozen=True, slots=True)
class Ignored(Pulled):
    """A list that is fetched and kept nowhere."""

    async def absorb(
        self, tx: WriteTx, found: Sequence[Found], *, since: int, any_age: bool = False
    ) -> Sequence[Refused]:
        return ()


async def _held(server: Server) -> list[str]:
    return ids(await server.rows("SELECT key FROM locations ORDER BY key"))


async def _pull(server: Server, partner_id: int, **wanted: Any) -> httpx.Response:
    return await server.operator.post(f"/api/partners/{partner_id}/pull", json=wanted)


@pytest.mark.requirement("OPS-15")
async def test_lists_are_fetched_one_after_the_other_by_rank(server: Server) -> None:
    server.app.pulling.pulled = {
        ModuleId.LOCATIONS: Ignored(Location, None),
        ModuleId.TARIFFS: Ignored(Tariff, None),
    }
    partner = server.internet.add(a_cpo(endpoints=[("locations", "SENDER"), ("tariffs", "SENDER")]))
    PagedList(partner, some_locations(3))
    PagedList(partner, [a_tariff(id=f"T{number}") for number in range(3)], module="tariffs")
    await server.connect(partner)

    fetched = await server.app.pulling.pull_due()

    assert fetched == 2
    assert [r.url.path.rpartition("/")[2] for r in partner.requests("GET", "/sender/")] == [
        "tariffs", "tariffs", "locations", "locations",
    ]  # fmt: skip


@pytest.mark.requirement("SES-S-02")
async def test_sessions_are_always_asked_for_with_date_from(server: Server) -> None:
    server.app.pulling.pulled = {ModuleId.SESSIONS: Ignored(Session, None, needs_date_from=True)}
    partner = server.internet.add(a_cpo(endpoints=[("sessions", "SENDER")]))
    listed = PagedList(partner, [], module="sessions")
    await server.connect(partner)

    await server.app.pulling.pull_due()

    assert listed.asked[0].url.params["date_from"] == "1970-01-01T00:00:00Z"


@pytest.mark.requirement("OPS-05", "PAG-20")
async def test_after_the_first_time_only_what_changed_is_fetched_with_an_overlap(server: Server) -> None:
    partner = server.internet.add(a_cpo())
    listed = PagedList(partner, some_locations(1))
    await server.connect(partner)
    await server.app.pulling.pull_due()
    (first,) = await server.rows(_PULLS)

    await _pull(server, first["partner_id"])
    await server.app.pulling.pull_due()

    asked = parse_time(listed.asked[1].url.params["date_from"])
    assert asked == first["good_until"] - timedelta(minutes=5)
    assert timedelta(hours=2) < first["pause"] < timedelta(hours=6)


@pytest.mark.requirement("PAG-20")
async def test_partners_are_not_all_asked_at_the_same_moment(server: Server) -> None:
    for number in (1, 2):
        partner = a_cpo(host=f"cpo{number}.example", roles=(("CPO", "NL", f"TN{number}"),), token=f"token-{number}.b")
        await server.connect(server.internet.add(partner))

    await server.app.pulling.pull_due()

    one, other = await server.rows(_PULLS)
    assert one["next_at"] != other["next_at"]


async def test_of_one_partner_one_list_is_fetched_at_a_time(server: Server) -> None:
    server.app.pulling.pulled = {
        ModuleId.LOCATIONS: Ignored(Location, None),
        ModuleId.TARIFFS: Ignored(Tariff, None),
    }
    await server.connect(server.internet.add(a_cpo(endpoints=[("locations", "SENDER"), ("tariffs", "SENDER")])))
    database, lease = server.app.building.database, timedelta(minutes=1)

    async def claim() -> list[progress.Pull]:
        async with database.write() as tx:
            return await progress.claim(tx, most=8, lease_for=lease)

    claimed = await asyncio.gather(*(claim() for _ in range(4)))

    assert sorted(len(found) for found in claimed) == [0, 0, 0, 1]


def _hangs_at_second_page(server: Server, partner: FakePartner, listed: PagedList) -> asyncio.Event:
    """Once; set as soon as that page is asked for, and the first one kept."""
    inner, reached, never = listed.answer, asyncio.Event(), asyncio.Event()

    async def hanging(request: httpx.Request) -> httpx.Response:
        if len(listed.asked) == 1 and not reached.is_set():
            while not await _held(server):  # The second page is asked for while the first one is kept.
                await asyncio.sleep(0.01)
            reached.set()
            await never.wait()
        return inner(request)

    partner.on("GET", "/sender/locations", hanging)
    return reached


@pytest.mark.requirement("OPS-05")
async def test_a_crawl_that_was_killed_goes_on_at_its_next_page(server: Server) -> None:
    partner = server.internet.add(a_cpo())
    listed = PagedList(partner, some_locations(5))
    await server.connect(partner)
    reached = _hangs_at_second_page(server, partner, listed)
    killed = asyncio.create_task(server.app.pulling.pull_due())
    await reached.wait()
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    first = await _held(server)
    other = replace(server.app.pulling)
    meanwhile = await other.pull_due()

    async with server.app.building.database.write() as tx:
        await tx.rows(Statement(_EXPIRE))
    await other.pull_due()

    assert (first, meanwhile) == (["LOC1", "LOC2"], 0)
    assert listed.offsets == [0, 2, 4]
    assert await _held(server) == ["LOC1", "LOC2", "LOC3", "LOC4", "LOC5"]


@pytest.mark.requirement("OPS-05")
async def test_a_crawl_of_a_worker_that_is_stopped_goes_on_at_its_next_page_at_once(server: Server) -> None:
    partner = server.internet.add(a_cpo())
    listed = PagedList(partner, some_locations(5))
    await server.connect(partner)
    reached = _hangs_at_second_page(server, partner, listed)
    working = asyncio.create_task(server.app.pulling.run())
    await reached.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    assert await replace(server.app.pulling).pull_due() == 1

    assert listed.offsets == [0, 2, 4]
    assert await _held(server) == ["LOC1", "LOC2", "LOC3", "LOC4", "LOC5"]


async def test_who_lost_a_list_to_another_worker_keeps_nothing_of_its_page(server: Server) -> None:
    partner = server.internet.add(a_cpo())
    listed = PagedList(partner, some_locations(1))
    await server.connect(partner)
    inner = listed.answer

    async def slow(request: httpx.Request) -> httpx.Response:
        async with server.app.building.database.write() as tx:
            await tx.run(Statement("UPDATE pulls SET lease = 'somebody else'"))
        return inner(request)

    partner.on("GET", "/sender/locations", slow)

    await server.app.pulling.pull_due()

    assert await _held(server) == []


@pytest.mark.requirement("STS-10")
async def test_a_refused_token_alerts_the_operator_until_it_is_accepted_again(server: Server) -> None:
    partner = server.internet.add(a_cpo())
    listed = PagedList(partner, some_locations(1))
    listed.instead = {0: envelope(code=2001, http_status=401)}
    await server.connect(partner)
    partner_id = (await server.rows("SELECT id FROM partners"))[0]["id"]

    await server.app.pulling.pull_due()
    alert = (await server.operator.get(f"/api/partners/{partner_id}")).json()["alert"]
    await _pull(server, partner_id)
    await server.app.pulling.pull_due()
    after = (await server.operator.get(f"/api/partners/{partner_id}")).json()["alert"]

    assert "does not accept our credentials token" in alert
    assert partner.token not in alert
    assert after is None
    assert await _held(server) == ["LOC1"]


@pytest.mark.requirement("OPS-08")
async def test_a_partner_that_cannot_be_reached_is_asked_again_later_and_later(server: Server) -> None:
    partner = server.internet.add(a_cpo())
    await server.connect(partner)
    partner.on("GET", "/sender/locations", httpx.Response(503, headers={"retry-after": "3600"}))

    await server.app.pulling.pull_due()
    due = await server.app.pulling.pull_due()

    (pull,) = await server.rows(_PULLS)
    assert due == 0
    assert pull["failures"] == 1
    assert pull["pause"] > timedelta(minutes=59)


async def test_after_some_failures_a_crawl_begins_anew(server: Server) -> None:
    partner = server.internet.add(a_cpo())
    listed = PagedList(partner, some_locations(3))
    listed.instead = {number: envelope(code=2001) for number in range(1, 6)}
    await server.connect(partner)
    await server.app.pulling.pull_due()
    partner_id = (await server.rows("SELECT id FROM partners"))[0]["id"]

    for _ in range(5):
        await _pull(server, partner_id)
        await server.app.pulling.pull_due()

    assert listed.offsets == [0, 2, 2, 2, 2, 2, 0, 2]
    assert await _held(server) == ["LOC1", "LOC2", "LOC3"]


@pytest.mark.requirement("CRE-18")
async def test_new_parties_and_endpoints_of_a_partner_are_fetched_after_it_renewed(server: Server) -> None:
    partner = server.internet.add(a_cpo())
    listed = PagedList(partner, some_locations(1))
    caller = await server.connect(partner)
    await server.app.pulling.pull_due()
    before = await server.rows(_PULLS)
    partner.roles = (*partner.roles, ("CPO", "NL", "TN2"))

    answer = await caller.request("PUT", "/ocpi/2.2.1/credentials", partner.credentials())
    await server.app.pulling.pull_due()

    assert answer.status_code == 1000, answer
    assert [request.headers["ocpi-to-party-id"] for request in listed.asked] == ["TNM", "TN2"]
    after = await server.rows(_PULLS)
    assert after[0]["good_until"] == before[0]["good_until"]


@pytest.mark.requirement("CRE-23")
async def test_who_leaves_or_is_not_to_be_pulled_is_not_asked_any_more(server: Server) -> None:
    partner = server.internet.add(a_cpo())
    await server.connect(partner)
    partner_id = (await server.rows("SELECT id FROM partners"))[0]["id"]

    await server.operator.patch(f"/api/partners/{partner_id}", json={"pull": False})
    without = await server.rows(_PULLS)
    await server.operator.patch(f"/api/partners/{partner_id}", json={"pull": True})
    again = await server.rows(_PULLS)
    await server.operator.delete(f"/api/partners/{partner_id}")

    assert (without, len(again)) == ([], 1)
    assert await server.rows(_PULLS) == []


@pytest.mark.requirement("OWN-15", "LOC-R-11")
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_change_of_an_evse_that_we_do_not_know_has_its_list_fetched(server: Server, method: str) -> None:
    partner = server.internet.add(a_cpo())
    listed = PagedList(partner, [])
    caller = (await server.connect(partner)).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    await server.app.pulling.pull_due()
    listed.objects = [a_location()]
    evse = listed.objects[0]["evses"][0] | {"status": "CHARGING", "last_updated": LATER}

    answer = await caller.request(method, "/locations/NL/TNM/LOC1/3256", evse)
    (pull,) = await server.rows(_PULLS)
    foreign = await caller.request(method, "/locations/NL/XYZ/LOC1/3256", evse)

    assert (answer.http_status, answer.status_code, foreign.http_status) == (404, 2003, 404)
    assert pull["next_at"] == pull["finished_at"] + timedelta(seconds=5)
    assert await _held(server) == []


async def test_what_is_wanted_during_a_crawl_is_fetched_after_it(server: Server) -> None:
    partner = server.internet.add(a_cpo())
    listed = PagedList(partner, some_locations(1))
    await server.connect(partner)
    partner_id = (await server.rows("SELECT id FROM partners"))[0]["id"]
    inner = listed.answer

    async def wanting(request: httpx.Request) -> httpx.Response:
        if not listed.asked:
            await _pull(server, partner_id, full=True)
        return inner(request)

    partner.on("GET", "/sender/locations", wanting)

    fetched = await server.app.pulling.pull_due()

    assert fetched == 2
    assert ["date_from" in request.url.params for request in listed.asked] == [False, False]


async def test_the_worker_wakes_up_for_a_partner_that_becomes_connected(server: Server) -> None:
    partner = server.internet.add(a_cpo())
    done = asyncio.Event()

    def noticed(request: httpx.Request) -> httpx.Response:
        done.set()
        return envelope([])

    partner.on("GET", "/sender/locations", noticed)
    working = asyncio.create_task(server.app.pulling.run())

    await server.connect(partner)

    async with asyncio.timeout(10):
        await done.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert partner.requests("GET", "/sender/locations")


async def test_a_partner_that_registers_anew_while_its_list_is_fetched_stops_neither(server: Server) -> None:
    database = server.app.building.database

    async def renew() -> None:
        async with database.write() as tx:
            assert await partners.lock(tx, 1)
            await server.app.building.connected(tx, 1)

    renewing: list[asyncio.Task[None]] = []

    @dataclass(frozen=True, slots=True)
    class Renewing(Pulled):
        """While a page is kept, the partner renews its credentials, and waits for the list to be free."""

        async def absorb(
            self, tx: WriteTx, found: Sequence[Found], *, since: int, any_age: bool = False
        ) -> Sequence[Refused]:
            renewing.append(asyncio.create_task(renew()))
            while not await tx.value(Statement("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")):
                await asyncio.sleep(0.01)
            return ()

    server.app.pulling.pulled = {ModuleId.LOCATIONS: Renewing(Location, LOCATIONS)}
    partner = server.internet.add(a_cpo())
    PagedList(partner, some_locations(2))
    await server.connect(partner)

    await server.app.pulling.pull_due()

    await asyncio.gather(*renewing)
    (pull,) = await server.rows(_PULLS)
    assert (pull["objects"], pull["error"], pull["next_url"]) == (2, None, None)


@pytest.mark.parametrize("changes", [{"pull": False}, {"modules": ["tariffs"]}, {"push": False}])
async def test_a_partner_that_the_operator_changes_while_its_list_is_fetched_stops_neither(
    server: Server, changes: dict[str, Any]
) -> None:
    answers: list[asyncio.Task[httpx.Response]] = []

    @dataclass(frozen=True, slots=True)
    class Changing(Pulled):
        """While a page is kept, the operator changes the partner, and waits for the list to be free."""

        async def absorb(
            self, tx: WriteTx, found: Sequence[Found], *, since: int, any_age: bool = False
        ) -> Sequence[Refused]:
            answers.append(asyncio.create_task(server.operator.patch("/api/partners/1", json=changes)))
            while not await tx.value(Statement("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")):
                await asyncio.sleep(0.01)
            return ()

    server.app.pulling.pulled = {ModuleId.LOCATIONS: Changing(Location, LOCATIONS)}
    partner = server.internet.add(a_cpo())
    PagedList(partner, some_locations(2))
    await server.connect(partner)

    await server.app.pulling.pull_due()

    (answer,) = await asyncio.gather(*answers)
    assert answer.status_code == 200, answer.text
    assert [pull["error"] for pull in await server.rows(_PULLS)] == ([] if "push" not in changes else [None])


@pytest.mark.requirement("OPS-05")
@pytest.mark.parametrize("order", [1, -1])
async def test_lists_that_are_wanted_at_once_while_they_are_planned_anew_wait_their_turn(
    server: Server, order: int
) -> None:
    server.app.pulling.pulled = {
        ModuleId.LOCATIONS: Ignored(Location, None),
        ModuleId.TARIFFS: Ignored(Tariff, None),
    }
    await server.connect(server.internet.add(a_cpo(endpoints=[("locations", "SENDER"), ("tariffs", "SENDER")])))
    first, last = [pull["id"] for pull in await server.rows(_PULLS)][::order]
    touch = Statement("UPDATE pulls SET rank = rank WHERE id = :id")

    async with server.app.building.database.write() as tx:
        await partners.lock(tx, 1)
        await tx.run(touch, id=last)
        asked = asyncio.create_task(_pull(server, 1, full=True))
        while not await tx.value(Statement("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")):
            await asyncio.sleep(0.01)
        await tx.run(touch, id=first)

    assert (await asked).status_code == 202
