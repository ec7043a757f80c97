"""How far a partner may stray from the specification, and what we make of it then.

The strict model decides. What it finds is looked up by the error type of the field (see `ocpi.fields`): where a leniency
is known, the document is mended or the value kept, and a Finding tells the operator; all else refuses the object.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from operator import is_
from typing import Any, Final, NamedTuple, TypeVar, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.fields import Dispensable, MayBeMissing, NullIsEmpty
from ocpi_party.ocpi.types import House, JsonObject, decode, parse_time, wire_time

Path = tuple[int | str, ...]


class Finding(NamedTuple):
    """Where a partner strayed, as a JSON Pointer, and from which rule."""

    pointer: str
    rule: str


@dataclass(frozen=True)
class Reading:
    document: JsonObject
    findings: tuple[Finding, ...] = ()


def read(kind: type[House], wire: object) -> Reading:
    """What a partner sent, in the house form; as it came, number for number, but for nulls and what had to be mended.

    Raises InvalidObject, naming the first field that no leniency covers
    """
    return _read(kind, _without_nulls(_object(wire), _lists_of(kind)), LENIENCIES)


def read_body(kind: type[House], body: bytes) -> Reading:
    """The same from the JSON text: most texts show at a glance that there is no null to look for.

    Raises InvalidObject, and UnreadableJson
    """
    wire = _object(decode(body))
    if b"null" in body or _EMPTY_LIST.search(body):
        return read(kind, wire)
    return _read(kind, wire, LENIENCIES)


_EMPTY_LIST = re.compile(rb"\[\s*\]")


def read_own(kind: type[House], wire: object) -> JsonObject:
    """What the operator publishes: what others would have to forgive is refused; a moment may be spelt in any form.

    Raises InvalidObject
    """
    document = _without_nulls(_object(wire), _lists_of(kind))
    return _read(kind, document, {"date_time": LENIENCIES["date_time"]}).document


def changes(wire: object) -> JsonObject:
    """The body of a PATCH, without nulls: they mean "not mentioned". The whole is judged once it is merged.

    Raises InvalidObject, if it is no object
    """
    return _without_nulls(_object(wire), frozenset())


ABSENT: Final = object()
KEPT: Final = object()


class Bent(NamedTuple):
    """What is made of a value that breaks a rule.

    document  what the stored document gets: a value, ABSENT, or KEPT for what the partner sent
    stand_in  what the strict model gets instead, so that the rules about the other fields are still checked
    said      what the finding adds to the rule; None for what the specification allows
    """

    document: object
    stand_in: object
    said: str | None


@dataclass(frozen=True)
class Deviation:
    value: Any
    facts: Mapping[str, Any]
    optional: bool


Leniencies = Mapping[str, Callable[[Deviation], Bent | None]]


def _free_text(odd: Deviation) -> Bent | None:
    if isinstance(odd.value, str) and len(odd.value) <= 10 * odd.facts["max_length"]:
        return Bent(KEPT, "", "kept as it is")
    return None


_DECIMAL = re.compile(r"[+-]?\d{1,30}(\.\d{0,30})?", re.ASCII)


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal(str(value))
    return None


def _number(odd: Deviation) -> Bent | None:
    number = _decimal(odd.value) if isinstance(odd.value, str) else None
    return Bent(number, number, "the string was read as one") if number is not None else None


def _integer(odd: Deviation) -> Bent | None:
    number = _decimal(odd.value)
    if number is None or isinstance(odd.value, int) or number != number.to_integral_value():
        return None
    return Bent(int(number), int(number), f"read as {int(number)}")


def _coordinate(odd: Deviation) -> Bent | None:
    degrees = _decimal(odd.value)
    if degrees is None or abs(degrees) > odd.facts["degrees"]:
        return None
    rounded = str(degrees.quantize(Decimal("0.000001"), ROUND_HALF_UP))
    return Bent(rounded, rounded, f"read as {rounded}")


def _date_time(odd: Deviation) -> Bent | None:
    if not isinstance(odd.value, str):
        return None
    try:
        moment = wire_time(parse_time(odd.value))
    except InvalidObject:
        return _empty(odd)
    # No designator means UTC: that is not a deviation, and only its spelling is made uniform.
    allowed = re.fullmatch(r"[\d-]{10}T[\d:]{8}(\.\d{1,3})?", odd.value, re.ASCII)
    return Bent(moment, moment, None if allowed else f"read as {moment}")


def _empty(odd: Deviation) -> Bent | None:
    """Partners write "" for "none" where no empty string can be meant."""
    return Bent(ABSENT, ABSENT, "the empty string was read as absent") if odd.value == "" and odd.optional else None


def _url(odd: Deviation) -> Bent | None:
    if empty := _empty(odd):
        return empty
    return Bent(KEPT, ABSENT, "kept as it is") if odd.optional and isinstance(odd.value, str) else None


def _descriptive(odd: Deviation) -> Bent | None:
    if empty := _empty(odd):
        return empty
    return Bent(KEPT, odd.facts["stand_in"], "kept as it is") if isinstance(odd.value, str) else None


def _control(odd: Deviation) -> Bent | None:
    if odd.value == odd.facts["wrong"] != "":
        return Bent(odd.facts["right"], odd.facts["right"], f"read as {odd.facts['right']}")
    return _empty(odd)


LENIENCIES: Leniencies = {
    "free_text": _free_text,
    "number": _number,
    "integer": _integer,
    "coordinate": _coordinate,
    "date_time": _date_time,
    "url": _url,
    "code": _empty,
    "descriptive": _descriptive,
    "control": _control,
}


def _read(kind: type[House], document: JsonObject, leniencies: Leniencies) -> Reading:
    try:
        kind.model_validate(document)
    except ValidationError as error:
        return _Mending(kind, document, leniencies).mended(error)
    return Reading(document)


ROUNDS = 4
"""One look sees faults of single fields, the next those that they hid; no object that can be mended takes more."""


@dataclass
class _Mending:
    kind: type[House]
    document: JsonObject
    leniencies: Leniencies
    findings: dict[Finding, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stand_in = _copied(self.document)
        self.document = _copied(self.document)

    def mended(self, error: ValidationError) -> Reading:
        for _ in range(ROUNDS):
            refused = [one for one in error.errors(include_url=False) if not self._bends(one)]
            if refused:
                raise _invalid(refused)
            try:
                self.kind.model_validate(self.stand_in)
            except ValidationError as next_error:
                error = next_error
            else:
                return Reading(self.document, tuple(self.findings))
        raise _invalid(error.errors(include_url=False))

    def _bends(self, error: ErrorDetails) -> bool:
        path: Path = error["loc"]
        along = list(_fields_along(self.kind, path))
        bent = self._bend(error, along)
        if bent is None:
            path = next((at for at, one in along if _marker(one, Dispensable)), ())
            if not path or self.leniencies is not LENIENCIES:
                return False
            bent = Bent(KEPT, ABSENT, "kept as it is and ignored")
        _put(self.document, path, bent.document)
        _put(self.stand_in, path, bent.stand_in)
        if bent.said is not None:
            self.findings[Finding(pointer(_place(error)), f"{_rule(error)}; {bent.said}")] = None
        return True

    def _bend(self, error: ErrorDetails, along: list[tuple[Path, FieldInfo]]) -> Bent | None:
        if not along:
            return None
        at, declared = along[-1]
        if error["type"] == "missing" and self.leniencies is LENIENCIES:
            if missing := _marker(declared, MayBeMissing):
                stand_in = missing.stand_in()
                return Bent(stand_in if missing.kept else KEPT, stand_in, "done without")
            return None
        if (leniency := self.leniencies.get(error["type"])) is None:
            return None
        optional = at == error["loc"] and not declared.is_required()
        return leniency(Deviation(error["input"], error.get("ctx", {}), optional))


def _invalid(errors: list[ErrorDetails]) -> InvalidObject:
    first, *others = errors
    also = ", ".join(pointer(_place(one)) for one in others[:5])
    more = ", …" if len(others) > 5 else ""
    return InvalidObject(pointer(_place(first)), _rule(first) + (f" (also wrong: {also}{more})" if others else ""))


def _place(error: ErrorDetails) -> Path:
    return (*error["loc"], error["ctx"]["field"]) if error["type"] == "rule" else error["loc"]


_RULES = {
    "missing": "is required",
    "too_short": "must have at least one element",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "model_type": "must be an object",
}


def _rule(error: ErrorDetails) -> str:
    return _RULES.get(error["type"]) or error["msg"]


def pointer(path: Path) -> str:
    """RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _fields_along(kind: type[House], path: Path) -> Iterator[tuple[Path, FieldInfo]]:
    model: type[House] | None = kind
    for depth, step in enumerate(path, start=1):
        if isinstance(step, int):
            continue
        declared = model.model_fields.get(step) if model else None
        if declared is None:
            return
        yield path[:depth], declared
        model = _house_in(declared.annotation)


def _house_in(annotation: Any) -> type[House] | None:
    if isinstance(annotation, type) and issubclass(annotation, House):
        return annotation
    return next((found for one in get_args(annotation) if (found := _house_in(one))), None)


Marker = TypeVar("Marker")


def _marker(declared: FieldInfo, marker: type[Marker]) -> Marker | None:
    return next((one for one in declared.metadata if isinstance(one, marker)), None)


def _put(document: Any, path: Path, value: object) -> None:
    if value is KEPT:
        return
    for step in path[:-1]:
        try:
            document = document[step]
        except KeyError:
            return  # Something above it is gone already.
    if value is ABSENT:
        document.pop(path[-1], None)
    else:
        document[path[-1]] = value


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _object(wire: object) -> JsonObject:
    if not isinstance(wire, dict):
        raise InvalidObject("", "must be a JSON object")
    return wire


@cache
def _lists_of(kind: type[House]) -> frozenset[str]:
    """The names of the fields, here and below, for which [] is the same as nothing."""
    fields = kind.model_fields.items()
    own = {name for name, declared in fields if _marker(declared, NullIsEmpty)}
    parts = {part for _, declared in fields if (part := _house_in(declared.annotation))}
    return frozenset(own).union(*(_lists_of(part) for part in parts))


def _without_nulls(document: JsonObject, lists: frozenset[str]) -> JsonObject:
    """The document itself, if it has none; otherwise a copy as far down as need be."""
    kept = document
    for name, value in document.items():
        kind = type(value)
        if kind is str:
            continue
        if value is None or (kind is list and not value and name in lists):
            kept = dict(document) if kept is document else kept
            del kept[name]
        elif kind is dict or kind is list:
            below = _without_nulls(value, lists) if kind is dict else _none_has_nulls(value, lists)
            if below is not value:
                kept = dict(document) if kept is document else kept
                kept[name] = below
    return kept


def _none_has_nulls(some: list[Any], lists: frozenset[str]) -> list[Any]:
    if not some or type(some[0]) is not dict:
        return some
    cleaned = [_without_nulls(one, lists) if type(one) is dict else one for one in some]
    return some if all(map(is_, some, cleaned)) else cleaned
