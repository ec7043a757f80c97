"""Whether this process lives, and whether it should be sent requests: told to load balancers and to people."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ocpi_party import schema
from ocpi_party.backoffice.authorization import CurrentBuilding
from ocpi_party.backoffice.errors import problem
from ocpi_party.database import DatabaseUnavailable

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


@router.get("/live")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/ready", responses={503: {"description": "The process should not be sent requests; says why"}})
async def ready(request: Request, building: CurrentBuilding) -> Response:
    """The process can do its work: it is not stopping, and the database answers and has the schema of this version.

    A schema that is newer is told as `upgrade` and is no reason to be sent nothing: code goes on running on the migrations of
    the next version, so that processes can be replaced one by one. None starts on such a schema.
    """
    life: Life = request.app.state.life
    told = {"status": "ready", "migration": schema.head()}
    fault = "this process is stopping" if life.stopping else None
    if fault is None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), building.database.read() as tx:
                await schema.check(tx)
        except TimeoutError:
            fault = f"the database did not answer within {_PATIENCE_SECONDS:g} seconds"
        except (DatabaseUnavailable, schema.SchemaBehind) as unfit:
            fault = str(unfit)
        except schema.SchemaAhead as newer:
            told["upgrade"] = str(newer)
    return problem(503, "Not ready", fault, headers={"retry-after": "5"}) if fault else JSONResponse(told)
