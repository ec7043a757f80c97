"""The sessions that the specification calculates itself. OCPI 2.2.1, Tariffs, examples; CDRs, "step_size"."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.pricing.charging import (
    MONDAY,
    SATURDAY,
    a_component,
    a_tariff,
    an_element,
    billed,
    costs,
    example,
    local,
    price,
)

from ocpi_party.pricing.reservation import Reservation

D = Decimal
IN_2019 = "2019-06-17T16:40"
VECTORS: dict[str, tuple[str, str, list[dict[str, Any]], str, str | None]] = {
    "1": ("tariff_8_simple_025kwh", MONDAY, [{"kwh": 20}], "5.00", "5.50"),
    "2": ("tariff_9_025kwh_start", MONDAY, [{"kwh": 20}], "5.50", "6.10"),
    "3 above the minimum": ("tariff_12_025kwh_min_price", MONDAY, [{"kwh": 20}], "5.00", "5.50"),
    "3 below the minimum": ("tariff_12_025kwh_min_price", MONDAY, [{"kwh": "1.999"}], "0.50", "0.55"),
    "3 nothing charged": ("tariff_12_025kwh_min_price", MONDAY, [{"minutes": 5}], "0.50", "0.55"),
    "4": ("tariff_10_025kwh_parking_start", MONDAY, [{"kwh": 20}, {"parked": 40}], "7.00", "7.90"),
    "5 above the maximum": ("tariff_6_025kwh_start_max_price", MONDAY, [{"kwh": 50}], "10.00", "11.00"),
    "5 below the maximum": ("tariff_6_025kwh_start_max_price", MONDAY, [{"kwh": 30}], "8.00", "8.85"),
    "6": ("tariff_1_simple_2hour", MONDAY, [{"minutes": 150}], "5.00", "5.50"),
    "7": ("tariff_13_simple_3hour_5parking", MONDAY, [{"minutes": 150}, {"parked": 42}], "11.25", "12.75"),
    "8": ("tariff_2_alt_text", MONDAY, [{"minutes": 150}], "4.75", "4.997"),
    "9": ("tariff_3_alt_url", MONDAY, [{"kwh": "20.45"}], "5.625", "6.2375"),
    "10": ("tariff_4_complex", MONDAY, [{"minutes": 165, "MAX_CURRENT": 16}, {"parked": 42}], "9.00", "10.30"),
    # The specification multiplies 114 minutes at 1.25 per hour to 2.28 and comes to 12.28 / 13.861.
    "10b": ("tariff_4_complex", SATURDAY, [{"minutes": 114, "MIN_CURRENT": 43}, {"parked": 71}], "12.375", "13.975"),
    "15a": ("tariff_14_step_size", "2019-06-17T16:55", [{"minutes": 10}, {"parked": 2}], "0.55", None),
    "15b": ("tariff_14_step_size", "2019-06-17T16:35", [{"minutes": 35}], "1.30", None),
    "15c": ("tariff_14_step_size", "2019-06-17T19:40", [{"minutes": 12}, {"parked": 20}], "0.73", None),
    "16": (
        "tariffrestriction_example_max_power",
        MONDAY,
        [
            {"kwh": 1, "lasts": 10, "MAX_POWER": 6},
            {"kwh": 40, "lasts": 50, "MIN_POWER": 48, "MAX_POWER": 48},
            {"kwh": "0.5", "lasts": 8, "MAX_POWER": 4},
        ],
        "20.30",
        "24.36",
    ),
    "17": (
        "tariffrestriction_example_max_duration",
        MONDAY,
        [{"kwh": 5, "minutes": 30}, {"kwh": "1.2", "minutes": 10}],
        "0.30",
        "0.36",
    ),
}


@pytest.mark.requirement("TAR-C-01", "TAR-C-02", "TAR-C-07", "TAR-C-08", "TAR-C-09", "TAR-C-10")
@pytest.mark.parametrize("vector", VECTORS)
def test_sessions_of_the_specification_cost_what_it_says(vector: str) -> None:
    tariff, start, parts, excl_vat, incl_vat = VECTORS[vector]

    priced = price(example(tariff), *parts, at=start)

    assert costs(priced) == (D(excl_vat), incl_vat and D(incl_vat))
    assert not priced.estimated


RESERVATIONS: dict[str, tuple[str, int, bool, str, str]] = {
    "11": ("tariff_15_reservation_5_euro_per_hour", 15, False, "6.75", "7.60"),
    "12": ("tariff_16_reservation_2_euro_fee_5_euro_per_hour", 13, False, "8.75", "10.00"),
    "13 used": ("tariff_17_reservation_with_expire_fee", 22, False, "6.50", "7.30"),
    "13 expired": ("tariff_17_reservation_with_expire_fee", 60, True, "6.00", "7.20"),
    "14 used": ("tariff_18_reservation_with_expire_time", 22, False, "7.00", "7.90"),
    "14 expired": ("tariff_18_reservation_with_expire_time", 90, True, "9.00", "10.80"),
}


@pytest.mark.requirement("TAR-C-12")
@pytest.mark.parametrize("vector", RESERVATIONS)
def test_reservations_of_the_specification_cost_what_it_says(vector: str) -> None:
    tariff, minutes, expired, excl_vat, incl_vat = RESERVATIONS[vector]
    duration = timedelta(minutes=minutes)
    reservation = Reservation(local(MONDAY) - duration, duration, expired)

    priced = price(example(tariff), *([] if expired else [{"kwh": 20}]), reservation=reservation)

    assert costs(priced) == (D(excl_vat), D(incl_vat))


@pytest.mark.requirement("TAR-C-07", "TAR-C-08")
def test_breakdowns_of_the_step_size_example() -> None:
    tariff = example("tariff_14_step_size")

    a = price(tariff, {"minutes": 10}, {"parked": 2}, at="2019-06-17T16:55")
    b = price(tariff, {"minutes": 35}, at="2019-06-17T16:35")
    c = price(tariff, {"minutes": 12}, {"parked": 20}, at="2019-06-17T19:40")

    assert billed(a) == [("TIME", 5, D("0.1")), ("TIME", 5, D("0.2")), ("PARKING_TIME", 15, D("0.25"))]
    assert billed(b) == [("TIME", 25, D("0.5")), ("TIME", 20, D("0.8"))]
    assert billed(c) == [("TIME", 12, D("0.48")), ("PARKING_TIME", 15, D("0.25")), ("PARKING_TIME", 0, 0)]
    assert "12 min without cost, no element of tariff 22 prices it then" in c.lines[-1].words


@pytest.mark.requirement("TAR-C-07")
def test_vector_18_energy_is_rounded_on_the_total_of_the_session() -> None:
    tariff = a_tariff(
        an_element(a_component("ENERGY", "0.20", 500), end_time="17:00"),
        an_element(a_component("ENERGY", "0.27", 500), start_time="17:00"),
    )

    priced = price(tariff, {"kwh": "4.3", "lasts": 20}, {"kwh": "1.1", "lasts": 20}, at=IN_2019)

    assert billed(priced) == [("ENERGY", D("4.3"), D("0.86")), ("ENERGY", D("1.2"), D("0.324"))]
    assert costs(priced) == (D("1.184"), None)


@pytest.mark.requirement("TAR-C-07")
def test_vector_19_time_is_rounded_on_the_total_of_the_session() -> None:
    tariff = a_tariff(
        an_element(a_component("TIME", "5", 600), end_time="17:00"),
        an_element(a_component("TIME", "7", 600), start_time="17:00"),
    )

    priced = price(tariff, {"minutes": 28}, at="2019-06-17T16:54")

    assert billed(priced) == [("TIME", 6, D("0.5")), ("TIME", 24, D("2.8"))]
    assert costs(priced) == (D("3.3"), None)


@pytest.mark.requirement("TAR-C-07")
def test_charging_time_is_not_rounded_when_parking_follows() -> None:
    tariff = a_tariff(an_element(a_component("TIME", "1", 600), a_component("PARKING_TIME", "2", 600)))

    priced = price(tariff, {"minutes": 21}, {"parked": 16})

    assert [(dimension, minutes) for dimension, minutes, _ in billed(priced)] == [("TIME", 21), ("PARKING_TIME", 20)]


@pytest.mark.requirement("TAR-C-07")
def test_parking_is_not_rounded_when_charging_goes_on() -> None:
    tariff = a_tariff(an_element(a_component("TIME", "1", 600), a_component("PARKING_TIME", "2", 600)))

    priced = price(tariff, {"minutes": 21}, {"parked": 16}, {"minutes": 3})

    assert [(dimension, minutes) for dimension, minutes, _ in billed(priced)] == [("TIME", 30), ("PARKING_TIME", 16)]


@pytest.mark.requirement("TAR-C-09")
@pytest.mark.parametrize(
    ("step_size", "kwh", "cost"),
    [(1, "0.116", "0.029"), (0, "0.116", "0.029"), (25, "0.125", "0.03125"), (500, "0.5", "0.125")],
)
def test_vector_21_energy_is_billed_in_watt_hours(step_size: int, kwh: str, cost: str) -> None:
    priced = price(a_tariff(an_element(a_component("ENERGY", "0.25", step_size))), {"kwh": "0.1152"})

    assert billed(priced) == [("ENERGY", D(kwh), D(cost))]


@pytest.mark.requirement("TAR-C-07")
def test_free_of_charge_with_step_size_0_costs_nothing() -> None:
    priced = price(example("tariff_5_free_of_charge"), {"kwh": 20, "minutes": 60})

    assert costs(priced) == (0, None)
