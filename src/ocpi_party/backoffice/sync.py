"""Whether a partner and we know the same: what it was not told yet, what of its lists was fetched, and pulling now."""

from typing import Annotated, Any

from fastapi import APIRouter

from ocpi_party.backoffice import deliveries
from ocpi_party.backoffice.answers import told
from ocpi_party.backoffice.authorization import READ, WRITE, CurrentBuilding
from ocpi_party.backoffice.described import body_of
from ocpi_party.backoffice.errors import Conflict
from ocpi_party.backoffice.partners import PartnerId, known
from ocpi_party.backoffice.writing import Body, read_as
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.outbox import overview
from ocpi_party.partners.partner import PartnerStatus
from ocpi_party.pull import overview as pulls
from ocpi_party.pull import schedule

router = APIRouter(prefix="/partners", tags=["partners"])


class WantedPull(Body):
    """module  without it all that are fetched; full  everything, not only what changed since the last time"""

    module: ModuleId | None = None
    full: bool = False


@router.post(
    "/{partner_id}/pull",
    status_code=202,
    dependencies=[WRITE],
    openapi_extra=body_of(WantedPull, required=False),
)
async def pull_now(
    building: CurrentBuilding, partner_id: PartnerId, asked: Annotated[WantedPull, read_as(WantedPull, optional=True)]
) -> dict[str, Any]:
    """Fetch the partner's lists now. How far that is: `GET /api/partners/{id}/sync`."""
    partner = await known(building, partner_id)
    if partner.status is not PartnerStatus.CONNECTED:
        raise Conflict(f"the partner is not connected, it is {partner.status}")
    async with building.database.write() as tx:
        lists = await schedule.pull_now(tx, partner_id, asked.module, full=asked.full)
    if not lists:
        raise Conflict(f"there is no list of {asked.module or 'this partner'} that we fetch from this partner")
    building.wake()
    return {"lists": lists}


@router.post("/{partner_id}/retry", status_code=202, dependencies=[WRITE])
async def retry(building: CurrentBuilding, partner_id: PartnerId) -> dict[str, int]:
    """Tell the partner again what it refused, and at once what waits for the end of a pause; `refused` were so many."""
    return {"refused": await deliveries.retry(building, partner_id)}


@router.get("/{partner_id}/sync", dependencies=[READ])
async def get_sync(building: CurrentBuilding, partner_id: PartnerId) -> dict[str, Any]:
    """push: what is pending, refused and paused per module, and how each of the partner's parties is reached; pull: its lists.

    Paused is what waits because the operator switched it off, with `push`, `modules` or `parties` of the partner.
    """
    await known(building, partner_id)
    async with building.database.read() as tx:
        modules, lanes = await overview.state(tx, partner_id)
        lists = await pulls.state(tx, partner_id)
    push = {"modules": [told(row) for row in modules], "parties": [told(row) for row in lanes]}
    return {"push": push, "pull": [told(row) for row in lists]}
