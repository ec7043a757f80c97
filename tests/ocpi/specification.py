"""The tables of the specification as data, so that the models are checked against them and not against themselves.

`fields.tsv` and `enums.tsv` hold its tables of OCPI 2.2.1-d2 with the errata of May 2026, nothing else.
"""

import csv
import importlib
import inspect
import pkgutil
from collections import defaultdict
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from ocpi_party import ocpi
from ocpi_party.ocpi.types import House, JsonObject

HERE = Path(__file__).parent


class Field(NamedTuple):
    owner: str
    name: str
    type: str
    cardinality: str
    max: str

    @property
    def required(self) -> bool:
        return self.cardinality in "1+"

    @property
    def many(self) -> bool:
        return self.cardinality in "*+"

    @property
    def enum(self) -> str:
        name, _, is_enum = self.type.partition(" ")
        return name if is_enum else ""


def _rows(file: str) -> list[list[str]]:
    with (HERE / file).open(newline="") as table:
        return list(csv.reader(table, delimiter="\t"))[1:]


FIELDS = [Field(*row) for row in _rows("fields.tsv")]
ENUMS = {name: values.split() for name, values in _rows("enums.tsv")}
CLASSES: dict[str, list[Field]] = defaultdict(list)
for one in FIELDS:
    CLASSES[one.owner].append(one)

OURS = {"EVSE": "Evse", "CDR": "Cdr", "ModuleID": "ModuleId"}
"""Names that are written differently here: every other one is the specification's."""


def _ours(base: type) -> dict[str, Any]:
    modules = [importlib.import_module(f"{ocpi.__name__}.{file.name}") for file in pkgutil.iter_modules(ocpi.__path__)]
    members = [member for module in modules for member in inspect.getmembers(module, inspect.isclass)]
    return {name: kind for name, kind in members if issubclass(kind, base) and kind is not base}


MODELS: dict[str, type[House]] = _ours(House)
STR_ENUMS: dict[str, type[StrEnum]] = _ours(StrEnum)


def model(name: str) -> type[House]:
    return MODELS[OURS.get(name, name)]


SAMPLES: dict[str, object] = {
    "DateTime": "2015-06-29T20:39:09Z",
    "URL": "https://example.com/ocpi",
    "number": 1,
    "int": 0,
    "boolean": True,
}
NAMED_SAMPLES: dict[str, object] = {
    "latitude": "51.047599",
    "longitude": "-103.729944",
    "weekday": 7,
    "start_time": "08:00",
    "end_time": "18:00",
    "start_date": "2015-06-29",
    "end_date": "2015-06-30",
    "currency": "EUR",
    "country": "NLD",
}
PATTERNED = {*NAMED_SAMPLES, "period_begin", "period_end"}
"""Strings with a form of their own, of which the longest cannot be made up of one letter."""
NEEDED: dict[str, JsonObject] = {"PublishTokenType": {"group_id": "G1"}}
"""What a rule about several fields asks for although each of them is optional."""


def sample(field: Field, *, full: bool = False) -> Any:
    """A valid value, in a list where the field has many."""
    value = _one(field, full=full)
    return [value] if field.many else value


def _one(field: Field, *, full: bool) -> Any:
    if field.owner == "RegularHours" and field.name in PATTERNED - {"weekday"}:
        return "08:00" if field.name == "period_begin" else "18:00"
    if field.name in NAMED_SAMPLES:
        return NAMED_SAMPLES[field.name]
    if field.enum:
        return ENUMS[field.enum][0]
    if field.type in CLASSES:
        return (everything if full else minimum)(field.type)
    return SAMPLES.get(field.type, "a" * min(int(field.max or 3), 3))


def minimum(name: str) -> JsonObject:
    """An object with its required fields alone."""
    return {field.name: sample(field) for field in CLASSES[name] if field.required} | NEEDED.get(name, {})


def everything(name: str) -> JsonObject:
    """An object with all its fields, here and below."""
    document = {field.name: sample(field, full=True) for field in CLASSES[name]}
    return document | ({"twentyfourseven": False} if name == "Hours" else {})


def longest(field: Field) -> object:
    letters = "a" * int(field.max)
    return "https://example.com/" + letters[20:] if field.type == "URL" else letters


def too_long(field: Field) -> object:
    if field.type == "int":
        return 10 ** int(field.max)
    return str(longest(field)) + "a"


def wrong(field: Field) -> object:
    """A value of another type."""
    if field.enum:
        return "no such value"
    if field.type in CLASSES:
        return "no object"
    return {"DateTime": "2015-06-29", "URL": "/relative", "number": "1,5", "int": 1.5, "boolean": "true"}.get(
        field.type, 7
    )
