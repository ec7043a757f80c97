"""Hours of Locations: local time and UTC, exceptions before the regular, and the forms seen in the field."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ocpi_party.ocpi.opening_hours import is_open

EXAMPLES = Path(__file__).parents[1] / "examples" / "2.2.1"
AMSTERDAM = "Europe/Amsterdam"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def example(name: str) -> Any:
    found = json.loads((EXAMPLES / name).read_text())
    return found.get("opening_times", found)


def daily(begin: str, end: str, *weekdays: int) -> dict[str, Any]:
    hours = [{"weekday": day, "period_begin": begin, "period_end": end} for day in weekdays or range(1, 8)]
    return {"twentyfourseven": False, "regular_hours": hours}


@pytest.mark.requirement("LOC-G-14")
@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("location_hours_247_open_exception_closing.json", "exceptional_closings", False),
        ("location_hours_opening_hours_with_exceptional_closing.json", "exceptional_closings", False),
        ("location_hours_opening_hours_with_exceptional_opening.json", "exceptional_openings", True),
    ],
)
def test_exceptions_of_the_official_examples_win(name: str, field: str, expected: bool) -> None:
    hours = example(name)
    exception = hours[field][0]["period_begin"]

    assert is_open(hours, AMSTERDAM, at(exception)) is expected


@pytest.mark.requirement("LOC-G-14")
def test_a_closing_wins_over_an_opening_and_this_over_the_regular_hours() -> None:
    hours = daily("08:00", "20:00") | {
        "exceptional_openings": [{"period_begin": "2026-06-01T20:00:00Z", "period_end": "2026-06-01T23:00:00Z"}],
        "exceptional_closings": [{"period_begin": "2026-06-01T21:00:00Z", "period_end": "2026-06-01T22:00:00Z"}],
    }

    seen = [is_open(hours, "UTC", at(f"2026-06-01T{hour}:30:00+00:00")) for hour in ("19", "20", "21", "22", "23")]

    assert seen == [True, True, False, True, False]


@pytest.mark.requirement("LOC-G-13")
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-28T07:30:00+00:00", True),  # Saturday 08:30 in winter
        ("2026-03-29T06:30:00+00:00", True),  # Sunday 08:30 on the day the clocks go forward
        ("2026-03-28T06:30:00+00:00", False),
        ("2026-10-24T06:30:00+00:00", True),  # Saturday 08:30 in summer
        ("2026-10-25T06:30:00+00:00", False),  # Sunday 07:30, the clocks went back
    ],
)
def test_regular_hours_are_local_time(moment: str, expected: bool) -> None:
    assert is_open(daily("08:00", "20:00"), AMSTERDAM, at(moment)) is expected


@pytest.mark.parametrize(
    ("begin", "end", "moment", "expected"),
    [
        ("08:00", "23:59", "2026-06-01T23:59:30+00:00", True),
        ("08:00", "24:00", "2026-06-01T23:59:30+00:00", True),
        ("08:00", "00:00", "2026-06-01T23:59:30+00:00", True),
        ("22:00", "06:00", "2026-06-01T05:59:00+00:00", True),
        ("22:00", "06:00", "2026-06-01T06:00:00+00:00", False),
        ("nonsense", "06:00", "2026-06-01T05:00:00+00:00", None),
    ],
)
def test_forms_of_the_field_are_understood(begin: str, end: str, moment: str, expected: bool | None) -> None:
    assert is_open(daily(begin, end), "UTC", at(moment)) is expected


def test_nothing_said_is_unknown() -> None:
    assert is_open(None, "UTC", at("2026-06-01T12:00:00+00:00")) is None
    assert is_open({"twentyfourseven": False}, "UTC", at("2026-06-01T12:00:00+00:00")) is None
