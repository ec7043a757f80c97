"""What the declaration of a field tells beyond its rule."""

from typing import Any, TypeVar, get_args

from pydantic.fields import FieldInfo

from ocpi_party.ocpi.types import House


def house_in(annotation: Any) -> type[House] | None:
    if isinstance(annotation, type) and issubclass(annotation, House):
        return annotation
    return next((found for one in get_args(annotation) if (found := house_in(one))), None)


Marker = TypeVar("Marker")


def marker(declared: FieldInfo, kind: type[Marker]) -> Marker | None:
    return next((one for one in declared.metadata if isinstance(one, kind)), None)
