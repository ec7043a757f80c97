"""HTTP as it comes in: what uvicorn's parser refuses is answered as everything else is, and what it drops is kept.

OCPI 2.2.1, Transport and format: each answer has the envelope, and ids to find the message by.
"""

import asyncio
import json
import re
import sys
import uuid
from http import HTTPStatus

import httptools
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ocpi_party.ocpi import headers
from ocpi_party.ocpi.status import StatusCode
from ocpi_party.transport.envelope import failure
from ocpi_party.transport.paths import is_ocpi

_REQUEST_LINE = re.compile(rb"\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+ +(?:[Hh][Tt][Tt][Pp]s?://[^/\s]*)?(/\S*)")
_UPGRADE = re.compile(rb"(?i)(?<=\n)upgrade(?=:)")


PATIENCE_SECONDS = 30.0
"""So long a request may take to come in; it is given up before twice this time is over, for connections are looked at so often."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    _given = b""
    _whole = False
    """Whether the last request came in to its end; a connection that says nothing is a request that does not come."""
    _awaited: object = ()
    """What was incomplete when we looked last."""
    _next_look: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._next_look = self.loop.call_later(PATIENCE_SECONDS, self.look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._next_look.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._whole = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._whole = True
        super().on_message_complete()

    def look(self) -> None:
        """Give up on a request that was not whole when we looked last, and is not yet."""
        # A timer for the connection costs its requests nothing. Each has its own list of headers: the same list, the same request.
        if not self._whole and self._awaited is self.headers:
            if self.cycle is not None and self.cycle.scope is self.scope and self.cycle.response_started:
                self.transport.close()  # Answered before it was whole, and once is enough.
            else:
                self._refuse(408, "the request did not come to its end in time")
            return
        self._awaited = () if self._whole else self.headers
        self._next_look = self.loop.call_later(PATIENCE_SECONDS, self.look)

    def data_received(self, data: bytes) -> None:
        # We upgrade to nothing. Where somebody offers it, as Java's client does with each first request, the parser would take
        # the body for another protocol and drop it.
        if data.find(b"pgrade:") >= 0 or data.find(b"PGRADE:") >= 0:
            data = _UPGRADE.sub(b"ignored", data)
        self._given = data
        super().data_received(data)
        self._given = b""

    def send_400_response(self, msg: str) -> None:
        unknown = isinstance(sys.exc_info()[1], httptools.HttpParserInvalidMethodError)
        self._refuse(*(501, "nobody knows this method") if unknown else (400, "this is no HTTP request"))

    def _refuse(self, status: int, words: str) -> None:
        """Say so in the form that the path asks for, as far as one can be made out; this is the end of the connection."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.close()  # An answer is on its way already: half of it must not look like the whole.
            return
        self.transport.write(self._written(_answer(self._path(), status, words)))
        self.transport.close()

    def _path(self) -> bytes:
        found = _REQUEST_LINE.match(self._given)
        return found[1] if found else getattr(self, "url", b"")

    def _written(self, response: Response) -> bytes:
        status = HTTPStatus(response.status_code)
        lines = [b"HTTP/1.1 %d %s" % (status.value, status.phrase.encode())]
        told = [*self.server_state.default_headers, *response.raw_headers, (b"connection", b"close")]
        lines += [name + b": " + value for name, value in told]
        return b"\r\n".join([*lines, b"", bytes(response.body)])


def _answer(path: bytes, status: int, words: str) -> Response:
    if not is_ocpi(path.decode("latin-1")):
        told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": words}
        return Response(json.dumps(told), status, media_type="application/problem+json")
    ids = {name: str(uuid.uuid4()) for name in (headers.REQUEST_ID, headers.CORRELATION_ID)}
    return failure(status, StatusCode.CLIENT_ERROR, words, headers=ids)
