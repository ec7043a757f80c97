"""Signing in with an API key, and out again."""

from starlette.responses import Response

from ocpi_party.console import sessions
from ocpi_party.console.guard import COOKIE, HOME, SIGN_IN, is_secure
from ocpi_party.console.visit import Place, Visit


async def show_form(visit: Visit) -> Response:
    return visit.page("sign_in.html", next=_inside(visit.query.get("next", "")))


async def sign_in(visit: Visit) -> Response:
    form = await visit.form()
    wanted = _inside(form.get("next", ""))
    console = visit.console
    cookie = await sessions.begin(console.building, console.first_key, form.get("key", ""), console.lasts)
    if cookie is None:
        return visit.page("sign_in.html", 403, next=wanted, problem="There is no such key, or it is revoked.")
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


async def sign_out(visit: Visit) -> Response:
    await sessions.end(visit.building, visit.request.cookies[COOKIE])
    response = visit.go(SIGN_IN.removeprefix(HOME))
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
