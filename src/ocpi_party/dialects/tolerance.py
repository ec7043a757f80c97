"""How far a partner may stray from the specification: strict first, then the leniencies, and a Finding for each.

The strict model decides; what it finds is looked up in `leniencies`, by error type: where one is known,
the document is mended or the value kept, and a Finding tells the operator; all else refuses the object.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ocpi_party.dialects.declared import house_in, marker
from ocpi_party.dialects.leniencies import ABSENT, KEPT, LENIENCIES, Bent, Deviation, Leniencies
from ocpi_party.dialects.nulls import in_one_form, without_nulls
from ocpi_party.dialects.spelling import in_our_spelling
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.fields import Dispensable, MayBeMissing
from ocpi_party.ocpi.publishable import must_be_publishable
from ocpi_party.ocpi.types import House, JsonObject, decode

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
    return _read(kind, in_one_form(kind, _object(wire)), LENIENCIES)


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
    """What the operator publishes, in our spelling: what others would have to forgive is refused, but for a moment's form.

    Raises InvalidObject
    """
    return _read(kind, in_our_spelling(kind, _object(wire)), {"date_time": LENIENCIES["date_time"]}).document


def read_published(kind: type[House], wire: object) -> JsonObject:
    """An object of ours that partners will get: shape, and the rules of what may be sent. Raises InvalidObject"""
    document = read_own(kind, wire)
    must_be_publishable(document)
    return document


def changes(wire: object) -> JsonObject:
    """The body of a PATCH, without nulls: they mean "not mentioned". The whole is judged once it is merged.

    Raises InvalidObject, if it is no object
    """
    return without_nulls(_object(wire), frozenset())


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
            path = next((at for at, one in reversed(along) if marker(one, Dispensable)), ())
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
            if missing := marker(declared, MayBeMissing):
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
        model = house_in(declared.annotation)


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
