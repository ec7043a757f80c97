"""Whether this process lives, and whether it should be sent requests: told to load balancers and to people."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ocpi_party import schema
from ocpi_party.backoffice.authorization import CurrentBuilding
from ocpi_party.backoffice.described import PROBLEM
from ocpi_party.backoffice.errors import problem
from ocpi_party.database import Database, DatabaseUnavailable

router = APIRouter(prefix="/health", tags=["health"])

_PATIENCE_SECONDS = 2.0


@dataclass(slots=True)
class Life:
    """stopping  this process was told to stop: it finishes what it has begun and wants nothing new

    at_stop  called once then, before connections are drained: an answer that never ends must end itself
    """

    stopping: bool = False
    at_stop: list[Callable[[], None]] = field(default_factory=list)

    def stop(self) -> None:
        if not self.stopping:
            self.stopping = True
            for call in self.at_stop:
                call()


class Unfit(Exception):
    """This process cannot do its work; says why."""


async def check(database: Database) -> dict[str, str]:
    """The database answers, takes changes and has the schema of this version; what there is to tell of it. Raises Unfit

    A schema that is newer is told as `upgrade` and is no fault: code goes on running on the migrations of the next version, so
    that processes can be replaced one by one. None starts on such a schema.
    """
    told = {"migration": schema.head()}
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await database.check_writable()
            async with database.read() as tx:
                await schema.check(tx)
    except TimeoutError as fault:
        raise Unfit(f"the database did not answer within {_PATIENCE_SECONDS:g} seconds") from fault
    except (DatabaseUnavailable, schema.SchemaBehind) as fault:
        raise Unfit(str(fault)) from fault
    except schema.SchemaAhead as newer:
        told["upgrade"] = str(newer)
    return told


@router.get("/live")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/ready", responses={503: PROBLEM | {"description": "the process should not be sent requests; says why"}})
async def ready(request: Request, building: CurrentBuilding) -> Response:
    """The process can do its work: it is not stopping, and the database answers, takes changes and has the schema of this
    version, or of the next, which is told as `upgrade`."""
    life: Life = request.app.state.life
    try:
        if life.stopping:
            raise Unfit("this process is stopping")
        return JSONResponse({"status": "ready", **await check(building.database)})
    except Unfit as fault:
        return problem(503, "Not ready", str(fault), headers={"retry-after": "5"})
