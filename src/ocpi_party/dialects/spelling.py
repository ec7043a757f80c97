"""How our own objects are spelt: of several spellings that mean the same, what we publish has one. OCPI 2.2.1, Types.

It is chosen before an object is checked: what is stored is what was checked, answered and sent.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from operator import is_
from typing import Any

from ocpi_party.dialects.declared import house_in, spelt_in
from ocpi_party.dialects.nulls import in_one_form
from ocpi_party.ocpi.types import House, JsonObject


def in_our_spelling(kind: type[House], document: JsonObject) -> JsonObject:
    """The document as we store it, whether it is valid or not; a part of one, too."""
    return _respelt(kind, in_one_form(kind, document))


@cache
def _rules(kind: type[House]) -> Mapping[str, Callable[[Any], Any]]:
    """What is made of the fields of an object, by name; objects in which nothing has to be done are left out."""
    found: dict[str, Callable[[Any], Any]] = {}
    for name, declared in kind.model_fields.items():
        part = house_in(declared.annotation)
        if rule := spelt_in(declared):
            found[name] = rule.spelt
        elif part is not None and _rules(part):
            found[name] = partial(_part, part)
    return found


def _part(kind: type[House], value: Any) -> Any:
    return _respelt(kind, value) if isinstance(value, dict) else value


def _respelt(kind: type[House], document: JsonObject) -> JsonObject:
    """The document itself, if it is spelt so already."""
    news = {}
    for name, rule in _rules(kind).items():
        value = document.get(name)
        respelt = _each(rule, value) if isinstance(value, list) else rule(value)
        if respelt is not value:
            news[name] = respelt
    return document | news if news else document


def _each(rule: Callable[[Any], Any], some: list[Any]) -> list[Any]:
    respelt = [rule(one) for one in some]
    return some if all(map(is_, some, respelt)) else respelt
