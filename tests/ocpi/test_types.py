"""JSON and moments, as they cross the wire."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpi_party.ocpi.errors import InvalidObject, UnreadableJson
from ocpi_party.ocpi.types import PartyId, decode, encode, fold, now, parse_time, wire_time

PLAIN = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18)
plain_numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,12}", fullmatch=True)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.requirement("TYP-11")
@given(numbers)
def test_a_number_is_written_in_plain_digits_and_exactly(number: Decimal) -> None:
    text = encode({"volume": number})[len(b'{"volume":') : -1]

    assert PLAIN.fullmatch(text)
    assert Decimal(text.decode()) == number


@pytest.mark.requirement("TYP-11", "OWN-20")
@given(plain_numbers)
def test_a_number_is_given_back_digit_for_digit(digits: str) -> None:
    text = b'{"price":%b}' % digits.encode()

    assert encode(decode(text)) == text


@given(documents)
def test_what_is_written_is_read_again(document: object) -> None:
    text = encode(document)

    assert decode(text) == document
    json.loads(text)


@pytest.mark.requirement("TRN-27")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a": 1',
        b'{"a": 1} x',
        b"{'a': 1}",
        b"NaN",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"a": 01}',
        b'{"a": 1e999999999}',
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b"[" * 100_000,
    ],
)
def test_what_is_not_json(body: bytes) -> None:
    with pytest.raises(UnreadableJson):
        decode(body)


@pytest.mark.requirement("TYP-26")
def test_brackets_in_strings_are_not_depth() -> None:
    assert decode(b'{"a": "%b\\"]"}' % (b"[{" * 50)) == {"a": "[{" * 50 + '"]'}
    assert decode(b"[" * 32 + b"]" * 32)


@pytest.mark.requirement("TYP-23")
def test_the_last_of_repeated_keys_counts() -> None:
    assert decode(b'{"id": "1", "id": "2"}') == {"id": "2"}


def test_no_number_that_json_does_not_have() -> None:
    with pytest.raises(ValueError, match="no JSON number"):
        encode({"price": Decimal("NaN")})


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type, misc]  # the first parts of a date, as many as matter


@pytest.mark.requirement("TYP-07", "TYP-08", "TYP-09", "PAG-17")
@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2015-06-29T20:39:09Z", at(2015, 6, 29, 20, 39, 9)),
        ("2015-06-29T20:39:09", at(2015, 6, 29, 20, 39, 9)),
        ("2015-06-29T20:39:09z", at(2015, 6, 29, 20, 39, 9)),
        ("2016-12-29T17:45:09.2Z", at(2016, 12, 29, 17, 45, 9, 200_000)),
        ("2016-12-29T17:45:09.2", at(2016, 12, 29, 17, 45, 9, 200_000)),
        ("2018-01-01T01:08:01.123", at(2018, 1, 1, 1, 8, 1, 123_000)),
        ("2018-01-01T01:08:01.123999999Z", at(2018, 1, 1, 1, 8, 1, 123_000)),
        ("2015-06-29T20:39:09+00:00", at(2015, 6, 29, 20, 39, 9)),
        ("2015-06-29T22:39:09+0200", at(2015, 6, 29, 20, 39, 9)),
        ("2015-06-29T22:39:09 02:00", at(2015, 6, 29, 20, 39, 9)),
        ("2015-06-29T15:09:09-05:30", at(2015, 6, 29, 20, 39, 9)),
        ("1970-1-1T00:00:00Z", at(1970, 1, 1)),
    ],
)
def test_a_moment_in_any_form(written: str, moment: datetime) -> None:
    assert parse_time(written) == moment
    assert parse_time(written).tzinfo is UTC


@pytest.mark.requirement("TYP-09")
@pytest.mark.parametrize(
    "written",
    [
        "",
        "2015-06-29",
        "29.06.2015 20:39:09",
        "2015-02-30T00:00:00Z",
        "2015-06-29T25:00:00Z",
        "20:39:09Z",
        "2015-06-29T20:39:09+24:00",
        "2015-06-29T20:39:09+01:60",
    ],
)
def test_no_moment(written: str) -> None:
    with pytest.raises(InvalidObject):
        parse_time(written)


@pytest.mark.requirement("TYP-06", "TYP-10")
@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(timezone(timedelta(hours=2)))))  # noqa: DTZ001 - hypothesis adds the zone
def test_a_moment_is_written_in_utc_to_the_millisecond(moment: datetime) -> None:
    written = wire_time(moment)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", written)
    assert timedelta() <= moment - parse_time(written) < timedelta(milliseconds=1)


@pytest.mark.requirement("TYP-10")
def test_now_survives_the_wire() -> None:
    moment = now()

    assert parse_time(wire_time(moment)) == moment


@pytest.mark.requirement("TYP-01", "OWN-04")
def test_parties_are_compared_without_regard_to_case() -> None:
    party = PartyId.parse("nl*tnM")

    assert str(party) == "nl*tnM"
    assert party.is_same(PartyId("NL", "TNM"))
    assert party.folded() == PartyId("NL", "TNM")
    assert fold("abc-1") == fold("ABC-1")


@pytest.mark.parametrize("written", ["NLTNM", "N*TNM", "NL*", "NL*TNMX", "NLD*TN", "", "ÄL*TNM"])
def test_no_party(written: str) -> None:
    with pytest.raises(InvalidObject):
        PartyId.parse(written)
