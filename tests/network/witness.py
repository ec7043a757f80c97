"""What stands on the wire between two platforms: it passes everything on, and notes who was asked what, and with which token."""

import asyncio
import base64
import binascii
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
_STATUS_CODE = re.compile(rb'"status_code" *: *(\d{4})')
_KEPT = 400
"""Bytes of an answer from its beginning, and from its end: its envelope says there whether it was done."""


@dataclass(slots=True)
class Seen:
    """A request on its way.

    to           the platform that was asked
    taken        it was passed on: somebody was there
    answered_at  when its answer began, None if none came
    """

    to: str
    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    taken: bool = False
    answered_at: float | None = None
    answer: bytes = b""

    @property
    def request_id(self) -> str:
        return self.headers.get("x-request-id", "")

    @property
    def token(self) -> str:
        """As it was meant, whether it was sent in Base64 or raw."""
        given = self.headers.get("authorization", "").partition(" ")[2].strip()
        with suppress(binascii.Error, UnicodeDecodeError):
            return base64.b64decode(given, validate=True).decode()
        return given

    @property
    def http_status(self) -> int | None:
        line = self.answer.split(b"\r\n", 1)[0].split(b" ")
        return int(line[1]) if len(line) > 1 and line[1].isdigit() else None

    @property
    def done(self) -> bool:
        """The one who was asked says that it did it."""
        status = _STATUS_CODE.search(self.answer)
        return self.http_status in (200, 201) and status is not None and status[1][:1] == b"1"

    def hears(self, part: bytes) -> None:
        if self.answered_at is None:
            self.answered_at = time.time()
        whole = self.answer + part
        self.answer = whole if len(whole) <= 2 * _KEPT else whole[:_KEPT] + whole[-_KEPT:]


@dataclass
class Witness:
    """One for all platforms; each has an address here, under which its partners know it."""

    seen: list[Seen] = field(default_factory=list)

    @asynccontextmanager
    async def before(self, name: str, port: int) -> AsyncIterator[str]:
        """Stand before the platform of this name, which listens on this port; gives the address of the witness."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._relay(name, port, reader, writer)
            writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**20)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    async def _relay(self, name: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        current: list[Seen] = []
        there: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        back: asyncio.Task[None] | None = None
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                current[:] = [_seen(name, head, body)]
                self.seen += current
                if there is None:
                    there = await asyncio.open_connection("127.0.0.1", port)
                    back = asyncio.create_task(_bring_back(there[0], writer, current))
                there[1].write(head + body)
                current[0].taken = True
                await there[1].drain()
        finally:
            if back is not None and there is not None:
                there[1].close()
                await asyncio.wait([back], timeout=5)
                back.cancel()


async def _bring_back(there: asyncio.StreamReader, writer: asyncio.StreamWriter, current: list[Seen]) -> None:
    with suppress(OSError):
        while part := await there.read(2**16):
            current[0].hears(part)
            writer.write(part)
            await writer.drain()
    writer.close()


def _seen(name: str, head: bytes, body: bytes) -> Seen:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines if line)
    headers = {key.lower(): value.strip() for key, _, value in pairs}
    return Seen(name, time.time(), method, path, headers, body)
