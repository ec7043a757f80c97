"""What a calculation cannot know, it says."""

from datetime import timedelta
from typing import Any

import pytest
from tests.pricing.charging import (
    AMSTERDAM,
    MONDAY,
    Document,
    a_component,
    a_period,
    a_tariff,
    an_element,
    costs,
    local,
    price,
)

from ocpi_party.pricing.session import price_session

START = local(MONDAY)
ENERGY = a_component("ENERGY", "1", vat=20)


def notes(tariffs: list[Document], **volumes: Any) -> tuple[str, ...]:
    """Of one charging period of an hour that names no tariff."""
    return price_session(tariffs, [a_period(START, **volumes)], START + timedelta(hours=1), AMSTERDAM).notes


@pytest.mark.requirement("TAR-C-14")
def test_that_a_tariff_was_taken_of_several_is_said() -> None:
    tariffs = [a_tariff(an_element(ENERGY), id=name) for name in ("A", "B")]

    assert notes(tariffs, kwh=1) == ("No charging period names its tariff: A was taken of A, B.",)
    assert notes(tariffs[:1], kwh=1) == ()
    assert notes([tariffs[0], tariffs[1] | {"type": "AD_HOC_PAYMENT"}], kwh=1) == ()


def test_that_a_tariff_is_there_in_two_versions_is_said() -> None:
    one, other = a_tariff(an_element(ENERGY)), a_tariff(an_element(a_component("ENERGY", "5")))
    periods = [a_period(START, one, kwh=1)]

    twice = price_session([one, other], periods, START + timedelta(hours=1), AMSTERDAM)
    same = price_session([one, one], periods, START + timedelta(hours=1), AMSTERDAM)

    assert twice.notes == ("Tariff T1 is there more than once, and not the same: the first was taken.",)
    assert same.notes == ()


@pytest.mark.requirement("TAR-C-04")
def test_that_current_or_power_is_not_known_is_said() -> None:
    by_current = a_tariff(an_element(ENERGY, min_current=16))
    by_power = a_tariff(an_element(a_component("TIME", "1"), max_power=11), an_element(ENERGY))
    words = "Charging period 1 tells no {}: elements of tariff T1 that ask for it are out."

    assert notes([by_current], kwh=1) == (words.format("current"),)
    assert notes([by_current], kwh=1, MAX_CURRENT=32) == ()
    assert notes([by_power], minutes=60) == (words.format("power"),)
    assert notes([by_power], minutes=60, kwh=5) == ()
    assert notes([by_power], parked=60) == ()


def test_what_holds_for_many_charging_periods_is_said_once() -> None:
    tariff = a_tariff(an_element(ENERGY, min_current=16), an_element(ENERGY))

    priced = price(tariff, {"kwh": 1, "MAX_CURRENT": 32}, {"kwh": 1}, {"kwh": 1}, {"kwh": 1})

    words = "Charging period 2 (and 2 more) tells no current: elements of tariff T1 that ask for it are out."
    assert priced.notes == (words,)


def test_that_no_period_tells_a_time_is_said() -> None:
    tariff = a_tariff(an_element(ENERGY, a_component("TIME", "2")))

    assert notes([tariff], kwh=1) == (
        "No charging period tells TIME or PARKING_TIME, which tariff T1 prices: time costs nothing.",
    )
    assert notes([tariff], kwh=1, minutes=60) == ()


@pytest.mark.requirement("TAR-C-10")
@pytest.mark.parametrize(("limit", "kwh"), [("min_price", 1), ("max_price", 10)])
def test_that_a_limit_tells_no_vat_is_said(limit: str, kwh: int) -> None:
    tariff = a_tariff(an_element(ENERGY), **{limit: {"excl_vat": 5}})
    without_vat = a_tariff(an_element(a_component("ENERGY", "1")), **{limit: {"excl_vat": 5}})

    limited = price(tariff, {"kwh": kwh})

    assert costs(limited)[0] == 5
    assert limited.notes == (f"{limit} of tariff T1 tells no incl_vat: VAT was taken at the rate of what it limits.",)
    assert price(tariff, {"kwh": 5}).notes == ()
    assert price(without_vat, {"kwh": kwh}).notes == ()
