"""Values in the URL that stand for one of a few things: whoever mistypes one is told so, and not shown that there is nothing."""

from enum import StrEnum
from typing import Annotated, TypeVar
from urllib.parse import unquote

from fastapi import Query, Request
from pydantic import AfterValidator, BeforeValidator

from ocpi_party.events.repository import EventType, may_happen
from ocpi_party.modules.callbacks import inbound, outbound
from ocpi_party.ocpi.errors import InvalidParameter
from ocpi_party.ocpi.token import TokenType
from ocpi_party.ocpi.types import fold

Kind = TypeVar("Kind", bound=StrEnum)

UPPER = BeforeValidator(lambda given: fold(given) if isinstance(given, str) else given)
"""Beside an enum of words in upper case, which may be given in any."""
LOWER = BeforeValidator(lambda given: given.lower() if isinstance(given, str) else given)

RequestState = Annotated[
    str | None,
    UPPER,
    Query(
        max_length=20,
        description=f"inbound: {', '.join(inbound.State)}; outbound: {', '.join(outbound.State)}",
        json_schema_extra={"enum": list(dict.fromkeys([*inbound.State, *outbound.State]))},
    ),
]
Partner = Annotated[int | None, Query(ge=1, le=2**62, description="id of the partner it came from")]
For = Annotated[
    str | None,
    Query(
        alias="for",
        pattern=r"^[A-Za-z]{2}\*[A-Za-z0-9]{3}$",
        description="the party of ours that it was sent to, as DE*TNM",
    ),
]
OneTokenType = Annotated[TokenType | None, UPPER, Query(alias="type", description="by default RFID, else the only one")]


def one_of(kind: type[Kind], given: str | None, parameter: str) -> Kind | None:
    """The value that a filter names. Raises InvalidParameter"""
    if given is None:
        return None
    if given not in set(kind):
        raise InvalidParameter(parameter, f"must be one of {', '.join(kind)}")
    return kind(given)


def _of_an_event(given: str) -> str:
    if not may_happen(given):
        raise ValueError(f"{given} matches none of {', '.join(EventType)}")
    return given


TypeOfEvents = Annotated[str, AfterValidator(_of_an_event)]
"""A type of events, in which a * at the end matches the rest."""


async def without_nul(request: Request) -> None:
    """PostgreSQL has no place for the character U+0000. Raises InvalidParameter"""
    for name, value in (*request.query_params.multi_items(), *request.path_params.items()):
        if "\0" in unquote(value):
            raise InvalidParameter(name, "must not hold the character U+0000")
