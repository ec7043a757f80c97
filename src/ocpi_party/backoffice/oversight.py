"""Across modules: what happened to a charge, and what waits for somebody."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ocpi_party.backoffice.answers import as_json
from ocpi_party.backoffice.authorization import READ, CurrentBuilding
from ocpi_party.backoffice.lists import LISTED, of_few
from ocpi_party.backoffice.messages import written
from ocpi_party.modules.oversight.timeline import sought, timeline
from ocpi_party.modules.oversight.watch import Limits, watch
from ocpi_party.ocpi.errors import InvalidParameter

router = APIRouter(tags=["oversight"], dependencies=[READ])

Minutes = Annotated[float, Query(ge=0, le=10_000_000)]


@router.get("/timeline")
async def get_timeline(
    building: CurrentBuilding,
    session: Annotated[
        str | None, Query(min_length=1, max_length=50, description="its id, or COUNTRY*PARTY/id")
    ] = None,
    command: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    authorization_reference: Annotated[str | None, Query(min_length=1, max_length=36)] = None,
) -> Response:
    """What happened to one charge, oldest first: authorization, command, session, CDRs, events and messages."""
    if sum(one is not None for one in (session, command, authorization_reference)) != 1:
        raise InvalidParameter("session", "or command or authorization_reference must be given, and one of them alone")
    await written(building)
    async with building.database.read() as tx:
        found = await timeline(tx, sought(session, command, authorization_reference))
    return as_json(found)


@router.get("/watch", dependencies=[LISTED])
async def get_watch(
    request: Request,
    building: CurrentBuilding,
    start_minutes: Minutes = 15,
    silence_minutes: Minutes = 360,
    cdr_minutes: Minutes = 1440,
    push_minutes: Minutes = 15,
    since_days: Annotated[float, Query(gt=0, le=3650)] = 30,
) -> Response:
    """What did not go on as it should have, the longest unsettled first: in words, and who has to act. Dates are of since."""
    limits = Limits(
        start=timedelta(minutes=start_minutes),
        silence=timedelta(minutes=silence_minutes),
        cdr=timedelta(minutes=cdr_minutes),
        push=timedelta(minutes=push_minutes),
        since=timedelta(days=since_days),
    )
    async with building.database.read() as tx:
        found = await watch(tx, limits)
    return of_few(request, building, [(one["since"], one) for one in found])
