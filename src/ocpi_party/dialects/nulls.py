"""Absent, null and, for a list, [] are the same: what is stored has the first form. OCPI 2.2.1, Types, Cardinality.

One form means that a change of spelling is no change: nobody is told, and no list differs from what was pushed.
"""

from functools import cache
from operator import is_
from typing import Any

from ocpi_party.dialects.declared import house_in, marker
from ocpi_party.ocpi.fields import NullIsEmpty
from ocpi_party.ocpi.types import House, JsonObject


@cache
def lists_of(kind: type[House]) -> frozenset[str]:
    """The names of the fields, here and below, for which [] is the same as nothing."""
    fields = kind.model_fields.items()
    own = {name for name, declared in fields if marker(declared, NullIsEmpty)}
    parts = {part for _, declared in fields if (part := house_in(declared.annotation))}
    return frozenset(own).union(*(lists_of(part) for part in parts))


def in_one_form(kind: type[House], document: JsonObject) -> JsonObject:
    """The document as it is stored, as far as what is absent goes."""
    return without_nulls(document, lists_of(kind))


def without_nulls(document: JsonObject, lists: frozenset[str]) -> JsonObject:
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
            below = without_nulls(value, lists) if kind is dict else _none_has_nulls(value, lists)
            if below is not value:
                kept = dict(document) if kept is document else kept
                kept[name] = below
    return kept


def _none_has_nulls(some: list[Any], lists: frozenset[str]) -> list[Any]:
    if not some or type(some[0]) is not dict:
        return some
    cleaned = [without_nulls(one, lists) if type(one) is dict else one for one in some]
    return some if all(map(is_, some, cleaned)) else cleaned
