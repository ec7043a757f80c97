"""What happens to every OCPI request before its endpoint and after it: message ids, who asks, routing, limits, crashes.

One plain ASGI layer around the endpoints: what it adds stands on every answer, those to crashes included.
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Final

from starlette.datastructures import State
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocpi_party.database import DatabaseUnavailable
from ocpi_party.messages.message import kept
from ocpi_party.ocpi import headers
from ocpi_party.ocpi.errors import Refusal
from ocpi_party.ocpi.modules import FUNCTIONAL, ModuleId, Role
from ocpi_party.ocpi.status import StatusCode
from ocpi_party.ocpi.types import PartyId, now
from ocpi_party.partners.directory import Caller
from ocpi_party.partners.partner import PartnerStatus
from ocpi_party.transport import routing
from ocpi_party.transport.asked import Asked, Building
from ocpi_party.transport.envelope import failure
from ocpi_party.transport.errors import BodyTooLarge, InvitedOnly, NotYet, refusal_answer
from ocpi_party.transport.paths import as_sent, is_about_what_was_begun, owner_in, with_forgotten_slash

log = logging.getLogger(__name__)

_ROLES = {"cpo": Role.CPO, "emsp": Role.EMSP}
_MODULES = {str(module): module for module in ModuleId}
NO_AUTHORIZATION: Final = "there is no header Authorization"
_OPEN_TO_INVITED = (None, ModuleId.CREDENTIALS)


_TAIL_BYTES: Final = 100
"""Our envelope ends with the status code and the timestamp, so that a long list need not be read to find it."""


@dataclass(slots=True)
class Kept:
    """A body as it goes by, how long it is, and its end: all of it, or its beginning once it has more than `most` bytes."""

    most: int
    begun: bytes = b""
    size: int = 0
    tail: bytes = b""

    def add(self, part: bytes) -> None:
        if part:
            if self.size <= self.most:
                self.begun = kept(self.begun + part if self.begun else part, self.most)
            self.size += len(part)
            self.tail = part[-_TAIL_BYTES:]


@dataclass(slots=True)
class Handled:
    """A request of a partner and what it was answered, for those who count or keep it.

    given   headers, the name in lower case; the credentials token is one of them
    caller  None, if the credentials token is nobody's
    asked   None, if it was refused before anybody knew what it asks for
    error   a mistake of ours, in words
    """

    scope: Scope
    given: Mapping[str, str]
    at: datetime
    request_id: str
    correlation_id: str
    body: Kept
    answer: Kept
    caller: Caller | None = None
    asked: Asked | None = None
    http_status: int = 0
    seconds: float = 0.0
    error: str | None = None


Observer = Callable[[Handled], None]


class OcpiFront:
    """The OCPI side of the house.

    app         the endpoints
    body_bytes  of a longer body observers see only the beginning
    """

    def __init__(self, app: ASGIApp, house: Building, *, body_bytes: int = 0) -> None:
        self._app = app
        self._house = house
        self._body_bytes = body_bytes
        self.observers: list[Observer] = []
        self.seen: set[int] = set()
        """Partners heard of since somebody last emptied this; written down in batches, because a GET writes nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        as_sent(scope)
        # The server takes away the blanks before a value, and leaves those behind it (RFC 9110, "Field Values").
        given = {name.decode("latin-1"): value.decode("latin-1").strip(" \t") for name, value in scope["headers"]}
        answer = _Answer(send, given.get(headers.REQUEST_ID), given.get(headers.CORRELATION_ID), Kept(self._body_bytes))
        handled = Handled(
            scope, given, now(), answer.request_id, answer.correlation_id, Kept(self._body_bytes), answer.kept
        )
        try:
            await self._answer(scope, _seen(receive, handled.body), answer, handled)
        except Refusal as refusal:
            await answer.instead(scope, receive, refusal_answer(refusal))
        except ClientDisconnect:
            handled.error = "the partner hung up before its request was complete"
        except DatabaseUnavailable as fault:
            log.warning("no database for a request of a partner: %s", fault)
            handled.error = str(fault)
            response = failure(
                503, StatusCode.SERVER_ERROR, "we cannot answer for the moment", headers={"retry-after": "5"}
            )
            await answer.instead(scope, receive, response)
        except Exception as fault:
            log.exception("bug in an answer to a partner", extra={"correlation_id": answer.correlation_id})
            handled.error = f"a mistake of ours: {type(fault).__name__}"
            await answer.instead(
                scope, receive, failure(500, StatusCode.SERVER_ERROR, "we made a mistake; it is logged")
            )
        finally:
            handled.http_status, handled.seconds = answer.http_status, perf_counter() - started
            for observe in self.observers:
                observe(handled)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer", handled: Handled) -> None:
        given = handled.given
        handled.caller = caller = await self._house.directory.caller(given.get(headers.AUTHORIZATION))
        if caller is None:
            words = "unknown credentials token" if headers.AUTHORIZATION in given else NO_AUTHORIZATION
            response = failure(401, StatusCode.CLIENT_ERROR, words, headers={"www-authenticate": "Token"})
            await response(scope, receive, answer)
            return
        self.seen.add(caller.partner.id)
        handled.asked = scope["asked"] = await self._asked(scope, given, caller, answer)
        scope["state"] = State()._state
        await self._app(scope, _limited(receive, given, self._house.max_body_bytes), answer)

    async def _asked(self, scope: Scope, given: Mapping[str, str], caller: Caller, answer: "_Answer") -> Asked:
        role, version, module = interface_of(scope["path"].removeprefix("/ocpi"))
        if module is None and (meant := with_forgotten_slash(scope["path"])):
            scope["path"] = meant
            role, version, module = interface_of(meant.removeprefix("/ocpi"))
        if caller.invited and module not in _OPEN_TO_INVITED:
            raise InvitedOnly("this token is for registration only")
        house, partner = self._house, caller.partner
        asked = Asked(
            house, partner, caller.token, caller.encoding, caller.invited,
            house.dialects.get(version) or next(iter(house.dialects.values())), answer.request_id, answer.correlation_id,
        )  # fmt: skip
        asked.module = module
        asked.was_begun = is_about_what_was_begun(scope["path"])
        own = await house.directory.own_parties()
        asked.all_ours = own if asked.was_begun else partner.agreed_with(own)
        if module not in FUNCTIONAL or role is None:
            return asked
        if partner.status is PartnerStatus.CONNECTING:
            raise NotYet("the registration is not finished: try again in a moment")
        asked.role = role
        if partner.is_hub:
            asked.direct = await house.directory.reached_directly()
        fitting = tuple(party for party in asked.all_ours if party.role is role)
        answer.route(*_as_told(given))
        asked.sender = routing.sender(given, partner, role, owner_in(scope["path"]))
        asked.ours = routing.receivers(given, partner, fitting)
        answer.route(asked.sender, asked.ours[0].key)
        return asked


def _as_told(given: Mapping[str, str]) -> tuple[PartyId | None, PartyId | None]:
    """The headers swapped as they came, for an answer that says they are wrong."""

    def party(country_code: str, party_id: str) -> PartyId | None:
        told = given.get(country_code), given.get(party_id)
        return PartyId(told[0], told[1]) if told[0] and told[1] else None

    return party(headers.FROM_COUNTRY_CODE, headers.FROM_PARTY_ID), party(headers.TO_COUNTRY_CODE, headers.TO_PARTY_ID)


def interface_of(path: str) -> tuple[Role | None, str, ModuleId | None]:
    """Role, version and module of /cpo/2.2.1/locations/…, /2.2.1/credentials or /versions."""
    parts = path.split("/", 4)
    if len(parts) > 3 and parts[1] in _ROLES:
        return _ROLES[parts[1]], parts[2], _MODULES.get(parts[3])
    if len(parts) > 2:
        return None, parts[1], _MODULES.get(parts[2])
    return None, parts[1] if len(parts) > 1 else "", None


class _Answer:
    """Sends on what the endpoint answers, with the headers that every answer has."""

    def __init__(self, send: Send, request_id: str | None, correlation_id: str | None, kept: Kept) -> None:
        self._send = send
        self.kept = kept
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
        else:
            self.kept.add(message.get("body", b""))
        await self._send(message)

    async def instead(self, scope: Scope, receive: Receive, response: Response) -> None:
        """Answer this, unless an answer has begun: then the connection must break, so that nobody takes half for whole."""
        if self.http_status:
            raise RuntimeError("the answer broke off after its beginning")
        await response(scope, receive, self)


def _seen(receive: Receive, kept: Kept) -> Receive:
    if not kept.most:
        return receive

    async def seen() -> Message:
        message = await receive()
        kept.add(message.get("body", b""))
        return message

    return seen


def _limited(receive: Receive, given: Mapping[str, str], most: int) -> Receive:
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
