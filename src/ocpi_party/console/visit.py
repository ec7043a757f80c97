"""One request for a page: what its function may use."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ocpi_party.backoffice.authorization import includes
from ocpi_party.console.guard import HOME, WHO
from ocpi_party.console.own_api import Answer, Failed, OwnApi
from ocpi_party.console.rendering import Templates
from ocpi_party.console.sessions import SignedIn
from ocpi_party.transport.asked import Building

_LONGEST_FORM = 2**20
_NOBODY = SignedIn(())


@dataclass(frozen=True, slots=True)
class Console:
    """What all pages share.

    settings  name, value and meaning of each, without secrets
    lasts     how long somebody stays signed in
    proxies   how many of ours stand before us and add to X-Forwarded-For
    """

    building: Building
    api: ASGIApp
    first_key: str
    settings: Sequence[tuple[str, str, str]]
    lasts: timedelta
    proxies: int
    templates: Templates


@dataclass(slots=True)
class Visit:
    request: Request
    console: Console

    @property
    def who(self) -> SignedIn:
        """Who is signed in; nobody, who may do nothing, on the page to do so."""
        found: SignedIn = self.request.scope.get(WHO, _NOBODY)
        return found

    @property
    def scopes(self) -> Sequence[str]:
        return self.who.scopes

    @property
    def building(self) -> Building:
        return self.console.building

    @property
    def api(self) -> OwnApi:
        return OwnApi(self.console.api, self.scopes)

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def address(self) -> str:
        """Where the browser is: as the connection says, or the outermost of our proxies."""
        passed = ",".join(self.request.headers.getlist("x-forwarded-for")).split(",")
        if self.console.proxies and len(passed) >= self.console.proxies:
            return passed[-self.console.proxies].strip()
        return self.request.client.host if self.request.client else ""

    def part(self, name: str) -> str:
        """A segment of the path, decoded once: paths reach the router as they were sent."""
        return unquote(str(self.request.path_params[name]))

    def may(self, scope: str) -> bool:
        return includes(self.scopes, scope)

    async def form(self) -> dict[str, str]:
        """The fields of a form, blanks around them taken away; of a repeated one the last."""
        body = await self.request.body()
        if len(body) > _LONGEST_FORM:
            raise Failed(413, "the form is too long")
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: value.strip() for name, value in fields}

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page, or a part of one."""
        known = {
            "visit": self,
            "may": self.may,
            "path": self.request.url.path,
            "done": _DONE.get(self.query.get("done", "")),
        }
        return HTMLResponse(self.console.templates.render(template, known | values), status)

    def go(self, path: str, done: str = "") -> Response:
        """After a form: show another page, with a word on what was done. done  a key of the sentences below"""
        return RedirectResponse(f"{HOME}{path}" + (f"?done={done}" if done else ""), 303)

    def failed(self, template: str, answer: Answer, **values: Any) -> Response:
        """The form again, with what is wrong with it."""
        return self.page(template, answer.status, problem=answer.problem, **values)


_DONE: Final[Mapping[str, str]] = {
    "rotated": "Both sides have new tokens.",
    "changed": "The changes are kept.",
    "pulling": "The lists are being fetched.",
    "retrying": "What was refused or waits is sent again now.",
    "unregistered": "The partner is unregistered.",
    "party": "The party is added. Connected partners are told of it.",
    "result": "The result is on its way to the eMSP.",
    "revoked": "The key is revoked.",
    "user-added": "The user is added, and can sign in.",
    "user-removed": "The user is gone, and signed out everywhere.",
    "password-set": "The password is changed. Whoever was signed in with the old one has to sign in anew.",
    "signed-out": "You were signed out meanwhile, and what you sent was not done. Sign in, and send it again.",
    "deleted": "The webhook is gone.",
    "resending": "The events are delivered again.",
    "canceled": "The reservation is cancelled, and the eMSP is told.",
}

Page = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is, and the scope that it needs."""

    path: str
    page: Page
    method: str = "GET"
    scope: str | None = "read"

    def route(self, console: Console) -> Route:
        async def answer(request: Request) -> Response:
            visit = Visit(request, console)
            if self.scope is not None and not visit.may(self.scope):
                raise Failed(403, f"this needs a key or a user with scope {self.scope}")
            return await self.page(visit)

        return Route(self.path, answer, methods=[self.method], name=f"{self.method} {self.path}")
