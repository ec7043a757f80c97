"""The operator's API, called in this process for somebody who is signed in: the console knows no more than it, and may no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message

from ocpi_party.backoffice.authorization import SIGNED_IN
from ocpi_party.ocpi.errors import UnreadableJson
from ocpi_party.ocpi.types import decode, encode

Params = Mapping[str, object | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """data  the opened body; None, if there is none"""

    status: int
    headers: Mapping[str, str]
    data: Any

    @property
    def problem(self) -> str | None:
        """What went wrong, in words."""
        if self.status < 400:
            return None
        return str(self.data.get("detail", self.status)) if isinstance(self.data, dict) else f"status {self.status}"

    @property
    def total(self) -> int:
        return int(self.headers.get("x-total-count", "0"))


class Failed(Exception):
    """The API refuses a page what it asks for."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


@dataclass(frozen=True, slots=True)
class OwnApi:
    """scopes  of who is signed in"""

    app: ASGIApp
    scopes: Sequence[str]

    async def get(self, path: str, params: Params | None = None) -> Answer:
        """Raises Failed"""
        answer = await self.call("GET", path, params=params)
        if answer.problem is not None:
            raise Failed(answer.status, answer.problem)
        return answer

    async def call(self, method: str, path: str, *, params: Params | None = None, body: object = None) -> Answer:
        """Ask. path  percent-encoded, as the router reads it; params  those without a value are left out"""
        content = b"" if body is None else encode(body)
        collected = _Collected(content)
        given = {name: value for name, value in (params or {}).items() if value not in (None, "")}
        await self.app(
            {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": method,
                "scheme": "http",
                "path": path,
                "raw_path": path.encode(),
                "query_string": urlencode(given).encode(),
                "root_path": "",
                "headers": [(b"host", b"console"), (b"content-type", b"application/json")],
                "client": None,
                "server": ("console", None),
                SIGNED_IN: self.scopes,
            },
            collected.receive,
            collected.send,
        )
        return collected.answer()


class _Collected:
    """One request and its answer, in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._status = 500
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    async def receive(self) -> Message:
        content, self._content = self._content, b""
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            self._body += message.get("body", b"")

    def answer(self) -> Answer:
        try:
            data = decode(bytes(self._body)) if self._body else None
        except UnreadableJson:
            data = None
        return Answer(self._status, self._headers, data)
