"""Which tariff and element prices a session, and what is said about it."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.pricing.charging import (
    AMSTERDAM,
    MONDAY,
    Document,
    a_component,
    a_period,
    a_tariff,
    an_element,
    billed,
    costs,
    laid_out,
    local,
    price,
)

from ocpi_party.pricing.choice import choose_tariff
from ocpi_party.pricing.exact import Unpriceable, moment
from ocpi_party.pricing.reservation import Reservation
from ocpi_party.pricing.session import price_session

D = Decimal
ENERGY = a_component("ENERGY", "0.25")
START = local(MONDAY)
HOUR = timedelta(hours=1)


def of_energy(price_per_kwh: str, **changes: object) -> Document:
    return a_tariff(an_element(a_component("ENERGY", price_per_kwh)), **changes)


@pytest.mark.requirement("TAR-C-01")
def test_dimensions_are_looked_up_independently() -> None:
    tariff = a_tariff(
        an_element(a_component("TIME", "1"), end_time="17:00"),
        an_element(a_component("TIME", "9"), a_component("ENERGY", "0.5"), end_time="17:00"),
        an_element(a_component("ENERGY", "0.7")),
    )

    priced = price(tariff, {"minutes": 60, "kwh": 10})

    assert billed(priced) == [("ENERGY", 10, 5), ("TIME", 60, 1)]
    assert [line.element for line in priced.lines] == [2, 1]


@pytest.mark.requirement("TAR-C-02")
def test_what_no_element_prices_costs_nothing_and_is_shown() -> None:
    priced = price(a_tariff(an_element(ENERGY, start_time="17:00")), {"kwh": 10})

    assert costs(priced) == (0, None)
    assert priced.lines[0].words == "Energy: 10 kWh without cost, no element of tariff T1 prices it then"


@pytest.mark.requirement("TAR-C-03")
def test_restrictions_are_combined_with_and() -> None:
    tariff = a_tariff(an_element(a_component("ENERGY", "9"), day_of_week=["MONDAY"], min_power=50), an_element(ENERGY))

    assert costs(price(tariff, {"kwh": 1, "POWER": 49})) == (D("0.25"), None)
    assert costs(price(tariff, {"kwh": 1, "POWER": 50})) == (9, None)
    assert costs(price(tariff, {"kwh": 1, "POWER": 50}, at="2019-06-18T09:30")) == (D("0.25"), None)


@pytest.mark.requirement("TAR-C-04")
def test_a_period_is_cut_where_an_amount_of_energy_is_reached() -> None:
    tariff = a_tariff(
        an_element(a_component("ENERGY", "0.10"), max_kwh=10),
        an_element(a_component("ENERGY", "0.20"), min_kwh=10, max_kwh=20),
        an_element(a_component("ENERGY", "0.50"), min_kwh=20),
    )

    priced = price(tariff, {"kwh": 15}, {"kwh": 10})

    assert billed(priced) == [("ENERGY", 10, 1), ("ENERGY", 10, 2), ("ENERGY", 5, D("2.5"))]
    assert not priced.estimated


@pytest.mark.requirement("TAR-C-04")
@pytest.mark.parametrize(("volumes", "cost"), [({"MAX_POWER": 32}, 1), ({"MIN_POWER": 32}, 9), ({"MAX_POWER": 33}, 9)])
def test_power_of_a_period_between_its_bounds(volumes: dict[str, int], cost: int) -> None:
    tariff = a_tariff(an_element(a_component("ENERGY", "1"), max_power=32), an_element(a_component("ENERGY", "9")))
    ends = {"MIN_POWER": 10, "MAX_POWER": 40} if volumes.get("MAX_POWER") == 32 else {}

    priced = price(tariff, {"kwh": 1, **ends, **volumes})

    assert costs(priced) == (cost, None)


@pytest.mark.requirement("TAR-C-04")
def test_power_that_nobody_tells_is_the_mean_power() -> None:
    tariff = a_tariff(an_element(a_component("ENERGY", "1"), max_power=32), an_element(a_component("ENERGY", "9")))

    assert costs(price(tariff, {"kwh": 31, "minutes": 60})) == (31, None)
    assert costs(price(tariff, {"kwh": 32, "minutes": 60})) == (288, None)


@pytest.mark.requirement("TAR-C-15", "CDR-R-15")
def test_energy_of_a_period_across_a_change_of_price_is_an_estimate() -> None:
    tariff = a_tariff(an_element(ENERGY, end_time="17:00"), an_element(a_component("ENERGY", "0.50")))

    priced = price(tariff, {"kwh": 10, "minutes": 60}, at="2019-06-17T16:45")

    assert billed(priced) == [("ENERGY", D("2.5"), D("0.625")), ("TIME", 0, 0), ("ENERGY", D("7.5"), D("3.75"))]
    assert [line.estimated for line in priced.lines] == [True, False, True]
    assert "an estimate: charging period 1 crosses a change of price" in priced.lines[0].words


@pytest.mark.requirement("TAR-C-15")
def test_time_of_a_period_across_a_change_of_price_is_known_if_it_fills_the_period() -> None:
    tariff = a_tariff(an_element(a_component("TIME", "1"), end_time="17:00"), an_element(a_component("TIME", "2")))

    filled = price(tariff, {"minutes": 60}, at="2019-06-17T16:45")
    partly = price(tariff, {"minutes": 30, "parked": 30}, at="2019-06-17T16:45")

    assert (costs(filled), filled.estimated) == ((D("1.75"), None), False)
    assert partly.estimated


@pytest.mark.requirement("TAR-C-08", "TAR-C-09")
def test_a_flat_fee_is_paid_once() -> None:
    fee = a_component("FLAT", "0.50")
    tariff = a_tariff(an_element(fee, ENERGY, end_time="17:00"), an_element(fee, a_component("ENERGY", "0.50")))

    priced = price(tariff, {"kwh": 1, "lasts": 30}, {"kwh": 1, "lasts": 30}, at="2019-06-17T16:30")

    assert billed(priced) == [("FLAT", 1, D("0.5")), ("ENERGY", 1, D("0.25")), ("ENERGY", 1, D("0.5"))]


@pytest.mark.requirement("TAR-C-08")
def test_step_size_is_not_applied_when_the_tariff_changes() -> None:
    one = a_tariff(an_element(a_component("ENERGY", "0.25", 1000)))
    other = a_tariff(an_element(a_component("ENERGY", "0.50", 500)), id="T2")
    periods = [a_period(START, one, kwh="1.1"), a_period(START + HOUR, other, kwh="1.1")]

    priced = price_session([one, other], periods, START + 2 * HOUR, AMSTERDAM)

    assert billed(priced) == [("ENERGY", D("1.1"), D("0.275")), ("ENERGY", D("1.4"), D("0.7"))]


@pytest.mark.requirement("TAR-C-10")
def test_limits_hold_with_and_without_vat_independently() -> None:
    limit = {"excl_vat": 10, "incl_vat": 11}
    tariff = a_tariff(an_element(a_component("ENERGY", "1", vat=20)), max_price=limit)

    under, between, over = (price(tariff, {"kwh": kwh}) for kwh in (9, "9.5", 12))

    assert costs(under) == (9, D("10.8"))
    assert costs(between) == (D("9.5"), 11)
    assert costs(over) == (10, 11)
    assert over.lines[-1].words == "max_price of tariff T1: 12 to 10 (14.4 to 11 incl. VAT)"


@pytest.mark.requirement("TAR-C-10")
@pytest.mark.parametrize(
    ("price_per_kwh", "limit", "excl_vat", "incl_vat"),
    [("1", "min_price", 5, 6), ("10", "max_price", 5, 6), ("5", "min_price", 5, 6), ("0", "min_price", 5, 5)],
)
def test_a_limit_without_incl_vat_is_paid_with_the_vat_of_what_it_limits(
    price_per_kwh: str, limit: str, excl_vat: int, incl_vat: int
) -> None:
    tariff = a_tariff(an_element(a_component("ENERGY", price_per_kwh, vat=20)), **{limit: {"excl_vat": 5}})

    assert costs(price(tariff, {"kwh": 1})) == (excl_vat, incl_vat)


@pytest.mark.requirement("TAR-C-11")
def test_vat_that_does_not_apply_is_not_vat_of_zero() -> None:
    without, zero = a_tariff(an_element(ENERGY)), a_tariff(an_element(ENERGY | {"vat": D("0.0")}))
    mixed = a_tariff(an_element(ENERGY, a_component("TIME", "1", vat=20)))

    assert costs(price(without, {"kwh": 4})) == (1, None)
    assert costs(price(zero, {"kwh": 4})) == (1, 1)
    assert costs(price(mixed, {"kwh": 4, "minutes": 60})) == (2, D("2.2"))


@pytest.mark.requirement("TAR-C-13")
def test_only_the_final_amount_is_rounded() -> None:
    # A third of a cent, three times: a Decimal would give 0.00999… or lose it altogether.
    tariff = a_tariff(an_element(a_component("TIME", "0.01", vat=0)))
    parts = [{"minutes": 20, "lasts": 20}] * 3

    priced = price(tariff, *parts)

    assert costs(priced) == (D("0.01"), D("0.01"))


@pytest.mark.requirement("TAR-C-14")
@pytest.mark.parametrize(
    ("preference", "chosen"),
    [(None, "R"), ("REGULAR", "R"), ("CHEAP", "C"), ("FAST", "ANY"), ("AD_HOC_PAYMENT", "AD_HOC")],
)
def test_without_tariff_ids_type_and_preference_choose_the_tariff(preference: str | None, chosen: str) -> None:
    tariffs = [
        of_energy("1", id="ANY"),
        of_energy("1", id="C", type="PROFILE_CHEAP"),
        of_energy("1", id="R", type="REGULAR"),
        of_energy("1", id="AD_HOC", type="AD_HOC_PAYMENT"),
    ]

    priced = price_session(tariffs, [a_period(START, kwh=1)], START + HOUR, AMSTERDAM, preference=preference)

    assert [line.tariff_id for line in priced.lines] == [chosen]


@pytest.mark.requirement("TAR-C-06", "TAR-C-14")
@pytest.mark.parametrize(
    ("start", "chosen"),
    [
        ("2019-06-30T23:59:58", "OLD"),
        ("2019-06-30T23:59:59", "OLD"),
        ("2019-06-30T23:59:59.5", "NEW"),
        ("2019-07-01T00:00:00", "NEW"),
    ],
)
def test_the_tariff_is_the_one_valid_in_utc_when_the_session_starts(start: str, chosen: str) -> None:
    tariffs = [
        of_energy("1", id="OLD", end_date_time="2019-06-30T23:59:59Z"),
        of_energy("1", id="NEW", start_date_time="2019-06-30T23:59:59.001Z"),
    ]
    at = moment(start)

    priced = price_session(tariffs, [a_period(at, kwh=1)], at + HOUR, AMSTERDAM)

    assert [line.tariff_id for line in priced.lines] == [chosen]


def test_the_tariff_of_each_period_decides() -> None:
    tariffs = [of_energy("1", id="A"), of_energy("2", id="B")]
    periods = [
        a_period(START, tariffs[0], kwh=1),
        a_period(START + HOUR, {"id": "b"}, kwh=1),
        a_period(START + 2 * HOUR, kwh=1),
        a_period(START + 3 * HOUR, {"id": "X"}, kwh=1),
    ]

    priced = price_session(tariffs, periods, START + 4 * HOUR, AMSTERDAM)

    assert [(line.tariff_id, int(line.cost.excl_vat)) for line in priced.lines] == [("A", 1), ("B", 2)]
    assert priced.notes == (
        "Charging period 3 names no tariff_id: no tariff is relevant, no cost.",
        "Charging period 4 names tariff X, which we were not given: no cost.",
    )


def test_a_tariff_that_was_not_valid_is_used_if_named_and_noted() -> None:
    priced = price(of_energy("1", end_date_time="2019-01-01T00:00:00Z"), {"kwh": 1})

    assert costs(priced) == (1, None)
    assert priced.notes == ("Tariff T1 was not valid when the session started, it is used all the same.",)


@pytest.mark.requirement("TAR-C-12")
def test_time_of_a_reservation_is_rounded_apart_from_the_session() -> None:
    time = a_component("TIME", "6", 600)
    tariff = a_tariff(an_element(time, ENERGY, reservation="RESERVATION"), an_element(time))

    priced = price(tariff, {"reserved": 12}, {"minutes": 12}, at=MONDAY)

    assert billed(priced) == [("TIME", 20, 2), ("TIME", 20, 2)]
    assert [line.part for line in priced.lines] == ["reservation", "time"]
    assert priced.total_time == Fraction(12, 60)


@pytest.mark.requirement("TAR-C-12")
def test_an_expired_reservation_has_no_minimum_price() -> None:
    tariff = a_tariff(
        an_element(a_component("FLAT", "2"), reservation="RESERVATION_EXPIRES"),
        an_element(ENERGY),
        min_price={"excl_vat": 5},
    )

    priced = price(tariff, reservation=Reservation(START, HOUR, expired=True))

    assert costs(priced) == (2, None)


def test_energy_into_the_grid_is_paid_back() -> None:
    priced = price(a_tariff(an_element(a_component("ENERGY", "0.25", 500, vat=10))), {"kwh": "-4.2"})

    assert costs(priced) == (D("-1.05"), D("-1.155"))


def test_hours_with_four_decimals_are_the_minutes_that_they_were() -> None:
    tariff = a_tariff(an_element(a_component("TIME", "6", 600)))
    periods, end = laid_out(tariff, [{"minutes": 40}], START)
    periods[0]["dimensions"][0]["volume"] = D("0.6667")  # 2400.12 s

    assert billed(price_session([tariff], periods, end, AMSTERDAM)) == [("TIME", 40, 4)]
    assert billed(price_session([tariff], periods, end + HOUR, AMSTERDAM)) == [("TIME", 40, 4)]


def test_a_period_without_end_is_priced_without_hanging() -> None:
    tariff = a_tariff(an_element(ENERGY, end_time="17:00"), an_element(a_component("ENERGY", "1")))
    period = a_period(moment("1970-01-01T00:00:00Z"), tariff, kwh=1)

    priced = price_session([tariff], [period], START, AMSTERDAM)

    assert priced.notes[0] == "The session lasts longer than 100 days: not split at changes of price."


@pytest.mark.parametrize("number", ["1E+999999999", "NaN", "Infinity", "1E-999999", "many"])
def test_numbers_beyond_measure_are_refused(number: str) -> None:
    with pytest.raises(Unpriceable):
        price(a_tariff(an_element(a_component("ENERGY", "1") | {"price": number})), {"kwh": 1})


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon"])
def test_times_at_the_ends_of_the_calendar_are_refused(time: str) -> None:
    with pytest.raises(Unpriceable, match="not a time"):
        price_session([], [{"start_date_time": time, "dimensions": []}], START, AMSTERDAM)


def test_durations_beyond_measure_are_never_reached() -> None:
    tariff = a_tariff(an_element(ENERGY, max_duration=10**25))

    assert costs(price(tariff, {"kwh": 4})) == (1, None)


def test_unknown_time_zones_and_mixed_currencies_are_refused() -> None:
    tariffs = [of_energy("1", id="A"), of_energy("1", id="B", currency="CHF")]
    periods = [a_period(START, tariffs[0], kwh=1), a_period(START + HOUR, tariffs[1], kwh=1)]

    with pytest.raises(Unpriceable, match="CHF and EUR"):
        price_session(tariffs, periods, START + 2 * HOUR, AMSTERDAM)
    with pytest.raises(Unpriceable, match="Mars/Olympus"):
        price_session(tariffs, periods, START + 2 * HOUR, "Mars/Olympus")


@pytest.mark.requirement("TAR-C-14")
def test_a_cpo_chooses_the_tariff_of_a_session_from_those_of_the_connector() -> None:
    cheap, regular = of_energy("1", id="C", type="PROFILE_CHEAP"), of_energy("1", id="R", type="REGULAR")

    assert choose_tariff([cheap, regular], START) is regular
    assert choose_tariff([cheap, regular], START, "CHEAP") is cheap
    assert choose_tariff([cheap], START) is None
