"""What an app may show of a partner's Location, and whether it is open."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from ocpi_party.backoffice.authorization import READ, CurrentBuilding
from ocpi_party.backoffice.filters import UPPER
from ocpi_party.backoffice.objects import BY_NAME, find
from ocpi_party.backoffice.writing import PathId
from ocpi_party.modules.locations.display import display
from ocpi_party.modules.locations.facts import is_listed
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.token import TokenType
from ocpi_party.ocpi.types import PartyId, document_of, now
from ocpi_party.partners import repository
from ocpi_party.partners.parties import own_parties
from ocpi_party.transport.pagination import moment

router = APIRouter(prefix="/display", tags=["locations"], dependencies=[READ])

_OF_A_TOKEN = ("uid", "type", "visual_number", "issuer", "group_id")
Optional = Annotated[str | None, Query(max_length=64)]


@router.get("/locations/{country_code}/{party_id}/{location_id}")
async def get_display(
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    location_id: PathId,
    at: Annotated[str | None, Query(max_length=40, description="by default now")] = None,
    uid: Optional = None,
    type: Annotated[TokenType | None, UPPER, Query()] = None,  # noqa: A002 - the name of the Token's field
    visual_number: Optional = None,
    issuer: Optional = None,
    group_id: Optional = None,
) -> dict[str, Any]:
    """May this Location be shown to the holder of this token, is it open, and who operates it?"""
    seen_at = moment(at, "at") or now()
    given = (uid, type, visual_number, issuer, group_id)
    token = {name: value for name, value in zip(_OF_A_TOKEN, given, strict=True) if value is not None}
    module = BY_NAME[ModuleId.LOCATIONS]
    location = document_of(await find(building, module, country_code, party_id, [location_id]))
    async with building.database.read() as tx:
        parties = [party for partner in await repository.connected(tx) for party in partner.parties]
        parties += await own_parties(tx)
        listed = await is_listed(tx, str(PartyId(country_code, party_id).folded()), location_id)
    return asdict(display(location, listed=listed, token=token or None, at=seen_at, parties=parties))
