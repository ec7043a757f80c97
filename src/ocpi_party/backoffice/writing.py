"""What endpoints that write our own objects share: whose they are, and the body as it came."""

from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Query, Request
from pydantic import BaseModel, BeforeValidator, model_validator

from ocpi_party.backoffice.errors import NotAllowed
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId, Role, sender_of
from ocpi_party.ocpi.types import JsonObject, PartyId, received, refuse_nul
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
        raise NotAllowed(f"{country_code}*{party_id} is no {name} of ours: only our own objects can be written")
    return str(key)


class Body(BaseModel):
    """The body of a request that is no object of OCPI."""

    @model_validator(mode="before")
    @classmethod
    def _can_be_kept(cls, given: Any) -> Any:
        try:
            refuse_nul(given)
        except InvalidObject as fault:
            raise ValueError(str(fault)) from None
        return given


async def json_object(request: Request, building: Building) -> JsonObject:
    """The body, number for number. Raises UnreadableJson, BodyTooLarge, InvalidObject"""
    body = await request.body()
    if len(body) > building.max_body_bytes:
        raise BodyTooLarge(f"the body must have at most {building.max_body_bytes} bytes")
    found = received(body, max_depth=building.max_json_depth)
    if not isinstance(found, dict):
        raise InvalidObject("", "must be a JSON object")
    return found


def body_of(kind: type[BaseModel], *, partial: bool = False) -> dict[str, Any]:
    """Documents a body that an endpoint reads itself: the OCPI object, or for a PATCH some of its fields."""
    title = f"{kind.__name__}Changes" if partial else kind.__name__
    described = "the fields that change" if partial else f"{kind.__name__} of OCPI 2.2.1; last_updated may be left out"
    schema = {"type": "object", "title": title, "description": described}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
