"""The response_url in a query, encoded or not."""

from urllib.parse import quote

import pytest

from ocpi_party.modules.chargingprofiles.query import parameters, seconds
from ocpi_party.ocpi.errors import InvalidObject

NESTED = "https://www.msp.com/ocpi/2.2.1/chargingprofile/response?request_id=5678"
WITH_MORE = NESTED + "&duration_of=3&a=b%20c"
ENCODED = quote(NESTED, safe="")


@pytest.mark.requirement("CHP-R-17")
@pytest.mark.parametrize(
    ("query", "duration", "url"),
    [
        (f"duration=900&response_url={NESTED}", "900", NESTED),
        (f"duration=900&response_url={ENCODED}", "900", NESTED),
        (f"response_url={ENCODED}&duration=900", "900", NESTED),
        (f"response_url={NESTED}&duration=900", "900", NESTED),
        (f"duration=900&response_url={WITH_MORE}", "900", WITH_MORE),
        (f"duration=900&response_url={NESTED}&duration=5", "900", NESTED + "&duration=5"),
        (f"duration=900&response_url={quote(WITH_MORE, safe='')}", "900", WITH_MORE),
        (f"other=1&duration=900&response_url={ENCODED}&more=2", "900", NESTED),
        (f"response_url={NESTED}", None, NESTED),
        ("duration=900", "900", None),
        ("", None, None),
    ],
)
def test_the_response_url_is_recovered(query: str, duration: str | None, url: str | None) -> None:
    assert parameters(query) == (duration, url)


@pytest.mark.requirement("CHP-R-01")
@pytest.mark.parametrize("duration", [None, "", "-1", "0", "1.5", "soon", "9" * 20, "٣"])
def test_a_duration_is_a_whole_number_of_seconds(duration: str | None) -> None:
    with pytest.raises(InvalidObject) as refused:
        seconds(duration)

    assert refused.value.pointer == "/duration"
    assert seconds("900") == 900
