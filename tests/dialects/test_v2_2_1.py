"""The official examples go in and come out equal; two of them break the rules themselves."""

from pathlib import Path
from typing import Any

import pytest
from tests.objects import a_connector, a_location, a_session, a_token, an_evse

from ocpi_party.dialects.v2_2_1 import V2_2_1
from ocpi_party.ocpi.cdr import Cdr
from ocpi_party.ocpi.connector import Connector
from ocpi_party.ocpi.credentials import Credentials
from ocpi_party.ocpi.energy_mix import EnergyMix
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.evse import Evse
from ocpi_party.ocpi.hours import Hours
from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.ocpi.token import Token
from ocpi_party.ocpi.types import DisplayText, House, decode, encode
from ocpi_party.ocpi.version import Version, VersionDetails

EXAMPLES = Path(__file__).parent.parent / "examples" / "2.2.1"
KINDS: dict[str, type[House]] = {
    "cdr_example": Cdr,
    "credentials_": Credentials,
    "location_energymix_": EnergyMix,
    "location_hours_": Hours,
    "location_regularhours_": Hours,
    "location_example": Location,
    "session_example_": Session,
    "tariff": Tariff,
    "token_example_": Token,
    "token_put_": Token,
    "transport_and_format_get_token_": Token,
    "transport_and_format_version_details_": VersionDetails,
    "transport_and_format_version_info_": Version,
    "type_displaytext_": DisplayText,
    "version_details_": VersionDetails,
    "versions_info_": Version,
}
WRAPPED = ("data", "energy_mix", "opening_times")
BROKEN = {"location_put_example_add_evse", "tariff_put_example"}
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.json"))
WHOLE = [name for name in NAMES if "_patch_" not in name and name not in BROKEN]
PARTS: dict[str, tuple[type[House], dict[str, Any]]] = {
    "location_patch_example_location": (Location, a_location()),
    "location_patch_example_remove_evse": (Evse, an_evse()),
    "location_patch_example_status": (Evse, an_evse()),
    "location_patch_example_tariff": (Connector, a_connector()),
    "session_patch_example_charging_period": (Session, a_session()),
    "session_patch_example_total_cost": (Session, a_session()),
    "token_patch_example": (Token, a_token()),
}


def text(name: str) -> bytes:
    return (EXAMPLES / f"{name}.json").read_bytes()


def test_every_example_is_used() -> None:
    assert len(NAMES) == 59
    assert sorted([*WHOLE, *PARTS, *BROKEN]) == NAMES


@pytest.mark.parametrize("name", WHOLE)
def test_an_example_comes_out_as_it_went_in(name: str) -> None:
    kind = next(kind for start, kind in KINDS.items() if name.startswith(start))
    wire: Any = decode(text(name))
    for wrapper in WRAPPED:
        wire = wire[wrapper] if isinstance(wire, dict) and wrapper in wire and kind is not Location else wire

    for one in wire if isinstance(wire, list) else [wire]:
        reading = V2_2_1.read(kind, one)

        assert reading.document == one
        assert reading.findings == ()
        assert decode(V2_2_1.write(kind, encode(reading.document))) == one


@pytest.mark.parametrize("name", PARTS)
def test_an_example_of_a_patch_fits_an_object(name: str) -> None:
    kind, document = PARTS[name]
    changes = V2_2_1.changes(kind, decode(text(name)))

    assert changes == decode(text(name))
    assert V2_2_1.read(kind, document | changes).findings == ()


@pytest.mark.parametrize(
    ("name", "kind", "pointers"),
    [
        (
            "location_put_example_add_evse",
            Evse,
            ["power_type", "max_voltage", "max_amperage", "last_updated", "physical_reference"],
        ),
        ("tariff_put_example", Tariff, ["/last_updated"]),
    ],
)
def test_the_broken_examples_are_refused(name: str, kind: type[House], pointers: list[str]) -> None:
    with pytest.raises(InvalidObject) as refused:
        V2_2_1.read_body(kind, text(name))

    assert all(pointer in str(refused.value) for pointer in pointers)
