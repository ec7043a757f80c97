"""The sandbox as one application: a server of ours, its life, and the faults around it."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ocpi_party.backoffice.described import body_of
from ocpi_party.backoffice.writing import Body, read_as
from ocpi_party.ocpi.modules import ModuleId, Role
from ocpi_party.partners.partner import Party
from ocpi_party.sandbox.charge_points import ChargePoints
from ocpi_party.sandbox.faults import Fault, Faults, Faulty
from ocpi_party.server import App

router = APIRouter(prefix="/sandbox", tags=["sandbox"])


_MODULES = sorted({*ModuleId, "versions"})


def _module(name: str) -> str:
    if name not in _MODULES:
        raise PydanticCustomError("module", "must be one of {names}", {"names": ", ".join(_MODULES)})
    return name


class FaultsBody(Body):
    """seconds: how late slow answers are. modules: only requests to these are spoilt, null for all."""

    faults: list[Fault]
    seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    modules: list[Annotated[str, AfterValidator(_module)]] | None = None


@router.put("/faults", openapi_extra=body_of(FaultsBody))
async def put_faults(request: Request, body: Annotated[FaultsBody, read_as(FaultsBody)]) -> dict[str, Any]:
    """Have these faults instead of those before; answers that are held back go out at once. It needs no key."""
    faults: Faults = request.app.state.faults
    faults.change(body.faults, body.seconds, body.modules)
    return _told(faults)


@router.get("/faults")
async def get_faults(request: Request) -> dict[str, Any]:
    return _told(request.app.state.faults)


def _told(faults: Faults) -> dict[str, Any]:
    return {
        "faults": sorted(faults.active),
        "seconds": faults.seconds,
        "modules": None if faults.modules is None else sorted(faults.modules),
    }


def sandboxed(app: App, party: Party, faults: Faults, *, speed: float) -> Faulty:
    """The server with its life and its faults. speed  how much faster than ours the time of charge points goes"""
    if party.role is Role.CPO:
        app.further.append(ChargePoints(app.building, party, speed).live)
    app.api.state.faults = faults
    app.api.include_router(router)
    return Faulty(app, faults)
