"""Rounding, in one step and at the end."""

from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal
from fractions import Fraction

import pytest

from ocpi_party.pricing.amounts import Amount, Rounding
from ocpi_party.pricing.exact import exact, moment, rounded


@pytest.mark.requirement("TAR-C-13")
@pytest.mark.parametrize(
    ("currency", "rounding", "expected"),
    [
        ("EUR", None, "12.13"),
        ("jpy", None, "12"),
        ("KWD", None, "12.125"),
        ("EUR", Rounding(mode=ROUND_HALF_EVEN), "12.12"),
        ("EUR", Rounding(places=1), "12.1"),
        ("EUR", Rounding(places=1, mode=ROUND_UP), "12.2"),
    ],
)
def test_amounts_are_rounded_half_up_to_the_minor_unit_unless_told_otherwise(
    currency: str, rounding: Rounding | None, expected: str
) -> None:
    price = Amount(exact(Decimal("12.125")), exact(Decimal("12.125"))).rounded(currency, rounding)

    assert {name: str(value) for name, value in price.items()} == {"excl_vat": expected, "incl_vat": expected}


@pytest.mark.requirement("TAR-C-13")
def test_a_half_is_a_half_only_if_it_is_one() -> None:
    assert str(rounded(Fraction(125, 1000), 2)) == "0.13"
    assert str(rounded(Fraction(125, 1000) - Fraction(1, 10**40), 2)) == "0.12"
    assert str(rounded(Fraction(-1, 10**6), 2)) == "0.00"


def test_a_float_is_the_number_that_was_written() -> None:
    assert exact(0.1) == Fraction(1, 10)


def test_times_are_read_as_partners_write_them() -> None:
    noon = moment("2019-06-17T12:00:00Z")

    assert moment("2019-06-17T14:00:00+02:00") == noon
    assert moment("2019-06-17T12:00:00.000") == noon
    assert moment("1970-1-1T00:00:00Z").timestamp() == 0
