"""Faults that partners have, put around the OCPI side of a server: what lies inside works, what goes out is spoilt."""

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocpi_party.ocpi import headers
from ocpi_party.ocpi.command import CommandResponseType
from ocpi_party.ocpi.status import StatusCode
from ocpi_party.ocpi.types import decode, encode
from ocpi_party.transport.envelope import failure, success
from ocpi_party.transport.paths import is_ocpi

PROMISED_SECONDS = 30
PAGE = 2
"""So many objects are on a page of a list that shrinks, at most: what the sandbox has must fill several."""


class Fault(StrEnum):
    """What is wrong with a partner.

    SLOW             answers late
    ERROR_500        does what it is asked, and answers with HTTP 500
    GARBAGE          answers with HTML
    WRONG_ENVELOPE   answers with the data alone, without the envelope
    RAW_TOKEN        does not decode the credentials token, as before 2.2
    SHRINKING_LIST   a list loses its first object while it is paged through
    SILENT_COMMANDS  takes commands on and never tells a result
    """

    SLOW = "slow"
    ERROR_500 = "500"
    GARBAGE = "garbage"
    WRONG_ENVELOPE = "wrong-envelope"
    RAW_TOKEN = "raw-token"  # noqa: S105 - the name of a fault
    SHRINKING_LIST = "shrinking-list"
    SILENT_COMMANDS = "silent-commands"


@dataclass(slots=True)
class Faults:
    """Those that are on. They can be changed while requests are under way.

    seconds  how late a slow answer is
    modules  only requests to these modules are spoilt, as locations or versions; None for all
    """

    active: frozenset[Fault] = frozenset()
    seconds: float = 35.0
    modules: frozenset[str] | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def change(
        self, active: Iterable[Fault], seconds: float | None = None, modules: Iterable[str] | None = None
    ) -> None:
        """These instead of those before. Answers that are held back go out at once."""
        self.active = frozenset(active)
        self.seconds = self.seconds if seconds is None else seconds
        self.modules = None if modules is None else frozenset(modules)
        self._changed.set()
        self._changed = asyncio.Event()

    def of(self, path: str) -> frozenset[Fault]:
        """Those that concern a request to this path."""
        if not is_ocpi(path):
            return frozenset()
        return self.active if self.modules is None or self.modules & set(path.split("/")) else frozenset()

    async def hold_back(self) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), self.seconds)
        except TimeoutError:
            return


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value.decode("latin-1") for known, value in self.headers if known == name.encode()), None)

    def having(self, **changes: str) -> "Answer":
        """The same with these headers in place of its own, x_total_count for x-total-count."""
        new = {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in changes.items()}
        kept = tuple(one for one in self.headers if one[0] not in new)
        return replace(self, headers=(*kept, *new.items()))

    def saying(self, body: bytes, *, status: int | None = None, kind: str = "application/json") -> "Answer":
        spoilt = self.having(content_type=kind, content_length=str(len(body)))
        return replace(spoilt, status=self.status if status is None else status, body=body)

    async def send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": self.body})


async def answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """What the app answers, as a whole."""
    started: list[Message] = []
    body = bytearray()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, keep)
    found = tuple((bytes(name).lower(), bytes(value)) for name, value in started[0]["headers"])
    return Answer(started[0]["status"], found, bytes(body))


class Faulty:
    """A server with faults. app  the server; what is not OCPI goes through untouched"""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        active = self.faults.of(scope["path"]) if scope["type"] == "http" else frozenset()
        if not active:
            await self._app(scope, receive, send)
            return
        if Fault.SLOW in active:
            await self.faults.hold_back()
        answer = await self._answer(scope, receive, active)
        for fault, spoil in _SPOIL.items():
            if fault in active:
                answer = spoil(answer)
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive, active: frozenset[Fault]) -> Answer:
        if Fault.RAW_TOKEN in active and _is_encoded(scope):
            refusal = failure(401, StatusCode.CLIENT_ERROR, "unknown credentials token")
            return await answer_of(refusal, scope, receive)
        if Fault.SILENT_COMMANDS in active and _is_command(scope):
            return await self._promise(scope, receive)
        if Fault.SHRINKING_LIST in active and _is_list(scope):
            return await self._shrunk(scope, receive)
        return await answer_of(self._app, scope, receive)

    async def _promise(self, scope: Scope, receive: Receive) -> Answer:
        """The command is not even looked at, only whether its sender may ask us at all."""
        versions = dict(scope) | {
            "method": "GET",
            "path": "/ocpi/versions",
            "raw_path": b"/ocpi/versions",
            "query_string": b"",
        }
        answer = await answer_of(self._app, versions, receive)
        if answer.status != 200:
            return answer
        promise = {"result": CommandResponseType.ACCEPTED, "timeout": PROMISED_SECONDS}
        return answer.saying(bytes(success(encode(promise)).body))

    async def _shrunk(self, scope: Scope, receive: Receive) -> Answer:
        """Behind its first page, which is a small one, a list is as if its first object had left it meanwhile.

        A partner that counts on alone misses one object; one that sees X-Total-Count shrink and goes back misses none.
        """
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        query.pop("cursor", None)
        offset, limit = query.get("offset", ""), query.get("limit", str(PAGE))
        query["limit"] = str(min(int(limit), PAGE)) if limit.isdecimal() else limit
        gone = 1 if offset.isdigit() and int(offset) > 0 else 0
        if gone:
            query["offset"] = str(int(offset) + gone)
        answer = await answer_of(self._app, dict(scope) | {"query_string": urlencode(query).encode()}, receive)
        total, link = answer.header(headers.TOTAL_COUNT), answer.header(headers.LINK)
        if total is not None and total.isdigit():
            answer = answer.having(x_total_count=str(int(total) - gone))
        return (
            answer
            if link is None
            else answer.having(link=_OFFSET.sub(lambda at: _earlier(at, gone), _uncursored(link)))
        )


_OFFSET = re.compile(r"(?<=[?&]offset=)\d+")


def _earlier(at: re.Match[str], by: int) -> str:
    return str(int(at[0]) - by)


def _uncursored(link: str) -> str:
    return re.sub(r"&cursor=[^&>]*", "", link)


def _is_command(scope: Scope) -> bool:
    return scope["method"] == "POST" and "/2.2.1/commands/" in scope["path"]


_LIST = re.compile(r"/+ocpi/+(?:cpo|emsp)/+2\.2\.1/+[a-z]+/*")


def _is_list(scope: Scope) -> bool:
    return scope["method"] == "GET" and _LIST.fullmatch(scope["path"]) is not None


def _is_encoded(scope: Scope) -> bool:
    """Whether the credentials token came in Base64; those that we give out are never Base64 by chance (AMB-01)."""
    given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    try:
        return bool(base64.b64decode(given.partition(b" ")[2].strip(), validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        return False


def _error(answer: Answer) -> Answer:
    return answer.saying(b"Internal Server Error", status=500, kind="text/plain")


def _garbage(answer: Answer) -> Answer:
    return answer.saying(b"<html><body>Welcome to nginx!</body></html>", status=200, kind="text/html")


def _without_envelope(answer: Answer) -> Answer:
    found = decode(answer.body)
    return answer.saying(encode(found.get("data", {}) if isinstance(found, dict) else found))


_SPOIL: dict[Fault, Callable[[Answer], Answer]] = {
    Fault.WRONG_ENVELOPE: _without_envelope,
    Fault.GARBAGE: _garbage,
    Fault.ERROR_500: _error,
}
