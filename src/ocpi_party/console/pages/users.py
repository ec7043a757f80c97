"""People who sign in with a password: an administrator adds and removes them, everybody changes their own password."""

from starlette.responses import Response

from ocpi_party.console import users
from ocpi_party.console.own_api import Failed
from ocpi_party.console.pages import settings
from ocpi_party.console.pages.signing_in import signed_out
from ocpi_party.console.passwords import SHORTEST
from ocpi_party.console.visit import Place, Visit
from ocpi_party.ocpi.errors import InvalidObject, UnknownObject


def _who(visit: Visit) -> str:
    """Who does it, for those who read the events."""
    return visit.who.name or "an API key"


def _wrong(fault: Exception) -> str:
    return f"The {fault.pointer.lstrip('/')} {fault.rule}." if isinstance(fault, InvalidObject) else f"{fault}."


async def add(visit: Visit) -> Response:
    form = await visit.form()
    name, scope = form.get("name", ""), form.get("scope", "")
    try:
        await users.add(visit.building.database, name, form.get("password", ""), scope, by=_who(visit))
    except (InvalidObject, users.AlreadyThere) as fault:
        status = 409 if isinstance(fault, users.AlreadyThere) else 422
        return await settings.show(visit, status, problem=_wrong(fault), given={"name": name, "scope": scope})
    return visit.go("/settings", "user-added")


async def set_password(visit: Visit) -> Response:
    form = await visit.form()
    user_id = visit.request.path_params["id"]
    try:
        await users.change_password(visit.building.database, user_id, form.get("password", ""), by=_who(visit))
    except InvalidObject as fault:
        return await settings.show(visit, 422, problem=_wrong(fault))
    except UnknownObject as fault:
        raise Failed(404, "there is no such user") from fault
    return visit.go("/settings", "password-set")


async def remove(visit: Visit) -> Response:
    try:
        async with visit.building.database.write() as tx:
            await users.remove(tx, visit.request.path_params["id"], by=_who(visit))
    except UnknownObject as fault:
        raise Failed(404, "there is no such user") from fault
    return visit.go("/settings", "user-removed")


async def own(visit: Visit) -> Response:
    return _own(visit)


def _own(visit: Visit, status: int = 200, **told: object) -> Response:
    if visit.who.user_id is None:
        raise Failed(404, "who signed in with an API key has no password")
    return visit.page("password.html", status, shortest=SHORTEST, **told)


async def change_own(visit: Visit) -> Response:
    """With the old one: somebody who finds a browser signed in must not be able to keep others out."""
    form = await visit.form()
    user_id, database = visit.who.user_id, visit.building.database
    try:
        if user_id is None or not await users.has_password(visit.building, user_id, form.get("old", ""), visit.address):
            return _own(visit, 403, problem="That is not your password.")
    except users.TooMany:
        return _own(visit, 429, problem="Too many wrong passwords. Try again in a quarter of an hour.")
    try:
        await users.change_password(database, user_id, form.get("password", ""), by=_who(visit))
    except InvalidObject as fault:
        return _own(visit, 422, problem=_wrong(fault))
    return signed_out(visit, "password-set")


PLACES = (
    Place("/settings/users", add, "POST", "admin"),
    Place("/settings/users/{id:int}/password", set_password, "POST", "admin"),
    Place("/settings/users/{id:int}/remove", remove, "POST", "admin"),
    Place("/password", own),
    Place("/password", change_own, "POST"),
)
