"""Paginated lists, shown with our Locations. OCPI 2.2.1, Transport and format, "Pagination"."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.conftest import BOTH
from tests.own import at, fill, publish, report
from tests.partner import Answer, Caller
from tests.server import PUBLIC_URL, Server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import PartyId
from ocpi_party.owned.listing_counts import fold_counts

OWB = PartyId("NL", "OWB")
NO_CURSORS = ("x", "5.", "5.x", "5.9" * 30, "²³.5", "5.²³", f"{'9' * 5000}.5")


def _ids(answer: Answer) -> list[str]:
    return [location["id"] for location in answer.data]


def _names(first: int, last: int) -> list[str]:
    return [f"L{number}" for number in range(first, last + 1)]


def _next(answer: Answer) -> str | None:
    link = answer.headers.get("link")
    if link is None:
        return None
    found = re.fullmatch(r'<(.*)>; rel="next"', link)
    assert found, link
    return found[1]


async def _crawl(caller: Caller, **params: Any) -> list[Answer]:
    """All pages, each Link called as it is."""
    pages = [await caller.get("/locations", params={k: str(v) for k, v in params.items()})]
    while (url := _next(pages[-1])) is not None:
        pages.append(await caller.get(url))
    return pages


def _every(pages: list[Answer]) -> list[str]:
    return [name for page in pages for name in _ids(page)]


async def _by_offset(caller: Caller, total: int, limit: int, **params: str) -> list[str]:
    """All ids, as a client gets them that counts by itself."""
    found = []
    for offset in range(0, total + limit, limit):
        found += _ids(await caller.get("/locations", params={"offset": str(offset), "limit": str(limit)} | params))
    return found


@BOTH
@pytest.mark.requirement("PAG-04", "PAG-05", "PAG-06", "PAG-07", "PAG-08", "PAG-09", "PAG-11", "LOC-S-01", "TRN-33")
async def test_the_pages_of_a_crawl_hold_everything_once_and_in_order(server: Server, emsp: Caller) -> None:
    await fill(server, 25)

    pages = await _crawl(emsp, limit=10)
    again = await _crawl(emsp, limit=10)

    assert [_ids(page) for page in pages] == [_names(1, 10), _names(11, 20), _names(21, 25)]
    assert [page.headers["x-total-count"] for page in pages] == ["25"] * 3
    assert [page.headers["x-limit"] for page in pages] == ["10"] * 3
    assert ["link" in page.headers for page in pages] == [True, True, False]
    assert [page.body["data"] for page in again] == [page.body["data"] for page in pages]
    link = urlsplit(_next(pages[0]) or "")
    asked = parse_qs(link.query)
    assert (f"{link.scheme}://{link.netloc}", asked["offset"], asked["limit"]) == (PUBLIC_URL, ["10"], ["10"])


@BOTH
@pytest.mark.requirement("PAG-01", "PAG-04", "PAG-05", "PAG-08")
@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({}, _names(1, 25)),
        ({"limit": "3"}, _names(1, 3)),
        ({"offset": "20"}, _names(21, 25)),
        ({"offset": "25"}, []),
        ({"offset": "26", "limit": "5"}, []),
        ({"offset": "9007199254740992"}, []),
        ({"offset": "9" * 5000}, []),
        ({"limit": "9" * 5000}, _names(1, 25)),
        ({"offset": "00020", "limit": "003"}, _names(21, 23)),
        ({"date_from": at(20)}, _names(20, 25)),
        ({"date_to": at(4)}, _names(1, 3)),
        ({"date_from": at(10), "date_to": at(13)}, _names(10, 12)),
        ({"date_from": at(10), "date_to": at(20), "offset": "2", "limit": "3"}, _names(12, 14)),
        ({"date_from": at(20), "date_to": at(10)}, []),
        ({"date_from": at(99)}, []),
        ({"offset": "", "limit": "", "date_from": ""}, _names(1, 25)),
    ],
)
async def test_each_parameter_alone_and_together(
    server: Server, emsp: Caller, params: dict[str, str], ids: list[str]
) -> None:
    await fill(server, 25)

    answer = await emsp.get("/locations", params=params)

    assert (answer.status_code, _ids(answer)) == (1000, ids)
    if not ids:
        assert "link" not in answer.headers


@pytest.mark.requirement("PAG-02", "PAG-03", "TYP-10", "TYP-06")
async def test_adjacent_windows_hold_each_object_once(server: Server, emsp: Caller) -> None:
    moments = [f"2026-03-01T12:00:00.{ms:03}Z" for ms in (0, 1, 499, 500, 999)]
    for number, moment in enumerate(moments):
        await publish(server, f"M{number}", last_updated=moment)

    stamps = [location["last_updated"] for location in (await emsp.get("/locations")).data]
    assert len(stamps) == len(moments)
    for number, stamp in enumerate(stamps):
        since = _ids(await emsp.get("/locations", params={"date_from": stamp}))
        until = _ids(await emsp.get("/locations", params={"date_to": stamp}))
        assert since == [f"M{n}" for n in range(number, 5)]
        assert until == [f"M{n}" for n in range(number)]


@BOTH
@pytest.mark.requirement("PAG-17", "TYP-07", "TYP-09")
@pytest.mark.parametrize(
    "spelt",
    [
        "2026-03-01T00:20:00Z",
        "2026-03-01T00:20:00",
        "2026-03-01T00:20:00.000Z",
        "2026-03-01T00:20:00+00:00",
        "2026-03-01T00:20:00%2B00:00",
        "2026-03-01T01:20:00%2B01:00",
        "2026-03-01T01:20:00+01:00",
        "2026-02-28T23:20:00-01:00",
        "2026-03-01T00:20:00z",
    ],
)
async def test_a_date_may_be_spelt_in_any_unambiguous_form(server: Server, emsp: Caller, spelt: str) -> None:
    await fill(server, 25)

    answer = await emsp.get(f"/locations?date_from={spelt}")

    assert _ids(answer) == _names(20, 25)


@BOTH
@pytest.mark.requirement("PAG-15", "STS-10")
@pytest.mark.parametrize(
    "query",
    [
        "date_from=abc",
        "date_to=2026-13-01T00:00:00Z",
        "date_from=2026-03-01",
        "offset=-1",
        "offset=x",
        "offset=1.5",
        "limit=0",
        "limit=-5",
        "limit=x",
        "limit=%D9%A1",
        "limit=000",
        "date_from=0000-00-00T00:00:00Z",
        "date_to=2026-03-01T24:00:01Z",
    ],
)
async def test_a_parameter_that_cannot_be_meant_gets_no_list(server: Server, emsp: Caller, query: str) -> None:
    await fill(server, 3)

    answer = await emsp.get(f"/locations?{query}")

    assert (answer.http_status, answer.status_code, "data" in answer.body) == (200, 2001, False)
    assert not {"link", "x-total-count", "x-limit"} & set(answer.headers)


@pytest.mark.requirement("PAG-15")
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z"])
async def test_the_ends_of_time_are_moments_too(server: Server, emsp: Caller, moment: str) -> None:
    await fill(server, 3)

    since = await emsp.get("/locations", params={"date_from": moment})
    until = await emsp.get("/locations", params={"date_to": moment})

    assert sorted(_ids(since) + _ids(until)) == _names(1, 3)
    assert int(since.headers["x-total-count"]) + int(until.headers["x-total-count"]) == 3


@pytest.mark.requirement("PAG-16")
async def test_parameters_that_we_do_not_know_are_ignored(server: Server, emsp: Caller) -> None:
    await fill(server, 25)

    pages = await _crawl(emsp, limit=10, foo="1")

    assert _every(pages) == _names(1, 25)


@pytest.mark.requirement("PAG-09", "PAG-01", "PAG-06")
async def test_the_link_repeats_the_filters_and_can_be_called_as_it_is(server: Server, emsp: Caller) -> None:
    await fill(server, 25)

    pages = await _crawl(emsp, limit=4, date_from="2026-03-01T01:05:00+01:00", date_to=at(20))

    assert [_ids(page) for page in pages] == [_names(5, 8), _names(9, 12), _names(13, 16), _names(17, 19)]
    assert [page.headers["x-total-count"] for page in pages] == ["15"] * 4


@pytest.mark.requirement("PAG-05", "PAG-07", "PAG-09")
async def test_no_page_holds_more_than_the_server_grants(server: Server, emsp: Caller) -> None:
    await fill(server, 1200)

    answer = await emsp.get("/locations", params={"limit": "2000"})

    assert (len(answer.data), answer.headers["x-limit"]) == (1000, "1000")
    assert parse_qs(urlsplit(_next(answer) or "").query)["offset"] == ["1000"]
    assert (await emsp.get("/locations")).headers["x-limit"] == "50"


@pytest.mark.requirement("PAG-10")
async def test_the_link_shows_the_public_address_whatever_host_was_called(server: Server, emsp: Caller) -> None:
    await fill(server, 3)

    answer = await emsp.get("/locations?limit=1", headers={"host": "inside:8000", "x-forwarded-host": "evil.example"})

    assert (_next(answer) or "").startswith(f"{PUBLIC_URL}/ocpi/cpo/2.2.1/locations?")


@pytest.mark.requirement("PAG-12", "PAG-21", "LOC-S-01")
async def test_a_change_during_a_crawl_moves_nothing(server: Server, emsp: Caller) -> None:
    for number in range(1, 5):
        await publish(server, f"L{number}")

    first = await emsp.get("/locations?limit=2")
    await report(server, "CHARGING", "L1")
    await publish(server, "L5")
    rest = await emsp.get(_next(first) or "")
    last = await emsp.get(_next(rest) or "")

    assert [_ids(page) for page in (first, rest, last)] == [["L1", "L2"], ["L3", "L4"], ["L5"]]
    assert _ids(await emsp.get("/locations"))[0] == "L1"
    since = (await emsp.get("/locations/L1")).data["last_updated"]
    assert "L1" in _ids(await emsp.get("/locations", params={"date_from": since}))


@pytest.mark.requirement("PAG-04", "PAG-11")
async def test_deep_offsets_and_cursors_give_the_same_pages(server: Server, emsp: Caller) -> None:
    await server.add_party("NL", "OWB", "CPO")
    await fill(server, 3500)
    await fill(server, 100, owner=OWB, first=3501)
    await fill(server, 1500, first=3601)
    expected = [*_names(1, 3500), *_names(3601, 5100)]

    assert _every(await _crawl(emsp, limit=1000)) == expected
    assert await _by_offset(emsp, 5000, 1000) == expected
    for offset in (1998, 1999, 2000, 2001, 3499, 3500, 3999, 4000, 4001, 4999, 5000):
        answer = await emsp.get("/locations", params={"offset": str(offset), "limit": "3"})
        assert _ids(answer) == expected[offset : offset + 3], offset
        assert answer.headers["x-total-count"] == "5000"


@pytest.mark.requirement("PAG-04", "PAG-06", "HUB-22")
async def test_a_list_of_several_parties_is_one_list(server: Server, emsp: Caller) -> None:
    await server.add_party("NL", "OWB", "CPO")
    for first in range(1, 4200, 700):
        await fill(server, 700, owner=OWB if first % 1400 == 1 else PartyId("NL", "OWA"), first=first)
    of_all = emsp.speaking(("DE", "TNM"), ("", ""), "cpo")

    assert _every(await _crawl(of_all, limit=999)) == _names(1, 4200)
    assert await _by_offset(of_all, 4200, 999) == _names(1, 4200)


@pytest.mark.requirement("PAG-02", "PAG-03", "PAG-06")
async def test_windows_of_every_width_are_counted_right(server: Server, emsp: Caller) -> None:
    await fill(server, 6000)  # four days and four hours
    for start, end in ((1, 2), (1, 50), (700, 5300), (1440, 2880), (1439, 2881), (2880, 2881), (0, 6001), (5999, 9999)):
        expected = _names(max(start, 1), min(end, 6001) - 1)
        for limit in (1000, 7):
            answer = await emsp.get(
                "/locations", params={"date_from": at(start), "date_to": at(end), "limit": str(limit)}
            )
            assert answer.headers["x-total-count"] == str(len(expected)), (start, end)
            assert _ids(answer) == expected[:limit], (start, end)
        offset = len(expected) // 2
        answer = await emsp.get(
            "/locations", params={"date_from": at(start), "date_to": at(end), "offset": str(offset), "limit": "5"}
        )
        assert _ids(answer) == expected[offset : offset + 5], (start, end)


@pytest.mark.requirement("PAG-06", "PAG-18", "LOC-G-07")
async def test_the_total_stays_right_whatever_happens(server: Server, emsp: Caller) -> None:
    database = server.app.building.database

    async def totals() -> tuple[str, str, int]:
        every = await emsp.get("/locations?limit=1000")
        since = await emsp.get("/locations", params={"limit": "1000", "date_from": at(0)})
        assert len(every.data) == int(every.headers["x-total-count"])
        assert len(since.data) == int(since.headers["x-total-count"])
        return every.headers["x-total-count"], since.headers["x-total-count"], len(every.data)

    await fill(server, 30)
    await fill(server, 5, first=31, audience="DE*TNM")
    await fill(server, 5, first=36, audience="FR*CCC")
    await fill(server, 5, first=41, audience="-")
    assert await totals() == ("35", "35", 35)

    for change, expected in (
        ("UPDATE locations SET gone = true WHERE key IN ('L1', 'L2')", 33),
        ("UPDATE locations SET last_updated = last_updated + interval '3 days' WHERE key = 'L3'", 33),
        ("UPDATE locations SET gone = false WHERE key = 'L1'", 34),
        ("UPDATE locations SET audience = 'FR*CCC' WHERE key = 'L4'", 33),
        ("UPDATE locations SET audience = '' WHERE key = 'L36'", 34),
        ("DELETE FROM locations WHERE key = 'L5'", 33),
        ("UPDATE locations SET rev = rev + 1", 33),
    ):
        async with database.write() as tx:
            await tx.run(Statement(change))
        assert await totals() == (str(expected), str(expected), expected), change
        async with database.write() as tx:
            await fold_counts(tx)
        assert await totals() == (str(expected), str(expected), expected), change
    left = await server.rows(
        "SELECT count(*) AS n, count(DISTINCT (owner, audience, kind, bucket)) AS d FROM listing_counts"
    )
    assert left[0]["n"] == left[0]["d"]  # every bucket is one row again


@pytest.mark.requirement("PAG-12", "PAG-11")
async def test_a_cursor_counts_only_for_the_offset_it_was_made_for(server: Server, emsp: Caller) -> None:
    await fill(server, 25)
    link = _next(await emsp.get("/locations?limit=5")) or ""

    kept = await emsp.get(link.replace("offset=5", "offset=10"))
    nonsense = [await emsp.get(f"/locations?offset=5&limit=5&cursor={cursor}") for cursor in NO_CURSORS]

    assert _ids(kept) == _names(11, 15)
    assert [_ids(answer) for answer in nonsense] == [_names(6, 10)] * len(NO_CURSORS)
