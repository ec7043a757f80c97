"""What must hold for any session."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pricing.charging import AMSTERDAM, Document, a_component, a_period, a_tariff, an_element, example, local

from ocpi_party.pricing.boundaries import boundaries
from ocpi_party.pricing.credit import credit
from ocpi_party.pricing.exact import decimal
from ocpi_party.pricing.net import net
from ocpi_party.pricing.session import price_session

STEPS = st.sampled_from([0, 1, 60, 300, 500, 900])
PRICES = st.decimals("0", "9.99", places=2)
COMPONENTS = st.builds(
    lambda dimension, price, step_size, vat: a_component(dimension, str(price), step_size, **vat),
    st.sampled_from(["FLAT", "ENERGY", "TIME", "PARKING_TIME"]),
    PRICES,
    STEPS,
    st.sampled_from([{}, {"vat": 0}, {"vat": Decimal("5.2")}, {"vat": 20}]),
)
RESTRICTIONS = st.fixed_dictionaries(
    {},
    optional={
        "start_time": st.sampled_from(["00:00", "02:30", "09:00", "17:00", "22:00"]),
        "end_time": st.sampled_from(["00:00", "02:15", "06:00", "17:00", "20:00"]),
        "day_of_week": st.lists(st.sampled_from(["SATURDAY", "SUNDAY", "MONDAY"]), max_size=2),
        "min_duration": st.sampled_from([600, 3600, 7200]),
        "max_duration": st.sampled_from([1800, 3600]),
    },
)
BY_KWH = st.fixed_dictionaries({}, optional={"min_kwh": st.integers(1, 20), "max_kwh": st.integers(1, 20)})
ELEMENTS = st.builds(
    lambda components, when, kwh: an_element(*components, **when, **kwh),
    st.lists(COMPONENTS, min_size=1, max_size=3),
    RESTRICTIONS,
    BY_KWH,
)
TARIFFS = st.builds(lambda elements: a_tariff(*elements), st.lists(ELEMENTS, min_size=1, max_size=4))
STARTS = st.sampled_from([local("2026-03-28T23:10"), local("2026-10-25T00:05"), local("2026-06-20T16:40")])
PARTS = st.lists(
    st.tuples(st.sampled_from(["minutes", "parked"]), st.integers(1, 300), st.decimals("0", "40", places=3)),
    min_size=1,
    max_size=4,
)


def total(tariff: Document, periods: list[Document], end: Any) -> Any:
    return price_session([tariff], periods, end, AMSTERDAM).total_cost


def periods_of(tariff: Document, parts: list[tuple[str, int, Decimal]], start: Any, cut: Fraction) -> Any:
    """Each part as one charging period, or as two, of which the first has this share of everything."""
    periods = []
    for kind, minutes, kwh in parts:
        for share in (cut, 1 - cut) if cut else (Fraction(1),):
            volumes = {kind: share * minutes, "kwh": decimal(share * Fraction(kwh))}
            periods.append(a_period(start, tariff, **volumes))
            start += timedelta(minutes=minutes) * share.numerator / share.denominator
    return periods, start


@pytest.mark.requirement("TAR-C-13", "TAR-C-15")
@given(TARIFFS, PARTS, STARTS, st.sampled_from([Fraction(1, 2), Fraction(1, 4), Fraction(7, 8)]))
def test_an_in_between_charging_period_does_not_change_the_price(
    tariff: Document, parts: list[tuple[str, int, Decimal]], start: Any, cut: Fraction
) -> None:
    whole = periods_of(tariff, parts, start, Fraction(0))
    halves = periods_of(tariff, parts, start, cut)

    assert total(tariff, *whole) == total(tariff, *halves)


@pytest.mark.requirement("TAR-C-15", "CDR-R-15")
@given(TARIFFS, st.integers(1, 1500), STARTS)
def test_periods_that_begin_at_the_boundaries_leave_nothing_to_guess_in_time(
    tariff: Document, minutes: int, start: Any
) -> None:
    end = start + timedelta(minutes=minutes)
    cuts = [start, *boundaries(tariff, start, end, AMSTERDAM), end]
    pairs = list(pairwise(cuts))
    periods = [
        a_period(begin, tariff, minutes=Fraction(int((till - begin).total_seconds()), 60)) for begin, till in pairs
    ]

    priced = price_session([tariff], periods, end, AMSTERDAM)

    assert not priced.estimated
    assert priced.total_cost == total(tariff, [a_period(start, tariff, minutes=minutes)], end)


@pytest.mark.requirement("TAR-C-13")
@given(TARIFFS, PARTS, STARTS)
def test_the_price_does_not_depend_on_how_a_number_is_written(
    tariff: Document, parts: list[tuple[str, int, Decimal]], start: Any
) -> None:
    periods, end = periods_of(tariff, parts, start, Fraction(0))

    assert total(tariff, periods, end) == total(rewritten(tariff), rewritten(periods), end)


def rewritten(document: Any) -> Any:
    """1.50 for 1.5, and 2E+1 for 20."""
    if isinstance(document, dict):
        return {name: rewritten(value) for name, value in document.items()}
    if isinstance(document, list):
        return [rewritten(value) for value in document]
    if isinstance(document, Decimal):
        shorter = document.normalize()
        return shorter if shorter.as_tuple() != document.as_tuple() else Decimal(f"{document:f}")
    return Decimal(document).normalize() if isinstance(document, int) else document


@pytest.mark.requirement("CDR-R-09", "CDR-R-11")
@given(st.decimals("-999999", "999999", places=4), st.decimals("-999999", "999999", places=2) | st.none())
def test_a_cdr_and_its_credit_are_nothing(excl_vat: Decimal, incl_vat: Decimal | None) -> None:
    cost = {"excl_vat": excl_vat} | ({} if incl_vat is None else {"incl_vat": incl_vat})
    cdr = example("cdr_example") | {"total_cost": cost}

    (result,) = net([cdr, credit(cdr, "12345-C", local("2026-06-20T16:40"))])

    assert set(result.price.values()) == {0}
    assert result.flags == ()


@pytest.mark.requirement("TAR-C-10")
@given(TARIFFS, PARTS, STARTS)
def test_the_lines_add_up_to_the_total(tariff: Document, parts: list[tuple[str, int, Decimal]], start: Any) -> None:
    periods, end = periods_of(tariff, parts, start, Fraction(0))
    limited = tariff | {"min_price": {"excl_vat": 3, "incl_vat": 4}, "max_price": {"excl_vat": 5, "incl_vat": 6}}

    priced = price_session([limited], periods, end, AMSTERDAM)

    assert sum(line.cost.excl_vat for line in priced.lines) == priced.total_cost.excl_vat
    assert 3 <= priced.total_cost.excl_vat <= 5
    assert priced.total_cost.incl_vat is None or 4 <= priced.total_cost.incl_vat <= 6
