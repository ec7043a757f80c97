"""How one field is spelt: strings, numbers, moments and enums, each with its rule in words. OCPI 2.2.1, Types.

The error type of a rule ("free_text", "descriptive", …) is what `dialects.tolerance` goes by: the declaration of a
field also says how far a partner may stray from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from typing import Annotated, Any, Protocol, TypeVar, runtime_checkable

from annotated_types import MinLen
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

T = TypeVar("T")


def _or_say(schema: CoreSchema, kind: str, rule: str, **facts: Any) -> CoreSchema:
    return core_schema.custom_error_schema(
        schema, custom_error_type=kind, custom_error_message=rule, custom_error_context=facts
    )


@runtime_checkable
class Spelt(Protocol):
    """A field of which our own values have one spelling, while partners' stay as they came."""

    def spelt(self, value: object) -> object:
        """The value as we write it, itself if it is written so; what breaks the rule of the field is left to its check."""


@dataclass(frozen=True)
class CiString:
    """Printable ASCII, compared without regard to case: ids and codes. Too long or not ASCII is always refused."""

    max_length: int
    min_length: int = 0

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = core_schema.str_schema(
            min_length=self.min_length, max_length=self.max_length, pattern=r"^[\x20-\x7e]*$", strict=True
        )
        return _or_say(
            schema, "ci_string", f"must be {self.min_length} to {self.max_length} printable ASCII characters"
        )


@dataclass(frozen=True)
class Code:
    """A case-sensitive string that programs read: languages, currencies, credentials tokens, times of day."""

    pattern: str
    rule: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _or_say(core_schema.str_schema(pattern=f"^(?:{self.pattern})$", strict=True), "code", self.rule)


@dataclass(frozen=True)
class CodeInCapitals(Code):
    """One whose standard knows capitals only: ours are written so, whoever wrote them otherwise."""

    def spelt(self, value: object) -> object:
        return value if not isinstance(value, str) or value.isupper() else value.upper()


@dataclass(frozen=True)
class Text:
    """Printable UTF-8 that is not for humans alone, such as a contract number: too long is always refused."""

    max_length: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _or_say(_printable(self.max_length), "text", _printable_rule(self.max_length))


@dataclass(frozen=True)
class FreeText:
    """Printable UTF-8 for humans, kept although too long when a partner sends it."""

    max_length: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        rule = _printable_rule(self.max_length)
        return _or_say(_printable(self.max_length), "free_text", rule, max_length=self.max_length)


def _printable(max_length: int) -> CoreSchema:
    return core_schema.str_schema(max_length=max_length, pattern=r"^\P{Cc}*$", strict=True)


def _printable_rule(max_length: int) -> str:
    return f"must be a string of at most {max_length} characters without control characters"


@dataclass(frozen=True)
class _Url:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = core_schema.str_schema(max_length=255, pattern=r"^(?i:https?)://[^\s/?#]+[^\s]*$", strict=True)
        return _or_say(schema, "url", "must be an absolute http or https URL of at most 255 characters")


@dataclass(frozen=True)
class _DateTime:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        form = core_schema.str_schema(
            pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z$", strict=True
        )
        schema = core_schema.no_info_after_validator_function(_real, form)
        return _or_say(schema, "date_time", "must be a moment in UTC, such as 2015-06-29T20:39:09Z")


def _real(moment: str) -> str:
    datetime.fromisoformat(moment)
    return moment


_SENT = Decimal("0.0001")
"""A number has four decimals, "unless mentioned otherwise"."""
_ANY_DIGITS = Context(prec=1000)
"""More than a number that `decode` lets in has before and behind the point, once it is rounded."""


@dataclass(frozen=True)
class _Number:
    """A JSON number: int or Decimal, as `decode` gives it, or the float of another parser; no string, no boolean.

    places    so many decimals are a rule of this field: more are refused, in ours too, and not rounded
    at_least  so is what it must not be below
    """

    places: int | None = None
    at_least: Decimal | None = None

    def spelt(self, value: object) -> object:
        """With four decimals at most, rounded half up (AMB-30)."""
        if self.places is not None or not isinstance(value, Decimal | float):
            return value
        number = value if isinstance(value, Decimal) else Decimal(str(value))
        if not number.is_finite():
            return value
        rounded = number.quantize(_SENT, ROUND_HALF_UP, _ANY_DIGITS)
        if rounded == number:
            return value  # Zeros behind it are the operator's, and say how exact it is.
        return rounded or abs(rounded)  # No "-0" on the wire.

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        wire = core_schema.union_schema(
            [
                core_schema.is_instance_schema(Decimal),
                core_schema.int_schema(strict=True),
                core_schema.float_schema(strict=True),
            ],
            mode="left_to_right",
        )
        exact = core_schema.decimal_schema(
            strict=False, allow_inf_nan=False, decimal_places=self.places, ge=self.at_least
        )
        rule = "must be a number" if self.places is None else f"must be a number of at most {self.places} decimal place"
        rule += "" if self.at_least is None else f" and at least {self.at_least}"
        return _or_say(core_schema.chain_schema([wire, exact]), "number", rule)


@dataclass(frozen=True)
class Integer:
    """A JSON integer."""

    at_least: int | None = None
    at_most: int | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        bounds = [
            *([f"at least {self.at_least}"] if self.at_least is not None else []),
            *([f"at most {self.at_most}"] if self.at_most is not None else []),
        ]
        rule = " and ".join(["must be an integer", *bounds])
        return _or_say(core_schema.int_schema(strict=True, ge=self.at_least, le=self.at_most), "integer", rule)


@dataclass(frozen=True)
class Coordinate:
    """Degrees as a string with five to seven decimals; string(10) and (11) have no room for a sign beside seven."""

    degrees: int
    """How far it goes from zero: 90 or 180."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        within = "[0-8]?[0-9]" if self.degrees == 90 else "0?[0-9]{1,2}|1[0-7][0-9]"
        schema = core_schema.str_schema(
            max_length=len(str(-self.degrees)) + 7,
            pattern=rf"^-?(?:(?:{within})\.[0-9]{{5,7}}|{self.degrees}\.0{{5,7}})$",
            strict=True,
        )
        rule = f"must be degrees from -{self.degrees} to {self.degrees} as a string with five to seven decimals"
        return _or_say(schema, "coordinate", rule, degrees=self.degrees)


@dataclass(frozen=True)
class Descriptive:
    """An enum that tells humans something: a value that is unknown to us is kept as it is.

    acts_as  what an unknown value means to our logic, where some logic reads the field; by default it means nothing
    """

    acts_as: StrEnum | None = None

    def __get_pydantic_core_schema__(self, source: type[StrEnum], handler: GetCoreSchemaHandler) -> CoreSchema:
        stand_in = self.acts_as or next(iter(source))
        return _enum(source, "descriptive", stand_in=str(stand_in))


@dataclass(frozen=True)
class Control:
    """An enum that steers what we do: a value that is unknown to us is refused.

    alias  a wrong spelling that the specification itself spread, and the right one
    """

    alias: tuple[str, str] | None = None

    def __get_pydantic_core_schema__(self, source: type[StrEnum], handler: GetCoreSchemaHandler) -> CoreSchema:
        wrong, right = self.alias or ("", "")
        return _enum(source, "control", wrong=wrong, right=right)


def _enum(values: type[StrEnum], kind: str, **facts: Any) -> CoreSchema:
    schema = core_schema.enum_schema(values, list(values), sub_type="str", strict=False)
    named = ", ".join(list(values)[:9]) + (", …" if len(values) > 9 else "")
    return _or_say(schema, kind, f"must be one of {named}", **facts)


@dataclass(frozen=True)
class MayBeMissing:
    """Beside a required field that partners leave out and that we can do without.

    stand_in  what the absence means to our logic
    kept      whether the stand-in also enters the document, since nobody can do without it
    """

    stand_in: Callable[[], object]
    kept: bool = False


@dataclass(frozen=True)
class Dispensable:
    """Beside what is optional, and for people to read: its faults never speak against the object around it."""


@dataclass(frozen=True)
class NullIsEmpty:
    """The mark of `Many`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(lambda some: [] if some is None else some, handler(source))


Many = Annotated[list[T], NullIsEmpty()]
"""Cardinality `*`: absent, null and [] are the same."""
Some = Annotated[list[T], MinLen(1)]
"""Cardinality `+`."""

CiString32 = Annotated[str, CiString(32)]
CiString36 = Annotated[str, CiString(36)]
CiString39 = Annotated[str, CiString(39)]
CiString48 = Annotated[str, CiString(48)]
Id36 = Annotated[str, CiString(36, min_length=1)]
"""The id of an object; an empty one would have no URL."""
Id39 = Annotated[str, CiString(39, min_length=1)]
CountryCode = Annotated[str, CiString(2, min_length=2)]
"""ISO 3166-1 alpha-2 of a party; unlike `Country`, which is where a place is."""
PartyCode = Annotated[str, CiString(3, min_length=1)]
Country = Annotated[
    str, CodeInCapitals(r"[\x21-\x7e]{1,3}", "must be a country code of three letters (ISO 3166-1 alpha-3)")
]
Language = Annotated[str, Code("[A-Za-z]{2}", "must be a language code of two letters (ISO 639-1)")]
Currency = Annotated[str, CodeInCapitals("[A-Za-z]{3}", "must be a currency code of three letters (ISO 4217)")]
TimeOfDay = Annotated[str, Code("(?:[0-1][0-9]|2[0-3]):[0-5][0-9]", "must be a time of day as HH:MM")]
LocalDate = Annotated[
    str, Code("[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])", "must be a date as YYYY-MM-DD")
]
CredentialsToken = Annotated[
    str, Code(r"[\x21-\x7e]{1,64}", "must be 1 to 64 printable ASCII characters without blanks")
]
Url = Annotated[str, _Url()]
DateTime = Annotated[str, _DateTime()]
"""Stays a string; `types.parse_time` makes it a moment."""
Number = Annotated[Decimal, _Number()]
Rate = Annotated[Decimal, _Number(places=1, at_least=Decimal(0))]
"""A charging rate, in W or A: the most that may be used, or that a vehicle needs at least."""
Int = Annotated[int, Integer()]
