"""Two of our servers, a CPO and an eMSP, that roam with each other in this process; what lies between them can be broken."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.commanding import deliver
from tests.objects import a_cdr, a_cdr_token, a_charging_period, a_location, a_session, a_tariff, a_token, an_evse
from tests.server import Server, start_server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import PartyId, now, wire_time

CPO, EMSP = PartyId("NL", "TNM"), PartyId("DE", "ABC")
CAPABLE = ["CHARGING_PROFILE_CAPABLE", "REMOTE_START_STOP_CAPABLE"]

Fault = Callable[[ASGIApp, Scope, Receive, Send], Any]
"""Takes the place of a server; it may ask the server and lose its answer."""


def fails_with(fault: httpx.TransportError, *, done: bool = False) -> Fault:
    """done  the request is carried out, and the answer is lost"""

    async def fail(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if done:
            await app(scope, receive, _nowhere)
        raise fault

    return fail


async def _nowhere(_message: Any) -> None:
    """An answer that nobody hears."""


def answers(response: Callable[[], Response]) -> Fault:
    async def answer(_app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await response()(scope, receive, send)

    return answer


def _refusal() -> Response:
    return JSONResponse({"status_code": 2001, "status_message": "no", "timestamp": wire_time(now())})


PASSING: dict[str, Fault] = {
    "down": fails_with(httpx.ConnectError("down")),
    "hangs": fails_with(httpx.ReadTimeout("late")),
    "hears, and hangs": fails_with(httpx.ReadTimeout("late"), done=True),
    "breaks off": fails_with(httpx.RemoteProtocolError("gone"), done=True),
    "garbage": answers(lambda: Response(b'{"status_code": 10', 200)),
    "500": answers(lambda: Response(b"oops", 500)),
}
"""Faults that may pass: what could not be told is told later."""
REFUSES = answers(_refusal)


@dataclass
class Wire:
    """The way to a server. fault  what happens there now; None: nothing"""

    app: ASGIApp
    fault: Fault | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.fault is None:
            await self.app(scope, receive, send)
        else:
            await self.fault(self.app, scope, receive, send)


@dataclass
class End:
    """One of the two. at  id of the other one as its partner"""

    party: PartyId
    operator: httpx.AsyncClient
    at: int = field(default=0, kw_only=True)

    async def ask(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        answer = await self.operator.request(method, f"/api{path}", json=body, params=params)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def look(self, path: str, **params: Any) -> Any:
        """What there is; None, if there is nothing."""
        answer = await self.operator.get(f"/api{path}", params=params)
        return None if answer.status_code == 404 else answer.json()

    async def untold(self) -> dict[str, tuple[int, int]]:
        """Per module how many objects are pending, and how many were refused."""
        modules = (await self.ask("GET", f"/partners/{self.at}/sync"))["push"]["modules"]
        return {one["module"]: (one["pending"], one["refused"]) for one in modules}


@dataclass
class Near(End):
    """In this process, told by hand what to do. wire  the way that the other one takes to it"""

    server: Server
    wire: Wire

    async def tell(self) -> None:
        """Push everything and deliver every result that is due."""
        await self.server.push()
        await deliver(self.server)

    async def tell_again(self) -> None:
        """Time passes: what was postponed is due."""
        async with self.server.app.building.database.write() as tx:
            await tx.run(Statement("UPDATE outbox_lanes SET next_attempt_at = now()"))
            await tx.run(Statement("UPDATE results_due SET next_at = now() WHERE state = 'DUE'"))
        await self.tell()


@dataclass
class Thing:
    """An object of one end that the other one must know. changes  what is PATCHed later; none for what never changes"""

    module: str
    path: str
    body: dict[str, Any]
    changes: dict[str, Any] | None = None
    part: str = ""
    params: dict[str, str] = field(default_factory=dict)

    async def write(self, end: End) -> None:
        await end.ask("PUT", self.path, self.body, **self.params)

    async def change(self, end: End) -> None:
        if self.changes is not None:
            await end.ask("PATCH", self.path + self.part, self.changes, **self.params)


_TOKEN = a_cdr_token(EMSP)
OF_CPO = (
    Thing(
        "locations",
        "/locations/NL/TNM/LOC1",
        a_location(CPO, evses=[an_evse(capabilities=CAPABLE)]),
        {"status": "CHARGING"},
        part="/3256",
    ),
    Thing("tariffs", "/tariffs/NL/TNM/12", a_tariff(CPO), {"currency": "CHF"}),
    Thing(
        "sessions",
        "/sessions/NL/TNM/101",
        a_session(CPO, cdr_token=_TOKEN),
        {"kwh": 4.2, "charging_periods": [a_charging_period()]},
    ),
    Thing("cdrs", "/cdrs/NL/TNM/CDR1", a_cdr(CPO, cdr_token=_TOKEN)),
)
OF_EMSP = (Thing("tokens", "/tokens/DE/ABC/012345678", a_token(EMSP), {"valid": False}, params={"type": "RFID"}),)


@dataclass
class Ends:
    """Both, wherever they run."""

    cpo: End
    emsp: End

    @property
    def things(self) -> list[tuple[Thing, End, End]]:
        """Each with its owner, and the one who must know it."""
        ours = [(thing, self.cpo, self.emsp) for thing in OF_CPO]
        return [*ours, *((thing, self.emsp, self.cpo) for thing in OF_EMSP)]

    async def differences(self) -> list[str]:
        """The objects of which the two ends do not know the same."""
        found = []
        for thing, owner, other in self.things:
            if await owner.look(thing.path, **thing.params) != await other.look(thing.path, **thing.params):
                found.append(thing.path)
        return found


@dataclass
class Roaming(Ends):
    """Both in this process."""

    cpo: Near
    emsp: Near

    async def tell(self) -> None:
        for end in (self.cpo, self.emsp):
            await end.tell()

    async def tell_again(self) -> None:
        for end in (self.cpo, self.emsp):
            await end.tell_again()

    def break_with(self, fault: Fault | None) -> None:
        self.cpo.wire.fault = self.emsp.wire.fault = fault


@asynccontextmanager
async def one_end(party: PartyId, role: str, database_url: str) -> AsyncIterator[Near]:
    host = f"https://{role.lower()}.example"
    async with start_server(database_url, public_url=host) as server:
        await server.add_party(party.country_code, party.party_id, role)
        yield Near(party, server.operator, server, Wire(server.app))


async def connect(cpo: Near, emsp: Near) -> Roaming:
    """Let the eMSP register with the CPO."""
    join(cpo, emsp)
    await register(cpo, emsp)
    return Roaming(cpo, emsp)


async def register(cpo: End, emsp: End) -> None:
    """Let the eMSP register with the CPO, which it can reach."""
    invitation = await cpo.ask("POST", "/partners", {"name": "emsp"})
    cpo.at = invitation["id"]
    given = {name: invitation[name] for name in ("versions_url", "credentials_token")}
    emsp.at = (await emsp.ask("POST", "/partners", {"name": "cpo"} | given))["id"]


def join(cpo: Near, emsp: Near) -> None:
    """Each can reach the other."""
    cpo.server.internet.hosts["emsp.example"] = emsp.wire
    emsp.server.internet.hosts["cpo.example"] = cpo.wire
