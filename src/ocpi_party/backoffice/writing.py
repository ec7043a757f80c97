"""What endpoints that write our own objects share: whose they are, and the body as it came."""

from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ValidationError

from ocpi_party.backoffice.authorization import CurrentBuilding
from ocpi_party.backoffice.errors import NotAllowed
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId, Role, sender_of
from ocpi_party.ocpi.types import JsonObject, PartyId, received
from ocpi_party.partners.audience import EVERYBODY
from ocpi_party.transport.asked import Building
from ocpi_party.transport.errors import BodyTooLarge

PathId = Annotated[str, BeforeValidator(unquote)]
"""A path segment, decoded once: paths reach the router as they were sent."""

Audience = Annotated[
    str | None,
    Query(
        pattern=r"^([A-Za-z]{2}\*[A-Za-z0-9]{3}|-|\*)$",
        description="the one party that may see it, as DE*TNM; - for nobody; * for everybody; by default as it was",
    ),
]


def audience_of(given: str | None) -> str | None:
    """As it is stored; None leaves it as it was."""
    return EVERYBODY if given == "*" else given.upper() if given else None


async def our_owner(building: Building, module: ModuleId, country_code: str, party_id: str) -> str:
    """The owner as rows name it. Raises NotAllowed, if it is no party of ours in the role that owns such objects"""
    key, role = PartyId(country_code, party_id).folded(), sender_of(module)
    if not any(party.key == key and party.role is role for party in await building.directory.own_parties()):
        name = "CPO" if role is Role.CPO else "eMSP"
        raise NotAllowed(f"{country_code}*{party_id} is no {name} of ours: this is for our own objects alone")
    return str(key)


class Body(BaseModel):
    """The body of a request that is no object of OCPI: a name that nobody reads is refused, as it may be a mistyped one."""

    model_config = {"extra": "forbid"}


async def json_object(request: Request, building: Building) -> JsonObject:
    """The body, number for number. Raises UnreadableJson, BodyTooLarge, InvalidObject"""
    body = await request.body()
    if len(body) > building.max_body_bytes:
        raise BodyTooLarge(f"the body must have at most {building.max_body_bytes} bytes")
    found = received(body, max_depth=building.max_json_depth)
    if not isinstance(found, dict):
        raise InvalidObject("", "must be a JSON object")
    return found


def read_as(kind: type[Body], *, optional: bool = False) -> Any:
    """A dependency: the body as this kind. optional  without a body it is one with nothing in it"""

    async def read(request: Request, building: CurrentBuilding) -> Body:
        found = {} if optional and not await request.body() else await json_object(request, building)
        try:
            return kind.model_validate(found)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            raise RequestValidationError([fault | {"loc": ("body", *fault["loc"])} for fault in faults]) from None

    return Depends(read)
