"""What the operator's systems hear of requests with a later result."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from ocpi_party.database import Row, WriteTx
from ocpi_party.events.repository import EventType, tell, tell_many
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject

_RECEIVED = {
    ModuleId.COMMANDS: EventType.COMMAND_RECEIVED,
    ModuleId.CHARGING_PROFILES: EventType.CHARGING_PROFILE_RECEIVED,
}
_RESULTED = {
    ModuleId.COMMANDS: EventType.COMMAND_RESULTED,
    ModuleId.CHARGING_PROFILES: EventType.CHARGING_PROFILE_RESULTED,
}
_TIMED_OUT = {
    ModuleId.COMMANDS: EventType.COMMAND_TIMED_OUT,
    ModuleId.CHARGING_PROFILES: EventType.CHARGING_PROFILE_TIMED_OUT,
}


def _data(request_id: int, kind: str, direction: str) -> dict[str, Any]:
    return {"id": request_id, "kind": kind, "direction": direction}


async def received(tx: WriteTx, module: ModuleId, kind: str, request_id: int, partner_id: int) -> None:
    """A partner asks for something that our systems have to do."""
    data = _data(request_id, kind, "inbound")
    await tell(tx, _RECEIVED[module], f"{module}/{request_id}", data, partner_id=partner_id)


async def resulted(
    tx: WriteTx, module: ModuleId, kind: str, request_id: int, partner_id: int, result: JsonObject
) -> None:
    """A partner tells what came of a request of ours."""
    data = _data(request_id, kind, "outbound") | {"result": result}
    await tell(tx, _RESULTED[module], f"{module}/{request_id}", data, partner_id=partner_id)


async def timed_out(tx: WriteTx, direction: str, requests: Iterable[Row]) -> None:
    """Nobody told a result in time. requests  id, module, kind and partner_id of each"""

    def whose(row: Row) -> tuple[str, int]:
        return row["module"], row["partner_id"]

    for (module, partner_id), rows in groupby(sorted(requests, key=whose), whose):
        about = [(f"{module}/{row['id']}", _data(row["id"], row["kind"], direction)) for row in rows]
        await tell_many(tx, _TIMED_OUT[ModuleId(module)], about, partner_id=partner_id)


async def given_up(tx: WriteTx, module: ModuleId, kind: str, request_id: int, partner_id: int, why: str) -> None:
    """The partner does not get a result."""
    data = _data(request_id, kind, "inbound") | {"error": why}
    await tell(tx, EventType.DELIVERY_GIVEN_UP, f"{module}/{request_id}", data, partner_id=partner_id)
