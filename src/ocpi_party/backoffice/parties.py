"""Our own parties."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ocpi_party.backoffice.authorization import ADMIN, READ, CurrentBuilding
from ocpi_party.backoffice.described import body_of
from ocpi_party.backoffice.errors import Conflict
from ocpi_party.backoffice.lists import LISTED, of_few
from ocpi_party.backoffice.writing import Body, read_as
from ocpi_party.ocpi.countries import is_country
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import Role
from ocpi_party.ocpi.types import BusinessDetails, wire_time
from ocpi_party.partners import repository
from ocpi_party.partners.parties import add_party, own_parties, parties_added
from ocpi_party.partners.partner import Party
from ocpi_party.transport.asked import Building

router = APIRouter(prefix="/parties", tags=["parties"])


def _country(code: str) -> str:
    if not is_country(code):
        raise PydanticCustomError("country", "is no country of ISO 3166-1 alpha-2")
    return code


class PartyBody(Body):
    country_code: Annotated[
        str, Field(pattern=r"^[A-Za-z]{2}$", description="ISO 3166-1 alpha-2"), AfterValidator(_country)
    ]
    party_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{3}$")]
    role: Literal["CPO", "EMSP"]
    business_details: BusinessDetails


@router.post("", status_code=201, dependencies=[ADMIN], openapi_extra=body_of(PartyBody))
async def post_party(building: CurrentBuilding, body: Annotated[PartyBody, read_as(PartyBody)]) -> dict[str, Any]:
    """Add a party of ours. Connected partners hear of it: their credentials are renewed at once."""
    if not body.business_details.name.strip():
        raise InvalidObject("/business_details/name", "must not be blank")
    details = body.business_details.model_dump(mode="json", exclude_none=True)
    party = Party(body.country_code.upper(), body.party_id.upper(), Role(body.role), details)
    async with building.database.write() as tx:
        if not await add_party(tx, party):
            raise Conflict(f"{party.key} is a party of ours in role {party.role} already")
        await repository.announce(tx, str(party.key))
    building.directory.drop()
    building.wake()
    return _told(party)


@router.get("", dependencies=[READ, LISTED])
async def list_parties(request: Request, building: CurrentBuilding) -> Response:
    """Our own parties, oldest first. Dates are of their addition."""
    async with building.database.read() as tx:
        found = [(wire_time(at), _told(party)) for at, party in await parties_added(tx)]
    return of_few(request, building, found)


async def get_parties(building: Building) -> list[dict[str, Any]]:
    async with building.database.read() as tx:
        return [_told(party) for party in await own_parties(tx)]


def _told(party: Party) -> dict[str, Any]:
    return {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "role": party.role,
        "business_details": party.business_details,
    }
