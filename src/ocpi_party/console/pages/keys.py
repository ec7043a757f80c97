"""API keys: which there are, a new one, and none of them any more."""

from typing import Any

from starlette.responses import Response

from ocpi_party.backoffice import authorization
from ocpi_party.backoffice.authorization import SCOPES
from ocpi_party.console.own_api import Failed
from ocpi_party.console.visit import Place, Visit
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.types import decode


async def listing(visit: Visit) -> Response:
    return await _show(visit)


async def _show(visit: Visit, status: int = 200, **told: Any) -> Response:
    async with visit.building.database.read() as tx:
        rows = await authorization.keys(tx)
    keys = [dict(row) | {"scopes": decode(row["scopes"].encode())} for row in rows]
    return visit.page("keys.html", status, keys=keys, scopes=SCOPES, **told)


async def create(visit: Visit) -> Response:
    """The key is shown this once: we keep only its digest."""
    form = await visit.form()
    name, scope = form.get("name", ""), form.get("scope", "")
    if scope not in SCOPES:
        return await _show(visit, 422, problem="A key needs one of the scopes.")
    try:
        async with visit.building.database.write() as tx:
            _, key = await authorization.create_key(tx, visit.building.vault, name, scope)
    except InvalidObject as fault:
        return await _show(visit, 422, problem=f"The name {fault.rule}.")
    return await _show(visit, made={"name": name, "key": key})


async def revoke(visit: Visit) -> Response:
    async with visit.building.database.write() as tx:
        revoked = await authorization.revoke_key(tx, visit.request.path_params["id"])
    if not revoked:
        raise Failed(404, "there is no such key, or it is revoked already")
    return visit.go("/keys", "revoked")


PLACES = (
    Place("/keys", listing, scope="admin"),
    Place("/keys", create, "POST", "admin"),
    Place("/keys/{id:int}/revoke", revoke, "POST", "admin"),
)
