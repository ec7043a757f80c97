"""Lists that change while they are walked, or tell totals that do not agree: they are walked again, and nothing is lost."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.objects import a_location
from tests.partner import envelope
from tests.pull.lists import PagedList, a_cpo, some_locations
from tests.server import Server

from ocpi_party.ocpi.types import PartyId, parse_time

_PULL = "SELECT *, next_at - finished_at AS pause FROM pulls"
_HELD = "SELECT key FROM locations WHERE NOT gone"


async def _listed(server: Server, objects: Sequence[Any], **how: Any) -> PagedList:
    """A list of a partner that is connected, and not fetched yet."""
    partner = server.internet.add(a_cpo())
    listed = PagedList(partner, list(objects), **how)
    await server.connect(partner)
    return listed


async def _crawl(server: Server, *, full: bool = False) -> dict[str, Any]:
    """Fetch the list now, without waiting until it is due; how the operator sees it then, and how it stands."""
    answer = await server.operator.post("/api/partners/1/pull", json={"full": full})
    assert answer.status_code == 202, answer.text
    await server.app.pulling.pull_due()
    (row,) = await server.rows(_PULL)
    return row | {"error": await _error(server)}


async def _error(server: Server) -> Any:
    return (await server.operator.get("/api/partners/1/sync")).json()["pull"][0]["error"]


async def _held(server: Server) -> set[str]:
    return {row["key"] for row in await server.rows(_HELD)}


async def _rules(server: Server) -> list[tuple[str, int]]:
    return [(row["rule"], row["times"]) for row in await server.rows("SELECT rule, times FROM findings ORDER BY rule")]


def _to_the_end(*numbers: int) -> Any:
    """Before these requests the first object changes, in a list that is ordered by last_updated."""

    def change(number: int, objects: list[Any]) -> None:
        if number in numbers:
            objects.append(objects.pop(0))

    return change


@pytest.mark.requirement("PAG-14", "PAG-19")
async def test_a_list_that_ends_early_is_fetched_again_soon_and_as_a_whole(server: Server) -> None:
    listed = await _listed(server, some_locations(5), links=False)

    doubted = await _crawl(server)
    listed.links = True
    whole = await _crawl(server)

    assert doubted["good_until"] is None
    assert timedelta() < doubted["pause"] < timedelta(minutes=1)
    assert doubted["error"].startswith("the list ends before as many different objects as X-Total-Count")
    assert "fetched again" in doubted["error"]
    assert all("date_from" not in request.url.params for request in listed.asked)
    assert await _held(server) == {f"LOC{number}" for number in range(1, 6)}
    assert (whole["good_until"] is not None, whole["error"]) == (True, None)
    assert whole["pause"] > timedelta(hours=2)


@pytest.mark.requirement("PAG-14", "OPS-05")
async def test_changes_are_asked_for_again_from_the_same_time_until_all_of_them_were_seen(server: Server) -> None:
    listed = await _listed(server, some_locations(5))
    first = await _crawl(server)
    listed.links = False

    doubted = await _crawl(server)
    listed.links = True
    number = len(listed.asked)
    whole = await _crawl(server)
    again = listed.asked[number]
    await _crawl(server)

    assert doubted["good_until"] == first["good_until"]
    assert again.url.params["date_from"] == listed.asked[number - 1].url.params["date_from"]
    assert whole["good_until"] > first["good_until"]
    assert parse_time(listed.asked[-1].url.params["date_from"]) == whole["good_until"] - timedelta(minutes=5)


@pytest.mark.requirement("OPS-05")
async def test_a_whole_list_that_the_operator_wanted_is_repeated_as_a_whole(server: Server) -> None:
    listed = await _listed(server, some_locations(5))
    await _crawl(server)
    listed.links = False

    await _crawl(server, full=True)
    await _crawl(server)

    assert ["date_from" in request.url.params for request in listed.asked[-2:]] == [False, False]


@pytest.mark.requirement("PAG-14")
async def test_a_repeat_that_shows_the_same_ends_the_doubt_whatever_the_total_says(server: Server) -> None:
    listed = await _listed(server, some_locations(5), total=7)

    doubted = await _crawl(server)
    believed = await _crawl(server)
    asked = len(listed.asked)
    await _crawl(server)

    assert doubted["good_until"] is None
    assert believed["good_until"] is not None
    assert believed["error"] is None
    assert believed["pause"] > timedelta(hours=2)
    assert "date_from" in listed.asked[asked].url.params
    ((rule, times),) = await _rules(server)
    assert "X-Total-Count" in rule
    assert times == 3
    assert (await _crawl(server))["error"] is None


@pytest.mark.requirement("PAG-13")
async def test_lists_that_always_tell_a_wrong_total_are_repeated_once_and_not_each_time(server: Server) -> None:
    listed = await _listed(server, some_locations(5), total=70)
    await _crawl(server)
    await _crawl(server)
    asked = len(listed.asked)

    listed.objects.append(a_location(id="LOC6"))
    usual = await _crawl(server)
    listed.total, listed.cuts = None, {len(listed.asked) + 1: 1}
    shrunk = await _crawl(server, full=True)

    assert "date_from" in listed.asked[asked].url.params
    assert (usual["repeats"], usual["error"]) == (0, None)
    assert usual["pause"] > timedelta(hours=2)
    assert shrunk["repeats"] == 1


@pytest.mark.requirement("PAG-14")
async def test_a_repeat_that_shows_something_else_is_not_believed(server: Server) -> None:
    listed = await _listed(server, some_locations(5), total=9)

    one = await _crawl(server)
    listed.objects.append(a_location(id="LOC6"))
    two = await _crawl(server)
    three = await _crawl(server)

    assert (one["good_until"], two["good_until"]) == (None, None)
    assert (two["repeats"], three["repeats"]) == (2, 0)
    assert three["good_until"] is not None


@pytest.mark.requirement("PAG-20")
async def test_a_list_that_shows_something_else_each_time_is_repeated_after_longer_and_longer_pauses(
    server: Server,
) -> None:
    server.app.pulling.retry_base = timedelta(minutes=1)
    listed = await _listed(server, some_locations(5), total=99)
    pauses = []

    for number in range(12):
        listed.objects[-1] = a_location(id=f"OTHER{number}")
        pauses.append((await _crawl(server))["pause"])

    assert pauses[0] <= timedelta(minutes=1, seconds=1)
    assert timedelta(minutes=2) <= pauses[2] < pauses[4]
    assert pauses[-1] <= server.app.pulling.interval


@pytest.mark.requirement("PAG-13")
@pytest.mark.parametrize("by", [1, 2, 3, 5])
async def test_a_list_that_shrinks_at_each_page_is_walked_forward_to_its_end(server: Server, by: int) -> None:
    listed = await _listed(server, some_locations(60), cuts=dict.fromkeys(range(1, 9), by))

    doubted = await _crawl(server)
    asked = len(listed.asked)
    rules = await _rules(server)
    whole = await _crawl(server)

    assert rules == []
    assert asked < 60
    assert max(listed.offsets) >= len(listed.objects) - 2
    assert "LOC60" in await _held(server)
    assert doubted["good_until"] is None
    assert "lost objects while it was fetched" in doubted["error"]
    assert {one["id"] for one in listed.objects} <= await _held(server)
    assert (whole["good_until"] is not None, whole["error"]) == (True, None)


@pytest.mark.requirement("PAG-13")
async def test_a_total_that_counts_the_objects_of_the_page_tells_nothing(server: Server) -> None:
    listed = await _listed(server, some_locations(5))
    inner = listed.answer

    def counting(request: httpx.Request) -> httpx.Response:
        answer = inner(request)
        answer.headers["x-total-count"] = str(len(answer.json()["data"]))
        return answer

    listed.partner.on("GET", "/sender/locations", counting)

    pull = await _crawl(server)

    assert listed.offsets == [0, 2, 4]
    assert (pull["good_until"] is not None, pull["error"]) == (True, None)


@pytest.mark.requirement("PAG-13", "STS-10")
async def test_a_crawl_that_is_taken_up_again_knows_that_the_list_lost_objects(server: Server) -> None:
    listed = await _listed(server, some_locations(6), cuts={1: 1}, instead={2: envelope(code=3000)})

    failed = await _crawl(server)
    ended = await _crawl(server)

    assert failed["next_url"] is not None
    assert listed.offsets == [0, 2, 1, 1, 3]
    assert (ended["good_until"], ended["repeats"]) == (None, 1)


@pytest.mark.requirement("PAG-12", "PAG-19")
async def test_an_object_that_moves_while_another_is_skipped_does_not_count_twice(server: Server) -> None:
    listed = await _listed(server, some_locations(5))
    await _crawl(server)
    listed.changes = _to_the_end(len(listed.asked) + 1)

    doubted = await _crawl(server, full=True)

    assert doubted["objects"] == doubted["total"] == 5
    assert "different objects" in doubted["error"]
    assert not [rule for rule, _ in await _rules(server) if "full list" in rule]


@pytest.mark.requirement("PAG-12")
async def test_what_was_skipped_because_another_moved_is_fetched_by_the_repeat(server: Server) -> None:
    await _listed(server, some_locations(5), changes=_to_the_end(1))

    await _crawl(server)
    skipped = await _held(server)
    whole = await _crawl(server)

    assert len(skipped) == 4
    assert len(await _held(server)) == 5
    assert whole["error"] is None


@pytest.mark.requirement("PAG-12", "OPS-05")
async def test_crawls_of_a_list_that_never_rests_are_believed_when_they_showed_all_together(server: Server) -> None:
    listed = await _listed(server, some_locations(6), changes=_to_the_end(1, 5))

    first = await _crawl(server)
    second = await _crawl(server)

    assert first["good_until"] is None
    assert second["good_until"] is not None
    assert (
        second["good_until"] < first["finished_at"]
    )  # What changed since the first began may be known as it was then.
    assert len(await _held(server)) == 6
    assert len(listed.asked) == 6


@pytest.mark.requirement("PAG-13")
async def test_a_crawl_that_lost_objects_shows_nothing_together_with_others(server: Server) -> None:
    listed = await _listed(server, some_locations(6), cuts={1: 1})
    await _crawl(server)
    listed.changes = _to_the_end(len(listed.asked) + 1)

    doubted = await _crawl(server)

    assert len(await _held(server)) == 6
    assert doubted["good_until"] is None


@pytest.mark.requirement("PAG-19")
async def test_nothing_follows_from_absence_in_a_list_of_which_the_total_does_not_agree(server: Server) -> None:
    listed = await _listed(server, some_locations(5))
    await _crawl(server)
    del listed.objects[2:]
    listed.total = 5

    await _crawl(server, full=True)
    believed = await _crawl(server)

    assert believed["error"] is None
    assert not [rule for rule, _ in await _rules(server) if "full list" in rule]


@pytest.mark.requirement("OWN-21")
async def test_objects_that_we_cannot_take_were_seen_all_the_same(server: Server) -> None:
    foreign = a_location(PartyId("NL", "XYZ"), id="FOREIGN")
    await _listed(server, [*some_locations(3), foreign, a_location(id="BAD", coordinates=None)])

    pull = await _crawl(server)

    assert (pull["refused"], pull["error"]) == (2, None)
    assert pull["good_until"] is not None


async def test_the_operator_sees_why_while_a_list_is_repeated(server: Server) -> None:
    listed = await _listed(server, some_locations(5), links=False)
    await _crawl(server)
    seen: list[Any] = []
    inner, listed.links = listed.answer, True

    async def looking(request: httpx.Request) -> httpx.Response:
        seen.append(await _error(server))
        return inner(request)

    listed.partner.on("GET", "/sender/locations", looking)
    await _crawl(server)

    assert len(seen) == 3
    assert all("fetched again" in one for one in seen)
    assert await _error(server) is None


async def test_of_crawls_that_are_over_little_is_kept_and_nothing_once_one_is_believed(server: Server) -> None:
    listed = await _listed(server, some_locations(5), total=99)

    await _crawl(server)
    listed.objects.append(a_location(id="LOC6"))
    for number in range(7, 11):
        await _crawl(server)
        listed.objects[-1] = a_location(id=f"LOC{number}")
    meanwhile = await server.rows("SELECT DISTINCT crawl FROM pull_pages ORDER BY crawl")
    await _crawl(server)
    await _crawl(server)

    assert [row["crawl"] for row in meanwhile] == [3, 4]
    assert await server.rows("SELECT pull_id FROM pull_pages") == []
