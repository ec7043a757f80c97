"""What all objects share: the house form, JSON and moments as the wire spells them, parties. OCPI 2.2.1, Types."""

import codecs
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from ocpi_party.ocpi.errors import InvalidObject, UnreadableJson
from ocpi_party.ocpi.fields import CiString, Descriptive, Dispensable, FreeText, Integer, Language, Number, Url

JsonObject = dict[str, Any]


class House(BaseModel):
    """An object of OCPI 2.2.1, strictly; unknown fields are kept (newer versions, extensions)."""

    model_config = ConfigDict(extra="allow", strict=True)


def broken(field: str, rule: str) -> PydanticCustomError:
    """A rule that ties several fields together is broken, and this field is the one to mend."""
    return PydanticCustomError("rule", "{rule}", {"field": field, "rule": rule})


class DisplayText(House):
    language: Language
    text: Annotated[str, FreeText(512)]


class Price(House):
    """An amount; a missing incl_vat means "not given", not "no VAT". Negative in a credit CDR."""

    excl_vat: Number
    incl_vat: Number | None = None


class ImageCategory(StrEnum):
    CHARGER = "CHARGER"
    ENTRANCE = "ENTRANCE"
    LOCATION = "LOCATION"
    NETWORK = "NETWORK"
    OPERATOR = "OPERATOR"
    OTHER = "OTHER"
    OWNER = "OWNER"


class Image(House):
    url: Url
    thumbnail: Url | None = None
    category: Annotated[ImageCategory, Descriptive()]
    type: Annotated[str, CiString(4)]
    width: Annotated[int, Integer(at_most=99999)] | None = None
    height: Annotated[int, Integer(at_most=99999)] | None = None


class BusinessDetails(House):
    name: Annotated[str, FreeText(100)]
    website: Url | None = None
    logo: Annotated[Image | None, Dispensable()] = None


class ProfileType(StrEnum):
    CHEAP = "CHEAP"
    FAST = "FAST"
    GREEN = "GREEN"
    REGULAR = "REGULAR"


def fold(ci_string: str) -> str:
    """The form in which two CiStrings are compared; what is shown and sent keeps the case it came with."""
    return ci_string.upper()


class PartyId(NamedTuple):
    """A party, written NL*TNM."""

    country_code: str
    party_id: str

    @classmethod
    def parse(cls, written: str) -> "PartyId":
        """Raises InvalidObject, unless it is two characters, an asterisk and up to three more."""
        country_code, asterisk, party_id = written.partition("*")
        if not asterisk or len(country_code) != 2 or not 1 <= len(party_id) <= 3 or not written.isascii():
            raise InvalidObject("", f"{written!r} is not a party: it is written like NL*TNM")
        return cls(country_code, party_id)

    def folded(self) -> "PartyId":
        """The form to compare, to look up and to put into a set."""
        return PartyId(fold(self.country_code), fold(self.party_id))

    def is_same(self, other: "PartyId") -> bool:
        return self.folded() == other.folded()

    def __str__(self) -> str:
        return f"{self.country_code}*{self.party_id}"


MAX_DEPTH = 32
MAX_EXPONENT = 308
"""That of a double; a handful of bytes could otherwise ask for gigabytes of zeros."""


def decode(body: bytes, *, max_depth: int = MAX_DEPTH) -> object:
    """What a JSON text says, with fractions as Decimal, digit for digit; of a repeated key the last one counts.

    A byte order mark at its beginning is passed over, as RFC 8259 allows.

    Raises UnreadableJson, if it is not JSON, empty, or nested deeper than max_depth
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    if _may_be_deeper(body, max_depth):
        raise UnreadableJson(f"the JSON is nested deeper than {max_depth}")
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableJson(f"the body is not JSON: {error}") from None


def document_of(text: str | bytes) -> JsonObject:
    """A document as the database has it: it was read on its way in, and only objects are stored."""
    found = decode(text.encode() if isinstance(text, str) else text)
    assert isinstance(found, dict)
    return found


def received(body: bytes, *, max_depth: int = MAX_DEPTH) -> object:
    """What the body of a request says, if all of it can be kept: PostgreSQL has no place for the character U+0000.

    Raises UnreadableJson as `decode`, and InvalidObject for that character
    """
    found = decode(body, max_depth=max_depth)
    if _ESCAPED_NUL in body:
        refuse_nul(found)
    return found


def refuse_nul(value: object, pointer: str = "") -> None:
    """Raises InvalidObject, if a string or a name in it holds the character U+0000"""
    match value:
        case str() if "\0" in value:
            raise InvalidObject(pointer, "must not hold the character U+0000")
        case dict():
            for name, one in value.items():
                refuse_nul(name, pointer)
                refuse_nul(one, f"{pointer}/{name}")
        case list():
            for index, one in enumerate(value):
                refuse_nul(one, f"{pointer}/{index}")


def without_nul(body: bytes) -> bytes:
    """A JSON text with U+FFFD for each U+0000: one such character must not keep a partner's whole list from us."""
    return _NUL.sub(rb"\1\\ufffd", body) if _ESCAPED_NUL in body else body


def encode(value: object) -> bytes:
    """The JSON text of a document, fractions being Decimal; never in exponent form, which not every partner can read.

    Raises ValueError, for NaN and infinity
    """
    text = _encoder.encode(value)
    # Searching for four words costs a tenth of looking at each number, and seldom finds one that is part of a string.
    # `find` and not `in`, which for bytes costs several times as much (it tries an integer first).
    if max(text.find(b"E+"), text.find(b"E-"), text.find(b"NaN"), text.find(b"Infinity")) >= 0:
        return _encoder.encode(_in_plain_digits(value))
    return text


def _number(digits: str) -> Decimal:
    number = Decimal(digits)
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise UnreadableJson("the JSON holds a number beyond the range of a double")
    return number


_ESCAPED_NUL = rb"\u0000"
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_decoder = msgspec.json.Decoder(float_hook=_number)
_encoder = msgspec.json.Encoder(decimal_format="number")
_TO_BRACES = bytes.maketrans(b"[]", b"{}")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def _may_be_deeper(body: bytes, max_depth: int) -> bool:
    # Each pass removes the innermost brackets: as many passes as levels, all of them in C.
    brackets = body.translate(_TO_BRACES, _NO_BRACKETS)
    for _ in range(max_depth):
        fewer = brackets.replace(b"{}", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    return bool(brackets) and _depth(body) > max_depth


def _depth(body: bytes) -> int:
    """Counts with care what brackets in strings hide."""
    deepest = depth = 0
    for token in re.findall(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', body, re.DOTALL):
        depth += (token in b"[{") - (token in b"]}")
        deepest = max(deepest, depth)
    return deepest


def _in_plain_digits(value: object) -> object:
    match value:
        case dict():
            return {key: _in_plain_digits(one) for key, one in value.items()}
        case list() | tuple():
            return [_in_plain_digits(one) for one in value]
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"{value} is no JSON number")
            return msgspec.Raw(format(value, "f").encode())
    return value


def now() -> datetime:
    """In milliseconds, which is all that survives the wire: what we emit can be asked for with date_from."""
    return in_milliseconds(datetime.now(UTC))


def in_milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def wire_time(at: datetime) -> str:
    """2015-06-29T20:39:09Z, with milliseconds where there are any."""
    at = at.astimezone(UTC).replace(tzinfo=None)
    return at.isoformat(timespec="milliseconds" if at.microsecond >= 1000 else "seconds") + "Z"


_MOMENT = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?\s*(?:[Zz]|([+\- ])([01]\d|2[0-3]):?([0-5]\d)?)?",
    re.ASCII,
)


def parse_time(written: str) -> datetime:
    """The moment that a DateTime names, to the millisecond, in all unambiguous forms that partners use.

    No designator means UTC, as the specification says. Offsets, `z`, any number of digits, and `1970-1-1T00:00:00Z`
    from the specification's own text are understood too; an offset of which the URL ate the plus sign is one with plus.

    Raises InvalidObject, for a date without a time and whatever else names no moment
    """
    found = _MOMENT.fullmatch(written)
    if found is None:
        raise InvalidObject("", f"{written!r} is not a moment such as 2015-06-29T20:39:09Z")
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    microsecond = int((fraction or "")[:3].ljust(3, "0")) * 1000
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        at = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, tzinfo=UTC)
        return at + offset if sign == "-" else at - offset
    except (ValueError, OverflowError):
        raise InvalidObject("", f"{written!r} is not a moment that exists") from None
