"""What partners do not know yet or refused, trying again, and where they deviate from the specification."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from ocpi_party.backoffice.answers import told
from ocpi_party.backoffice.authorization import READ, WRITE, CurrentBuilding
from ocpi_party.backoffice.described import body_of
from ocpi_party.backoffice.filters import LOWER
from ocpi_party.backoffice.lists import LISTED, answer, asked_for
from ocpi_party.backoffice.partners import known
from ocpi_party.backoffice.writing import Body, read_as
from ocpi_party.modules.oversight import deliveries
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import fold
from ocpi_party.partners import findings
from ocpi_party.transport.asked import Building

router = APIRouter(tags=["partners"])

PartnerQuery = Annotated[int | None, Query(ge=1, le=2**62)]


class Retry(Body):
    """partner  its id"""

    partner: Annotated[int, Field(ge=1, le=2**62)]


@router.get("/deliveries", dependencies=[READ, LISTED])
async def list_deliveries(
    request: Request,
    building: CurrentBuilding,
    partner: PartnerQuery = None,
    module: ModuleId | None = None,
    state: Annotated[Literal["waiting", "paused", "refused", "given_up"] | None, LOWER, Query()] = None,
) -> Response:
    """Objects of ours whose newest state a partner does not know, and results of its commands that it did not get.

    Waiting, paused because you switched it off, or refused or given up with the reason; objects before results, each the oldest
    first.
    """
    wanted = asked_for(request, building)
    only: dict[str, Any] = {"partner": partner, "module": module, "state": state and fold(state)}
    async with building.database.read() as tx:
        rows, total = await deliveries.page(tx, wanted, **only)
    return answer(request, building, wanted, [told(row) for row in rows], total)


@router.post("/deliveries/retry", status_code=202, dependencies=[WRITE], openapi_extra=body_of(Retry))
async def retry_deliveries(building: CurrentBuilding, body: Annotated[Retry, read_as(Retry)]) -> dict[str, Any]:
    """Tell a partner again what it refused or was given up, and try at once what waits.

    The result of a command or a request for a charging profile is sent again until a day after its time.
    """
    return {"retried": await retry(building, body.partner)}


async def retry(building: Building, partner_id: int) -> int:
    """Raises UnknownObject"""
    await known(building, partner_id)
    async with building.database.write() as tx:
        retried = await deliveries.retry(tx, partner_id, building.keep_trying)
    building.wake()
    return retried


@router.get("/findings", dependencies=[READ, LISTED])
async def list_findings(
    request: Request,
    building: CurrentBuilding,
    partner: PartnerQuery = None,
    module: ModuleId | None = None,
) -> Response:
    """Where partners deviate from the specification, what was seen last first; date_from and date_to are of that time."""
    wanted = asked_for(request, building)
    async with building.database.read() as tx:
        rows, total = await findings.page(
            tx, partner, module, wanted.date_from, wanted.date_to, offset=wanted.offset, limit=wanted.limit
        )
    return answer(request, building, wanted, [told(row) for row in rows], total)
