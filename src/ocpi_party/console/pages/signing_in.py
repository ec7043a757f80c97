"""Signing in, with a name and a password or with an API key, and out again."""

from datetime import datetime
from math import ceil

from starlette.responses import Response

from ocpi_party.console import sessions, users
from ocpi_party.console.guard import COOKIE, HOME, SIGN_IN, is_secure
from ocpi_party.console.users import TooMany
from ocpi_party.console.visit import Place, Visit
from ocpi_party.ocpi.types import now


async def show_form(visit: Visit) -> Response:
    return await _show(visit, _inside(visit.query.get("next", "")))


async def _show(visit: Visit, wanted: str, status: int = 200, **told: object) -> Response:
    async with visit.building.database.read() as tx:
        people = bool(await users.users(tx))
    return visit.page("sign_in.html", status, next=wanted, people=people, **told)


async def sign_in(visit: Visit) -> Response:
    form = await visit.form()
    wanted = _inside(form.get("next", ""))
    console = visit.console
    if "key" in form:
        cookie = await sessions.begin(console.building, console.first_key, form["key"], console.lasts)
        problem = "There is no such key, or it is revoked."
    else:
        name, password = form.get("name", ""), form.get("password", "")
        try:
            cookie = await users.sign_in(console.building, name, password, visit.address, console.lasts)
        except TooMany as fault:
            return await _too_many(visit, wanted, fault.until)
        problem = "This name and this password do not go together."
    if cookie is None:
        return await _show(visit, wanted, 403, given=form.get("name"), with_key="key" in form, problem=problem)
    response = visit.go(wanted.removeprefix(HOME))
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(console.lasts.total_seconds()),
        path=HOME,
        secure=is_secure(visit.request, console.building.public_url),
        httponly=True,
        samesite="strict",
    )
    return response


async def _too_many(visit: Visit, wanted: str, until: datetime) -> Response:
    seconds = max(1, ceil((until - now()).total_seconds()))
    problem = f"Too many wrong passwords. It can be tried again in {ceil(seconds / 60)} min."
    response = await _show(visit, wanted, 429, problem=problem)
    response.headers["retry-after"] = str(seconds)
    return response


async def sign_out(visit: Visit) -> Response:
    await sessions.end(visit.building, visit.request.cookies[COOKIE])
    return signed_out(visit)


def signed_out(visit: Visit, done: str = "") -> Response:
    """To the page to sign in, for somebody whose session is over."""
    response = visit.go(SIGN_IN.removeprefix(HOME), done)
    response.delete_cookie(COOKIE, path=HOME)
    return response


def _inside(wanted: str) -> str:
    """A place of the console; another site must not be where somebody who signed in ends."""
    return wanted if wanted == HOME or wanted.startswith((f"{HOME}/", f"{HOME}?")) else HOME


PLACES = (
    Place("/sign-in", show_form, scope=None),
    Place("/sign-in", sign_in, "POST", scope=None),
    Place("/sign-out", sign_out, "POST"),
)
