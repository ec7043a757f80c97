"""From a priced session to the fields of a CDR."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.pricing.charging import MONDAY, a_component, a_tariff, an_element, example, local, price

from ocpi_party.pricing.amounts import Rounding
from ocpi_party.pricing.cost_fields import cost_fields
from ocpi_party.pricing.reservation import Reservation

D = Decimal


@pytest.mark.requirement("CDR-R-20", "TAR-C-13")
def test_a_cdr_tells_each_part_and_the_rounded_total() -> None:
    priced = price(example("tariff_10_025kwh_parking_start"), {"kwh": "20.01", "lasts": 70}, {"parked": 40})

    assert cost_fields(priced) == {
        "currency": "EUR",
        "total_cost": {"excl_vat": D("7.00"), "incl_vat": D("7.90")},
        "total_fixed_cost": {"excl_vat": D("0.5"), "incl_vat": D("0.6")},
        "total_energy": D("20.01"),
        "total_energy_cost": {"excl_vat": D("5.0025"), "incl_vat": D("5.5028")},
        "total_time": D("1.8333"),
        "total_parking_time": D("0.6667"),
        "total_parking_cost": {"excl_vat": D("1.5"), "incl_vat": D("1.8")},
    }


@pytest.mark.requirement("TAR-C-12", "CDR-R-20")
def test_a_reservation_has_its_own_part_with_its_fees() -> None:
    reservation = Reservation(local(MONDAY) - timedelta(minutes=13), timedelta(minutes=13))

    fields = cost_fields(
        price(example("tariff_16_reservation_2_euro_fee_5_euro_per_hour"), {"kwh": 20}, reservation=reservation)
    )

    assert fields["total_reservation_cost"] == {"excl_vat": D("3.25"), "incl_vat": D("3.9")}
    assert fields["total_fixed_cost"] == {"excl_vat": D("0.5"), "incl_vat": D("0.6")}
    assert fields["total_time"] == 1
    assert "total_parking_time" not in fields


@pytest.mark.requirement("CDR-R-20")
def test_a_fixed_fee_of_parking_belongs_to_parking() -> None:
    tariff = a_tariff(an_element(a_component("PARKING_TIME", "2"), a_component("FLAT", "1")))

    fields = cost_fields(price(tariff, {"parked": 60}))

    assert fields["total_parking_cost"] == {"excl_vat": 3}
    assert "total_fixed_cost" not in fields


@pytest.mark.requirement("TAR-C-13")
def test_rounding_follows_the_contract() -> None:
    priced = price(a_tariff(an_element(a_component("ENERGY", "0.25"))), {"kwh": "20.45"})

    assert cost_fields(priced)["total_cost"] == {"excl_vat": D("5.11")}
    assert cost_fields(priced, rounding=Rounding(places=4))["total_cost"] == {"excl_vat": D("5.1125")}
    assert cost_fields(priced, currency="JPY")["total_cost"] == {"excl_vat": D("5")}
