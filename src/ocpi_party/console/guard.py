"""What holds for every page of the console: who is signed in, where a form came from, and what a browser may load."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocpi_party.console import sessions
from ocpi_party.transport.asked import Building

COOKIE: Final = "ocpi_party_console"
HOME: Final = "/console"
SIGN_IN: Final = f"{HOME}/sign-in"
WHO: Final = "console.who"

_OPEN = ("/sign-in", "/assets/")
_SAFE = ("GET", "HEAD", "OPTIONS")
_POLICY: Final[Mapping[str, str]] = {
    # Pico draws the signs of its form elements with data: images; everything else comes from here.
    "content-security-policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Guard:
    """Lets nobody pass who is not signed in; only the page to sign in and the assets are open."""

    def __init__(self, app: ASGIApp, building: Building, first_key: str) -> None:
        self._app = app
        self._building = building
        self._first_key = first_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = get_route_path(scope) or "/"
        if path == "/":
            scope = {**scope, "path": scope.get("root_path", "") + "/"}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_POLICY)
                headers["cache-control"] = _kept(path)
            await send(message)

        answer = await self._refused(scope, path)
        await (answer or self._app)(scope, receive, sending)

    async def _refused(self, scope: Scope, path: str) -> Response | None:
        """The answer to a request that must not reach its page."""
        if scope["method"] not in _SAFE and not came_from_us(Headers(scope=scope)):
            return PlainTextResponse("this form was not sent from the console", 403)
        if path.startswith(_OPEN):
            return None
        request = Request(scope)
        cookie = request.cookies.get(COOKIE)
        who = await sessions.whose(self._building, self._first_key, cookie) if cookie else None
        if who is None:
            return _to_sign_in(request)
        scope[WHO] = who
        return None


def _kept(path: str) -> str:
    """How long a browser may keep it: pages tell of partners and keys, and vendored files carry their version."""
    if path.startswith("/assets/vendored/"):
        return "public, max-age=31536000, immutable"
    return "no-cache" if path.startswith("/assets/") else "no-store"


def came_from_us(headers: Headers) -> bool:
    """A request that changes something was made by one of our pages.

    Browsers leave Sec-Fetch-Site out where we are reached without TLS; then the Origin must be the address asked.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def _to_sign_in(request: Request) -> Response:
    """Somebody comes back to the page they wanted, or to the one whose form or part was refused."""
    asked = urlsplit(request.headers.get("referer", "")) if _within_a_page(request) else request.url
    wanted = asked.path + (f"?{asked.query}" if asked.query else "")
    behind = {"next": wanted} if asked.path not in ("", HOME, SIGN_IN) else {}
    if request.method not in _SAFE:
        behind["done"] = "signed-out"
    where = SIGN_IN + (f"?{urlencode(behind, safe='/', quote_via=quote)}" if behind else "")
    if _is_part(request):  # A part of a page cannot show the form: the whole page goes there.
        return Response(status_code=401, headers={"hx-redirect": where})
    return RedirectResponse(where, 303)


def _is_part(request: Request) -> bool:
    return "hx-request" in request.headers


def _within_a_page(request: Request) -> bool:
    return _is_part(request) or request.method not in _SAFE


def is_secure(request: Request, public_url: str) -> bool:
    """Whether the cookie may travel over TLS only; a proxy may take TLS off before a request reaches us."""
    public = urlsplit(public_url)
    return request.url.scheme == "https" or (public.scheme == "https" and public.netloc == request.headers.get("host"))
