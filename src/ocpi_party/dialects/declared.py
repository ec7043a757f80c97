"""What the declaration of a field tells beyond its rule."""

from collections.abc import Iterator
from typing import Any, TypeVar, get_args

from pydantic.fields import FieldInfo

from ocpi_party.ocpi.fields import Spelt
from ocpi_party.ocpi.types import House


def house_in(annotation: Any) -> type[House] | None:
    if isinstance(annotation, type) and issubclass(annotation, House):
        return annotation
    return next((found for one in get_args(annotation) if (found := house_in(one))), None)


Marker = TypeVar("Marker")


def marker(declared: FieldInfo, kind: type[Marker]) -> Marker | None:
    return next((one for one in declared.metadata if isinstance(one, kind)), None)


def spelt_in(declared: FieldInfo) -> Spelt | None:
    """The rule of a field, or of each in a list, by which our own values are spelt."""
    return next((one for one in (*declared.metadata, *_within(declared.annotation)) if isinstance(one, Spelt)), None)


def _within(annotation: Any) -> Iterator[Any]:
    for one in get_args(annotation):
        yield one
        yield from _within(one)
