"""Bounds at their exact values, on the clock of the Location."""

from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.pricing.charging import AMSTERDAM, local

from ocpi_party.pricing.exact import Unpriceable
from ocpi_party.pricing.restrictions import State, in_time, in_use


def at(text: str, elapsed: int = 0) -> State:
    return State(local(text).astimezone(ZoneInfo(AMSTERDAM)), Fraction(elapsed))


def using(**values: Any) -> State:
    return State(local("2019-06-17T12:00"), Fraction(0), **{name: Fraction(value) for name, value in values.items()})


NIGHT = {"start_time": "22:00", "end_time": "06:00"}
DAY = {"start_time": "09:00", "end_time": "17:00"}
EVENING = {"start_time": "20:00", "end_time": "00:00"}
HOLIDAY = {"start_date": "2019-12-24", "end_date": "2019-12-27"}


@pytest.mark.requirement("TAR-C-04", "TAR-C-05")
@pytest.mark.parametrize(
    ("restrictions", "time", "matches"),
    [
        (DAY, "08:59:59.999", False),
        (DAY, "09:00", True),
        (DAY, "16:59:59.999", True),
        (DAY, "17:00", False),
        (NIGHT, "21:59:59", False),
        (NIGHT, "22:00", True),
        (NIGHT, "23:00", True),
        (NIGHT, "00:00", True),
        (NIGHT, "05:00", True),
        (NIGHT, "05:59:59.999", True),
        (NIGHT, "06:00", False),
        (NIGHT, "12:00", False),
        (EVENING, "19:59", False),
        (EVENING, "20:00", True),
        (EVENING, "23:59:59.999", True),
        (EVENING, "00:00", False),
        ({"start_time": "20:00", "end_time": "24:00"}, "23:59:59", True),
        ({"start_time": "20:00", "end_time": "24:00"}, "00:00", False),
        ({"start_time": "00:00", "end_time": "00:00"}, "12:00", True),
        ({"start_time": "20:00"}, "23:59", True),
        ({"start_time": "20:00"}, "00:00", False),
        ({"end_time": "06:00"}, "00:00", True),
        ({"end_time": "06:00"}, "06:00", False),
        ({"end_time": "00:00"}, "23:00", True),
    ],
)
def test_time_of_day(restrictions: dict[str, str], time: str, matches: bool) -> None:
    assert in_time(restrictions, at(f"2019-06-17T{time}")) is matches


@pytest.mark.requirement("TAR-C-04")
@pytest.mark.parametrize(
    ("time", "matches"),
    [
        ("2019-12-23T23:59:59", False),
        ("2019-12-24T00:00", True),
        ("2019-12-26T23:59:59", True),
        ("2019-12-27T00:00", False),
    ],
)
def test_dates(time: str, matches: bool) -> None:
    assert in_time(HOLIDAY, at(time)) is matches


@pytest.mark.requirement("TAR-C-03", "TAR-C-06")
def test_days_are_those_of_the_location() -> None:
    sunday_evening_in_utc = at("2019-06-17T00:30")  # 22:30 UTC on Sunday

    assert in_time({"day_of_week": ["MONDAY"]}, sunday_evening_in_utc)
    assert not in_time({"day_of_week": ["SUNDAY"]}, sunday_evening_in_utc)
    assert in_time({"day_of_week": []}, sunday_evening_in_utc)
    assert not in_time({"day_of_week": ["MONDAY"], "start_time": "01:00"}, sunday_evening_in_utc)


@pytest.mark.requirement("TAR-C-04")
@pytest.mark.parametrize(("elapsed", "matches"), [(1799, False), (1800, True), (3599, True), (3600, False)])
def test_duration(elapsed: int, matches: bool) -> None:
    assert in_time({"min_duration": 1800, "max_duration": 3600}, at("2019-06-17T12:00", elapsed)) is matches


@pytest.mark.requirement("TAR-C-04")
@pytest.mark.parametrize("what", ["kwh", "current", "power"])
@pytest.mark.parametrize(("value", "matches"), [("19.999", False), ("20", True), ("31.999", True), ("32", False)])
def test_use(what: str, value: str, matches: bool) -> None:
    assert in_use({f"min_{what}": 20, f"max_{what}": 32}, using(**{what: value})) is matches


@pytest.mark.requirement("TAR-C-04")
def test_unknown_current_matches_no_bound() -> None:
    assert not in_use({"max_current": 32}, using(kwh=1))
    assert not in_use({"min_current": 0}, using(kwh=1))


def test_a_time_of_day_that_is_none_cannot_be_priced() -> None:
    with pytest.raises(Unpriceable, match="25:00"):
        in_time({"start_time": "25:00"}, at("2019-06-17T12:00"))
