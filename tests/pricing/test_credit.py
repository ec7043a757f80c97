"""Taking back a CDR, and what remains."""

from decimal import Decimal
from typing import Any

import pytest
from tests.pricing.charging import MONDAY, Document, example, local

from ocpi_party.pricing.credit import NotCreditable, credit
from ocpi_party.pricing.net import Net, net

D = Decimal
LATER = local(MONDAY)


def a_cdr(cdr_id: str = "1", excl_vat: str = "4.00", **changes: Any) -> Document:
    cost = {"excl_vat": D(excl_vat), "incl_vat": D(excl_vat) * D("1.1")}
    return example("cdr_example") | {"id": cdr_id, "session_id": "S1", "total_cost": cost} | changes


def only(cdrs: list[Document]) -> tuple[object, ...]:
    (result,) = net(cdrs)
    return result.price["excl_vat"], result.counted, result.flags


@pytest.mark.requirement("CDR-R-09")
def test_a_credit_cdr_is_the_original_but_for_five_fields() -> None:
    original = example("cdr_example")

    credited = credit(original, "12345-C", LATER)

    assert credited == original | {
        "id": "12345-C",
        "credit": True,
        "credit_reference_id": "12345",
        "total_cost": {"excl_vat": D("-4.0"), "incl_vat": D("-4.4")},
        "last_updated": "2019-06-17T07:30:00.000Z",
    }
    assert original == example("cdr_example")
    assert credited["charging_periods"][0] is not original["charging_periods"][0]


@pytest.mark.requirement("CDR-R-09")
def test_nothing_is_credited_without_a_sign() -> None:
    credited = credit(a_cdr(total_cost={"excl_vat": D("0.00"), "incl_vat": 0}), "1-C", LATER)

    assert str(credited["total_cost"]["excl_vat"]) == "0.00"


@pytest.mark.requirement("CDR-R-09")
def test_a_credit_cdr_is_not_credited() -> None:
    with pytest.raises(NotCreditable, match="1-C"):
        credit(credit(a_cdr(), "1-C", LATER), "1-C-C", LATER)


@pytest.mark.requirement("CDR-R-11", "CDR-R-12")
def test_original_credit_and_corrected_are_the_corrected() -> None:
    original, corrected = a_cdr(), a_cdr("2", "3.00")
    credited = credit(original, "1-C", LATER)

    assert only([original]) == (4, ("1",), ())
    assert only([original, credited]) == (0, ("1", "1-C"), ())
    assert only([original, credited, corrected]) == (3, ("1", "1-C", "2"), ())
    assert only([corrected, credited, original]) == (3, ("2", "1", "1-C"), ())
    assert net([original, credited])[0].price == {"excl_vat": 0, "incl_vat": 0}


@pytest.mark.requirement("CDR-R-11")
def test_nothing_counts_twice() -> None:
    original = a_cdr()
    credited = credit(original, "1-C", LATER)
    again = credit(original, "1-D", LATER)

    assert only([original, original, a_cdr()]) == (4, ("1",), ())
    assert only([original, credited, credited, original]) == (0, ("1", "1-C"), ())
    assert only([original, credited, again]) == (0, ("1", "1-C"), ("1-D credits 1, which was credited before",))


@pytest.mark.requirement("CDR-R-11")
def test_a_credit_without_original_is_flagged_and_not_counted() -> None:
    unmatched = credit(a_cdr("9"), "9-C", LATER)
    of_another_party = credit(a_cdr(country_code="NL"), "1-C", LATER)

    assert only([a_cdr(), unmatched]) == (4, ("1",), ("9-C credits 9, which is no CDR that we have",))
    assert [(each.country_code, int(each.amount.excl_vat)) for each in net([a_cdr(), of_another_party])] == [
        ("BE", 4),
        ("NL", 0),
    ]


@pytest.mark.requirement("CDR-R-09")
def test_what_credits_a_credit_cdr_is_flagged_as_that() -> None:
    credited = credit(a_cdr(), "1-C", LATER)
    twice = credited | {"id": "1-C-C", "credit_reference_id": "1-C"}

    flag = "1-C-C credits 1-C, which is a Credit CDR itself: not counted"
    assert only([a_cdr(), credited, twice]) == (0, ("1", "1-C"), (flag,))


@pytest.mark.requirement("CDR-R-12")
def test_of_two_cdrs_that_nobody_credited_the_newest_counts() -> None:
    old, new = a_cdr("1"), a_cdr("2", "3.00", last_updated="2015-07-01T00:00:00Z")

    assert only([new, old]) == (3, ("2",), ("1 not credited although 2 is for the same session: not counted",))


@pytest.mark.requirement("CDR-R-13")
def test_a_credit_of_another_amount_is_flagged_and_counts_as_told() -> None:
    part = credit(a_cdr(), "1-C", LATER) | {"total_cost": {"excl_vat": D("-1.00"), "incl_vat": D("-1.10")}}

    assert only([a_cdr(), part]) == (3, ("1", "1-C"), ("1-C credits another amount than 1 has",))


@pytest.mark.requirement("CDR-R-13")
def test_a_credit_that_forgot_the_sign_takes_back_all_the_same() -> None:
    positive = credit(a_cdr(), "1-C", LATER) | {"total_cost": a_cdr()["total_cost"]}

    assert only([a_cdr(), positive])[:2] == (0, ("1", "1-C"))


@pytest.mark.requirement("CDR-R-09", "CDR-R-11")
def test_a_credit_in_another_currency_is_flagged_and_not_counted() -> None:
    credited = credit(a_cdr(), "1-C", LATER) | {"currency": "SEK"}

    assert only([a_cdr(), credited]) == (4, ("1",), ("1-C is in SEK, but credits 1 in EUR: not counted",))


@pytest.mark.requirement("CDR-R-12")
def test_amounts_of_two_currencies_are_not_added() -> None:
    corrected = a_cdr("2", "30.00", currency="SEK")

    amounts = net([a_cdr(), credit(a_cdr(), "1-C", LATER), corrected])

    assert [(one.currency, int(one.amount.excl_vat), one.counted, one.flags) for one in amounts] == [
        ("EUR", 0, ("1", "1-C"), ()),
        ("SEK", 30, ("2",), ()),
    ]


def test_each_session_has_its_own_amount_and_cdrs_without_session_have_theirs() -> None:
    without = a_cdr("3", "1.00", session_id=None)
    cdrs = [
        a_cdr(),
        a_cdr("2", "3.00", session_id="s1"),
        a_cdr("4", session_id="S2"),
        without,
        credit(without, "3-C", LATER),
    ]

    def told(result: Net) -> tuple[str | None, int]:
        return result.session_id, int(result.amount.excl_vat)

    assert [told(result) for result in net(cdrs)] == [("S1", 4), ("S2", 4), (None, 0)]
