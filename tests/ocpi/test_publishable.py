"""What we send obeys rules beyond the shape of an object."""

from typing import Any

import pytest
from tests.objects import a_location, a_tariff

from ocpi_party.dialects.dialect import read_published
from ocpi_party.dialects.v2_2_1 import V2_2_1
from ocpi_party.ocpi.countries import ALPHA_2, ALPHA_3
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.tariff import Tariff

BOLD = [{"language": "en", "text": "<b>Free</b> parking"}]


@pytest.mark.requirement("TYP-24", "TYP-21", "LOC-G-09")
@pytest.mark.parametrize(
    ("kind", "document", "pointer"),
    [
        (Tariff, a_tariff(currency="XQQ"), "/currency"),
        (Tariff, a_tariff(currency="ZZZ"), "/currency"),
        (Location, a_location(country="NLQ"), "/country"),
        (Location, a_location(country="NL"), "/country"),
        (Location, a_location(country="DDR"), "/country"),
        (Location, a_location(time_zone="Foo/Bar"), "/time_zone"),
        (Location, a_location(time_zone="localtime"), "/time_zone"),
        (Location, a_location(directions=BOLD), "/directions/0/text"),
        (Location, a_location(publish_allowed_to=[{"group_id": "1"}]), "/publish_allowed_to"),
    ],
)
def test_what_is_wrong_is_not_sent_but_taken(kind: Any, document: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidObject) as refused:
        read_published(kind, document)

    assert refused.value.pointer == pointer
    assert V2_2_1.read(kind, document).document == document


@pytest.mark.requirement("TYP-24")
@pytest.mark.parametrize("currency", ["EUR", "BGN", "eur"])
def test_currencies_of_yesterday_are_known_and_written_in_capitals(currency: str) -> None:
    assert read_published(Tariff, a_tariff(currency=currency))["currency"] == currency.upper()
    assert V2_2_1.read(Tariff, a_tariff(currency=currency)).document["currency"] == currency


@pytest.mark.requirement("TYP-24")
@pytest.mark.parametrize("country", ["NLD", "nld", "XKX", "ZZZ"])
def test_a_country_is_written_in_capitals(country: str) -> None:
    assert read_published(Location, a_location(country=country))["country"] == country.upper()


def test_there_are_as_many_countries_in_the_one_spelling_as_in_the_other() -> None:
    assert len(ALPHA_2) == len(ALPHA_3) == 249
