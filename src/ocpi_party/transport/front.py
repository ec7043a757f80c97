"""What happens to every OCPI request before its endpoint and after it: message ids, who asks, routing, limits, crashes.

One plain ASGI layer around the endpoints: what it adds stands on every answer, those to crashes included.
"""

import logging
import uuid
from collections.abc import Callable
from time import perf_counter

from starlette.datastructures import State
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocpi_party.database import DatabaseUnavailable
from ocpi_party.ocpi import headers
from ocpi_party.ocpi.errors import Refusal
from ocpi_party.ocpi.modules import FUNCTIONAL, ModuleId, Role
from ocpi_party.ocpi.status import StatusCode
from ocpi_party.ocpi.types import PartyId
from ocpi_party.partners.directory import Caller
from ocpi_party.transport import routing
from ocpi_party.transport.asked import Asked, Building
from ocpi_party.transport.envelope import failure
from ocpi_party.transport.errors import BodyTooLarge, InvitedOnly, refusal_answer
from ocpi_party.transport.paths import as_sent

log = logging.getLogger(__name__)

_ROLES = {"cpo": Role.CPO, "emsp": Role.EMSP}
_MODULES = {str(module): module for module in ModuleId}
_OPEN_TO_INVITED = (None, ModuleId.CREDENTIALS)

Observer = Callable[[Scope, Asked | None, int, float], None]
"""Told after each answer: scope, who asked, HTTP status, seconds."""


class OcpiFront:
    """The OCPI side of the house.

    app  the endpoints
    """

    def __init__(self, app: ASGIApp, house: Building) -> None:
        self._app = app
        self._house = house
        self.observers: list[Observer] = []
        self.seen: set[int] = set()
        """Partners heard of since somebody last emptied this; written down in batches, because a GET writes nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        as_sent(scope)
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        answer = _Answer(send, given.get(headers.REQUEST_ID), given.get(headers.CORRELATION_ID))
        asked: Asked | None = None
        try:
            caller = await self._house.directory.caller(given.get(headers.AUTHORIZATION))
            if caller is None:
                response = failure(
                    401,
                    StatusCode.CLIENT_ERROR,
                    "no or unknown credentials token",
                    headers={"www-authenticate": "Token"},
                )
                await response(scope, receive, answer)
                return
            self.seen.add(caller.partner.id)
            asked = await self._asked(scope, given, caller, answer)
            scope["asked"] = asked
            scope["state"] = State()._state
            await self._app(scope, _limited(receive, given, self._house.max_body_bytes), answer)
        except Refusal as refusal:
            await answer.instead(scope, receive, refusal_answer(refusal))
        except DatabaseUnavailable as fault:
            log.error("no database for a request of a partner: %s", fault)
            response = failure(
                503, StatusCode.SERVER_ERROR, "we cannot answer for the moment", headers={"retry-after": "5"}
            )
            await answer.instead(scope, receive, response)
        except Exception:
            log.exception("bug in an answer to a partner", extra={"correlation_id": answer.correlation_id})
            await answer.instead(
                scope, receive, failure(500, StatusCode.SERVER_ERROR, "we made a mistake; it is logged")
            )
        finally:
            for observe in self.observers:
                observe(scope, asked, answer.http_status, perf_counter() - started)

    async def _asked(self, scope: Scope, given: dict[str, str], caller: Caller, answer: "_Answer") -> Asked:
        role, version, module = _interface(scope["path"].removeprefix("/ocpi"))
        if caller.invited and module not in _OPEN_TO_INVITED:
            raise InvitedOnly("this token is for registration only")
        house, partner = self._house, caller.partner
        asked = Asked(
            house, partner, caller.token, caller.invited, house.dialects.get(version) or next(iter(house.dialects.values())),
            answer.request_id, answer.correlation_id,
        )  # fmt: skip
        asked.module = module
        asked.all_ours = partner.agreed_with(await house.directory.own_parties())
        if module not in FUNCTIONAL or role is None:
            return asked
        asked.role = role
        if partner.is_hub:
            asked.direct = await house.directory.reached_directly()
        fitting = tuple(party for party in asked.all_ours if party.role is role)
        answer.route(*_as_told(given))
        asked.sender = routing.sender(given, partner)
        asked.ours = routing.receivers(given, partner, fitting)
        answer.route(asked.sender, asked.ours[0].key)
        return asked


def _as_told(given: dict[str, str]) -> tuple[PartyId | None, PartyId | None]:
    """The headers swapped as they came, for an answer that says they are wrong."""
    sender = given.get(headers.FROM_COUNTRY_CODE), given.get(headers.FROM_PARTY_ID)
    to = given.get(headers.TO_COUNTRY_CODE), given.get(headers.TO_PARTY_ID)
    return (PartyId(*sender) if all(sender) else None, PartyId(*to) if all(to) else None)  # type: ignore[arg-type]


def _interface(path: str) -> tuple[Role | None, str, ModuleId | None]:
    """Role, version and module of /cpo/2.2.1/locations/…, /2.2.1/credentials or /versions."""
    parts = path.split("/", 4)
    if len(parts) > 3 and parts[1] in _ROLES:
        return _ROLES[parts[1]], parts[2], _MODULES.get(parts[3])
    if len(parts) > 2:
        return None, parts[1], _MODULES.get(parts[2])
    return None, parts[1] if len(parts) > 1 else "", None


class _Answer:
    """Sends on what the endpoint answers, with the headers that every answer has."""

    def __init__(self, send: Send, request_id: str | None, correlation_id: str | None) -> None:
        self._send = send
        self.request_id = request_id or str(uuid.uuid4())
        self.correlation_id = correlation_id or str(uuid.uuid4())
        self._added = [
            (b"x-request-id", self.request_id.encode("latin-1", "replace")),
            (b"x-correlation-id", self.correlation_id.encode("latin-1", "replace")),
        ]
        self._routing: list[tuple[bytes, bytes]] = []
        self.http_status = 0

    def route(self, sender: PartyId | None, ours: PartyId | None) -> None:
        self._routing = routing.answer_headers(sender, ours)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.http_status = message["status"]
            message["headers"] = [*message["headers"], *self._added, *self._routing]
        await self._send(message)

    async def instead(self, scope: Scope, receive: Receive, response: Response) -> None:
        """Answer this, unless an answer has begun: then the connection must break, so that nobody takes half for whole."""
        if self.http_status:
            raise RuntimeError("the answer broke off after its beginning")
        await response(scope, receive, self)


def _limited(receive: Receive, given: dict[str, str], most: int) -> Receive:
    told = given.get("content-length", "")
    if told.isdigit() and int(told) > most:
        raise BodyTooLarge(f"the body must have at most {most} bytes")
    if told.isdigit() or given.get("transfer-encoding") is None:
        return receive
    count = 0

    async def counted() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > most:
            raise BodyTooLarge(f"the body must have at most {most} bytes")
        return message

    return counted
