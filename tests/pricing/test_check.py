"""What an eMSP is told about a CDR that it received."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.pricing.charging import (
    AMSTERDAM,
    MONDAY,
    SATURDAY,
    Document,
    a_component,
    a_tariff,
    an_element,
    example,
    laid_out,
    local,
)

from ocpi_party.pricing.check import check_cdr
from ocpi_party.pricing.cost_fields import cost_fields
from ocpi_party.pricing.credit import credit
from ocpi_party.pricing.session import price_session

D = Decimal
TARIFF = a_tariff(
    an_element(a_component("FLAT", "0.5", vat=20), a_component("ENERGY", "0.25", vat=10)),
    an_element(a_component("PARKING_TIME", "2", 900, vat=20)),
)
PARTS = [{"kwh": 20, "minutes": 60}, {"parked": 40}]


def a_cdr(tariff: Document = TARIFF, parts: list[Document] = PARTS, at: str = MONDAY, **changes: Any) -> Document:
    periods, end = laid_out(tariff, parts, local(at))
    priced = price_session([tariff], periods, end, AMSTERDAM)
    times = {"start_date_time": periods[0]["start_date_time"], "end_date_time": end.isoformat()}
    head = {"country_code": "NL", "party_id": "TNM", "id": "C1", "tariffs": [tariff], "charging_periods": periods}
    return head | times | cost_fields(priced) | changes


def without_parts(cdr: Document) -> Document:
    return {name: value for name, value in cdr.items() if not name.endswith("_cost") or name == "total_cost"}


def fields(cdr: Document, **more: Any) -> list[str]:
    return [difference.field for difference in check_cdr(cdr, **more)]


@pytest.mark.requirement("CDR-R-26", "TAR-C-07")
def test_vector_20_the_cdr_of_the_specification_is_right() -> None:
    assert check_cdr(example("cdr_example")) == []


@pytest.mark.requirement("CDR-R-26")
def test_a_cdr_of_our_own_has_no_differences() -> None:
    assert check_cdr(a_cdr()) == []


@pytest.mark.requirement("CDR-R-26")
def test_the_saturday_of_the_specification_is_reported_with_the_reason() -> None:
    parts: list[Document] = [{"minutes": 114, "MIN_CURRENT": 43}, {"parked": 71}]
    told = {"excl_vat": D("12.28"), "incl_vat": D("13.861")}

    found = check_cdr(a_cdr(example("tariff_4_complex"), parts, at=SATURDAY, total_cost=told), AMSTERDAM)

    assert [(each.field, each.told, each.computed) for each in found] == [
        ("total_cost/excl_vat", D("12.28"), D("12.375")),
        ("total_cost/incl_vat", D("13.861"), D("13.975")),
    ]
    assert "Charging time: 114 min at 1.25 per hour, 20 % VAT, element 4 of tariff 14: 2.375" in found[0].words


@pytest.mark.requirement("CDR-R-26")
@pytest.mark.parametrize(
    ("excl_vat", "reported"),
    [("5.01", []), ("5.0101", ["total_energy_cost/excl_vat"]), ("4.99", []), ("4.98", ["total_energy_cost/excl_vat"])],
)
def test_a_cent_per_component_is_tolerated(excl_vat: str, reported: list[str]) -> None:
    assert fields(a_cdr(total_energy_cost={"excl_vat": D(excl_vat)})) == reported


@pytest.mark.requirement("CDR-R-26")
@pytest.mark.parametrize(("incl_vat", "reported"), [("1.28", []), ("1.29", ["total_cost/incl_vat"])])
def test_vat_of_an_amount_that_was_rounded_before_is_tolerated(incl_vat: str, reported: list[str]) -> None:
    tariff = a_tariff(an_element(a_component("ENERGY", "0.25", vat=25)))
    cdr = a_cdr(tariff, [{"kwh": "4.06"}], total_cost={"excl_vat": D("1.02"), "incl_vat": D(incl_vat)})

    assert cdr["total_energy_cost"] == {"excl_vat": D("1.015"), "incl_vat": D("1.2688")}
    assert fields(without_parts(cdr)) == reported


@pytest.mark.requirement("CDR-R-26")
def test_the_total_may_be_off_by_a_cent_for_each_of_its_components() -> None:
    assert fields(without_parts(a_cdr(total_cost={"excl_vat": D("7.03")}))) == []
    assert fields(without_parts(a_cdr(total_cost={"excl_vat": D("7.04")}))) == ["total_cost/excl_vat"]


@pytest.mark.requirement("CDR-R-26")
@pytest.mark.parametrize(
    ("total", "reported"),
    [
        ({"excl_vat": D("7.02")}, []),
        ({"excl_vat": D("7.03")}, ["total_cost/excl_vat"]),
        ({"excl_vat": D("7"), "incl_vat": D("7.93")}, ["total_cost/incl_vat"]),
    ],
)
def test_a_total_is_the_sum_of_its_parts_but_for_their_rounding(total: Document, reported: list[str]) -> None:
    cdr = a_cdr(total_cost=total)

    found = check_cdr(cdr)

    assert cdr["total_energy_cost"] == {"excl_vat": D(5), "incl_vat": D("5.5")}
    assert [each.field for each in found] == reported
    assert all("the sum of total_fixed_cost, total_energy_cost" in each.words for each in found)


@pytest.mark.requirement("CDR-R-26", "TAR-C-07")
def test_a_total_that_a_maximum_price_sets_may_be_off_by_one_cent_only() -> None:
    tariff = {**TARIFF, "max_price": {"excl_vat": D(6), "incl_vat": D(7)}}

    assert fields(a_cdr(tariff, total_cost={"excl_vat": D("6.01"), "incl_vat": D("7.01")})) == []
    assert fields(a_cdr(tariff, total_cost={"excl_vat": D("6.02"), "incl_vat": D("7.01")})) == ["total_cost/excl_vat"]
    assert fields(a_cdr(tariff, total_cost={"excl_vat": D("6.01"), "incl_vat": D("7.02")})) == ["total_cost/incl_vat"]


@pytest.mark.requirement("CDR-R-20")
@pytest.mark.parametrize(
    ("changes", "reported"),
    [
        ({"total_energy": 21}, ["total_energy"]),
        ({"total_time": 3}, ["total_time", "total_time"]),
        ({"total_parking_time": D("0.5")}, ["total_parking_time"]),
        ({"total_parking_time": 2}, ["total_parking_time", "total_parking_time"]),
        ({"end_date_time": "2019-06-17T01:00:00Z"}, ["end_date_time"]),
    ],
)
def test_totals_that_contradict_each_other(changes: Document, reported: list[str]) -> None:
    assert fields(a_cdr(**changes)) == reported


@pytest.mark.requirement("CDR-R-20")
@pytest.mark.parametrize(
    ("changes", "reported"),
    [
        ({}, []),
        ({"total_parking_time": D("0.2")}, []),
        ({"total_parking_time": D("0.1")}, ["total_time"]),
        ({"total_parking_time": 0}, ["total_time"]),
        ({"total_time": D("0.7")}, ["total_time", "total_time"]),
    ],
)
def test_parking_that_no_charging_period_tells_is_what_the_cdr_tells_or_leaves_open(
    changes: Document, reported: list[str]
) -> None:
    cdr = a_cdr(parts=[{"kwh": 20, "minutes": 48}, {"kwh": 0, "lasts": 12}])

    assert fields(cdr | changes) == reported


@pytest.mark.requirement("CDR-R-20")
@pytest.mark.parametrize(
    ("totals", "reported"),
    [
        ({"total_energy": D("8.0"), "total_time": D("8.0")}, []),
        ({"total_energy": D("8.05")}, ["total_energy"]),
        ({"total_parking_time": D("4.05")}, ["total_parking_time"]),
    ],
)
def test_a_total_may_be_off_by_the_rounding_of_each_charging_period(totals: Document, reported: list[str]) -> None:
    cdr = a_cdr(a_tariff(an_element(a_component("FLAT", "1"))), [{"minutes": 20}, {"parked": 20}] * 12)
    for period in cdr["charging_periods"]:
        period["dimensions"][0]["volume"] = D("0.33")
        period["dimensions"].append({"type": "ENERGY", "volume": D("0.33")})

    assert fields(cdr | {"total_energy": D("7.92")} | totals) == reported


def _with_its_last_period_at(moment: str) -> Document:
    cdr = a_cdr()
    return cdr | {
        "charging_periods": [*cdr["charging_periods"][:-1], cdr["charging_periods"][-1] | {"start_date_time": moment}]
    }


@pytest.mark.requirement("CDR-R-20")
def test_a_charging_period_outside_of_the_times_of_its_cdr_is_reported() -> None:
    cdr = a_cdr()

    early = [one.words for one in check_cdr(_with_its_last_period_at("2019-06-16T07:30:00Z"))]
    late = [one.words for one in check_cdr(_with_its_last_period_at("2019-06-18T07:30:00Z"))]

    assert "charging period 1 starts at 2019-06-16T07:30:00Z, outside of the CDR's own times" in early
    assert "charging period 2 starts at 2019-06-18T07:30:00Z, outside of the CDR's own times" in late
    for moment in (cdr["end_date_time"], "2019-06-17T07:29:00Z"):
        assert "charging_periods" not in fields(_with_its_last_period_at(moment))


@pytest.mark.requirement("CDR-R-20")
def test_times_that_nobody_knows_are_not_compared() -> None:
    assert fields(a_cdr(start_date_time="1970-1-1T00:00:00Z")) == []


@pytest.mark.requirement("CDR-R-26")
def test_energy_in_wh_is_suspected_and_priced_in_kwh() -> None:
    cdr = a_cdr()
    cdr["charging_periods"][0]["dimensions"][0]["volume"] = 20000

    found = check_cdr(cdr)

    assert [(each.field, each.told, each.computed) for each in found] == [("charging_periods", D(20000), D(20))]
    assert "look like Wh" in found[0].words


@pytest.mark.requirement("CDR-R-26", "TAR-C-15")
def test_a_period_across_a_change_of_price_is_reported() -> None:
    tariff = a_tariff(
        an_element(a_component("ENERGY", "0.25"), end_time="17:00"), an_element(a_component("ENERGY", "0.5"))
    )
    cdr = a_cdr(tariff, [{"kwh": 10, "minutes": 60}], at="2019-06-17T16:45")

    assert fields(cdr, time_zone=AMSTERDAM) == ["charging_periods"]
    in_utc = check_cdr(cdr)
    assert [each.field for each in in_utc] == ["total_cost/excl_vat", "total_energy_cost/excl_vat"]
    assert all("Calculated in UTC" in each.words for each in in_utc)


@pytest.mark.requirement("CDR-R-26")
def test_without_a_time_zone_the_words_say_so() -> None:
    tariff = a_tariff(an_element(a_component("ENERGY", "1"), end_time="10:00"), an_element(a_component("ENERGY", "2")))
    cdr = a_cdr(tariff, [{"kwh": 10}], at="2019-06-17T11:00")

    assert fields(cdr, time_zone=AMSTERDAM) == []
    assert all("Calculated in UTC" in each.words for each in check_cdr(cdr))
    assert fields(cdr) == ["total_cost/excl_vat", "total_energy_cost/excl_vat"]


@pytest.mark.requirement("CDR-R-26", "TAR-C-06")
def test_a_time_zone_that_there_is_not_matters_to_tariffs_with_local_times_only() -> None:
    at_night = a_tariff(an_element(a_component("ENERGY", "1"), end_time="10:00"))

    assert check_cdr(a_cdr(), "UTC+1") == []
    assert [each.words for each in check_cdr(a_cdr(at_night), "UTC+1")] == [
        "cannot be recomputed: not a time zone: 'UTC+1'"
    ]


@pytest.mark.requirement("CDR-R-26")
def test_missing_tariffs_and_another_currency_are_reported() -> None:
    assert fields(a_cdr(tariffs=[])) == ["tariffs"]
    assert fields(a_cdr(currency="CHF")) == ["currency"]


@pytest.mark.requirement("CDR-R-26")
def test_what_cannot_be_calculated_is_reported_not_raised() -> None:
    found = check_cdr(a_cdr(total_energy="plenty"))

    assert [(each.field, each.words) for each in found] == [("", "cannot be recomputed: not a number: 'plenty'")]


@pytest.mark.requirement("CDR-R-26")
@pytest.mark.parametrize("hours", ["1e9", "1e20", "-1e20"])
def test_a_reservation_that_the_calendar_does_not_hold_is_reported_not_raised(hours: str) -> None:
    dimensions = [{"type": "RESERVATION_TIME", "volume": D(hours)}]
    periods = [{"start_date_time": "2019-06-17T07:30:00Z", "dimensions": dimensions}, *a_cdr()["charging_periods"]]

    (difference,) = check_cdr(a_cdr(charging_periods=periods))

    assert "not a time that somebody reserves" in difference.words


@pytest.mark.requirement("CDR-R-26", "TAR-C-04")
@pytest.mark.parametrize("bound", ["min_duration", "max_duration"])
@pytest.mark.parametrize("duration", [-(2**63), 2**63])
def test_a_bound_that_no_session_reaches_changes_no_price_within_it(bound: str, duration: int) -> None:
    tariff = a_tariff(an_element(a_component("TIME", "5"), **{bound: duration}), an_element(a_component("TIME", "1")))

    assert check_cdr(a_cdr(tariff)) == []


@pytest.mark.requirement("CDR-R-19", "TAR-C-12")
def test_a_reservation_that_nobody_used() -> None:
    tariff = example("tariff_17_reservation_with_expire_fee")
    cdr = a_cdr(tariff, [{"reserved": 60}])
    unused = {"cdr_location": {"evse_uid": "#NA"}, "total_cost": {"excl_vat": D("6.00"), "incl_vat": D("7.20")}}
    parts = {"total_reservation_cost": {"excl_vat": D("6.00"), "incl_vat": D("7.20")}}

    assert check_cdr(cdr | unused | parts) == []


@pytest.mark.requirement("CDR-R-13", "CDR-R-26")
def test_a_credit_cdr_is_right_with_and_without_negated_parts() -> None:
    now = local(MONDAY) + timedelta(days=1)
    ours = credit(a_cdr(), "C1-C", now)
    parts = {name: {key: -amount for key, amount in ours[name].items()} for name in ours if name.endswith("_cost")}
    theirs = (
        ours
        | parts
        | {"total_cost": ours["total_cost"], "total_energy": -ours["total_energy"], "total_time": -ours["total_time"]}
    )

    assert check_cdr(ours) == []
    assert check_cdr(theirs) == []
    assert fields(ours | {"total_cost": a_cdr()["total_cost"]}) == ["total_cost/excl_vat"]


@pytest.mark.requirement("CDR-R-13")
def test_a_credit_cdr_of_energy_sold_to_the_grid_is_right() -> None:
    cdr = a_cdr(a_tariff(an_element(a_component("ENERGY", "0.25"))), [{"kwh": -8, "minutes": 60}])

    assert check_cdr(cdr) == []
    assert check_cdr(credit(cdr, "C1-C", local(MONDAY))) == []
