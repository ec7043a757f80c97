"""Where a CPO begins a new charging period."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.pricing.charging import AMSTERDAM, Document, a_component, a_tariff, an_element, costs, example, local, price

from ocpi_party.pricing.boundaries import boundaries

ENERGY = a_component("ENERGY", "0.25")
DEAR = a_component("ENERGY", "0.50")


def found(tariff: Document, start: str, end: str, time_zone: str = AMSTERDAM, **more: Any) -> list[str]:
    moments = boundaries(tariff, local(start, time_zone), local(end, time_zone), time_zone, **more)
    return [f"{moment:%d %H:%M}" for moment in moments]


@pytest.mark.requirement("TAR-C-15", "CDR-R-15")
def test_boundaries_of_the_examples() -> None:
    step_size = found(example("tariff_14_step_size"), "2019-06-17T16:55", "2019-06-18T01:00")
    weekday = found(example("tariff_4_complex"), "2019-06-17T08:00", "2019-06-17T19:00")
    weekend = found(example("tariff_4_complex"), "2019-06-21T20:00", "2019-06-24T08:00")
    duration = found(example("tariffrestriction_example_max_duration"), "2019-06-17T09:30", "2019-06-17T19:00")
    power = found(example("tariffrestriction_example_max_power"), "2019-06-17T09:30", "2019-06-17T19:00")

    assert step_size == ["17 15:00", "17 18:00", "17 22:00"]
    assert weekday == ["17 07:00", "17 16:00"]
    assert weekend == ["21 22:00", "22 08:00", "22 15:00", "23 22:00"]
    assert duration == ["17 08:00", "17 08:30"]
    assert power == []


@pytest.mark.requirement("TAR-C-15")
def test_start_and_end_are_no_boundaries() -> None:
    tariff = example("tariff_14_step_size")

    assert found(tariff, "2019-06-17T17:00", "2019-06-17T20:00") == []


@pytest.mark.requirement("TAR-C-15")
def test_a_change_of_what_is_hidden_is_no_boundary() -> None:
    tariff = a_tariff(an_element(ENERGY), an_element(DEAR, start_time="17:00"))

    assert found(tariff, "2019-06-17T16:00", "2019-06-17T18:00") == []


@pytest.mark.requirement("TAR-C-15")
def test_durations_count_from_the_start_of_the_session() -> None:
    tariff = a_tariff(an_element(DEAR, min_duration=7200), an_element(ENERGY))

    moments = found(tariff, "2019-06-17T16:00", "2019-06-17T18:00", session_start=local("2019-06-17T15:00"))

    assert moments == ["17 15:00"]


@pytest.mark.requirement("TAR-C-15")
def test_reservation_elements_make_no_boundary_in_a_session() -> None:
    tariff = a_tariff(an_element(a_component("TIME", "1"), reservation="RESERVATION", start_time="17:00"))

    assert found(tariff, "2019-06-17T16:00", "2019-06-17T18:00") == []


@pytest.mark.requirement("TAR-C-06")
def test_the_same_tariff_in_two_time_zones() -> None:
    tariff = a_tariff(an_element(DEAR, start_time="17:00"), an_element(ENERGY))

    assert found(tariff, "2019-06-17T16:00", "2019-06-17T18:00", AMSTERDAM) == ["17 15:00"]
    assert found(tariff, "2019-06-17T16:00", "2019-06-17T18:00", "Europe/Helsinki") == ["17 14:00"]


NIGHT = a_tariff(an_element(ENERGY, start_time="22:00", end_time="06:00"), an_element(DEAR))


@pytest.mark.requirement("TAR-C-05", "TAR-C-06")
@pytest.mark.parametrize(
    ("start", "end", "moments", "cheap"),
    [
        (
            "2026-03-28T21:00",
            "2026-03-29T07:00",
            ["28 21:00", "29 04:00"],
            7,
        ),  # the last Sunday of March: 02:00 is 03:00
        ("2026-10-24T21:00", "2026-10-25T07:00", ["24 20:00", "25 05:00"], 9),  # the last Sunday of October
        ("2026-06-20T21:00", "2026-06-21T07:00", ["20 20:00", "21 04:00"], 8),
    ],
)
def test_a_night_of_seven_eight_and_nine_hours(start: str, end: str, moments: list[str], cheap: int) -> None:
    tariff = a_tariff(
        an_element(a_component("TIME", "1"), start_time="22:00", end_time="06:00"),
        an_element(a_component("TIME", "10")),
    )
    minutes = int((local(end) - local(start)).total_seconds()) // 60

    assert found(NIGHT, start, end) == moments
    assert costs(price(tariff, {"minutes": minutes}, at=start)) == (Decimal(cheap + 20), None)


@pytest.mark.requirement("TAR-C-05", "TAR-C-06")
def test_a_time_that_does_not_exist_begins_when_the_clock_is_set() -> None:
    tariff = a_tariff(an_element(DEAR, start_time="02:30", end_time="04:00"), an_element(ENERGY))

    assert found(tariff, "2026-03-29T00:00", "2026-03-29T06:00") == ["29 01:00", "29 02:00"]


@pytest.mark.requirement("TAR-C-05", "TAR-C-06")
def test_a_time_that_comes_twice_counts_twice() -> None:
    tariff = a_tariff(an_element(DEAR, start_time="02:30", end_time="04:00"), an_element(ENERGY))

    # 02:30 summer time, the clock is set back to 02:00, 02:30 winter time, 04:00.
    assert found(tariff, "2026-10-25T00:00", "2026-10-25T06:00") == ["25 00:30", "25 01:00", "25 01:30", "25 03:00"]


def test_boundaries_are_in_utc() -> None:
    moments = boundaries(NIGHT, local("2026-06-20T21:00"), local("2026-06-20T23:00"), AMSTERDAM)

    assert moments == [datetime.fromisoformat("2026-06-20T20:00:00+00:00")]
