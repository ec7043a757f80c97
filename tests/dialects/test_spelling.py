"""How we spell what we publish: numbers and codes have one form, which is stored, answered and sent."""

from decimal import Decimal
from typing import Any

import pytest
from tests.objects import a_cdr, a_charging_period, a_charging_profile, a_location, a_session, a_tariff

from ocpi_party.dialects.dialect import read_own, read_published
from ocpi_party.dialects.v2_2_1 import V2_2_1
from ocpi_party.ocpi.cdr import Cdr
from ocpi_party.ocpi.charging_profile import ChargingProfile
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.session import ChargingPreferences, Session
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.ocpi.types import House, JsonObject, decode, encode


def a_volume(volume: Any) -> JsonObject:
    return {"charging_periods": [a_charging_period(dimensions=[{"type": "ENERGY", "volume": volume}])]}


def a_price(**changes: Any) -> JsonObject:
    return {"elements": [{"price_components": [{"type": "ENERGY", "price": 1, "step_size": 1} | changes]}]}


def a_share(percentage: Any) -> JsonObject:
    source = {"source": "WIND", "percentage": percentage}
    return {"energy_mix": {"is_green_energy": True, "energy_sources": [source]}}


@pytest.mark.requirement("TYP-11")
@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("0.30000000000000004", "0.3000"),
        ("0.123456", "0.1235"),
        ("0.00005", "0.0001"),
        ("0.00015", "0.0002"),
        ("-0.00005", "-0.0001"),
        ("-0.00004", "0.0000"),
        ("0.0000001", "0.0000"),
        ("1e-7", "0.0000"),
        ("12345678901234567890123456789.123450", "12345678901234567890123456789.1235"),
        ("1.23450", "1.23450"),
        ("99.90", "99.90"),
        ("2.0", "2.0"),
        ("2", "2"),
    ],
)
def test_our_numbers_have_four_decimals_at_most(told: str, kept: str) -> None:
    session = decode(encode(a_session()).replace(b'"kwh":0', f'"kwh":{told}'.encode()))

    assert f'"kwh":{kept},'.encode() in encode(read_published(Session, session))


@pytest.mark.requirement("TYP-11")
@pytest.mark.parametrize(
    ("kind", "told", "kept"),
    [
        (Session, a_session(**a_volume(0.123456)), a_session(**a_volume(Decimal("0.1235")))),
        (
            Session,
            a_session(total_cost={"excl_vat": 1.00005, "incl_vat": 1.2}),
            a_session(total_cost={"excl_vat": Decimal("1.0001"), "incl_vat": 1.2}),
        ),
        (Tariff, a_tariff(**a_price(price=0.123456)), a_tariff(**a_price(price=Decimal("0.1235")))),
        (Tariff, a_tariff(**a_price(vat=7.00009)), a_tariff(**a_price(vat=Decimal("7.0001")))),
        (
            Cdr,
            a_cdr(total_energy=4.20001, tariffs=[a_tariff(**a_price(price=0.123456))]),
            a_cdr(total_energy=Decimal("4.2000"), tariffs=[a_tariff(**a_price(price=Decimal("0.1235")))]),
        ),
        (Location, a_location(**a_share(33.33333)), a_location(**a_share(Decimal("33.3333")))),
        (
            ChargingPreferences,
            {"profile_type": "FAST", "energy_need": 1.00001},
            {"profile_type": "FAST", "energy_need": Decimal("1.0000")},
        ),
        # What is no field of OCPI says itself how exact it is.
        (Session, a_session(x_calibration=0.123456), a_session(x_calibration=0.123456)),
    ],
)
def test_all_that_we_publish_and_nothing_that_partners_send_is_rounded(
    kind: type[House], told: JsonObject, kept: JsonObject
) -> None:
    as_told = encode(told)

    assert read_own(kind, told) == kept
    assert encode(told) == as_told
    assert encode(V2_2_1.read(kind, told).document) == as_told


@pytest.mark.requirement("TYP-11")
def test_a_rate_with_more_than_its_one_decimal_is_refused_and_not_rounded() -> None:
    period = {"start_period": 0, "limit": 16.10001}

    with pytest.raises(InvalidObject) as refused:
        read_own(ChargingProfile, a_charging_profile(charging_profile_period=[period]))

    assert refused.value.pointer == "/charging_profile_period/0/limit"
