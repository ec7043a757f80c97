"""Partners that take what they are told and remember when: many ports, one cheap process. GET /-/log empties the memory."""

import asyncio
import json
import sys
from time import perf_counter
from typing import cast

import uvloop

_OK = b'{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}'
_log: list[tuple[float, str, str, list[tuple[str, str]], str]] = []


class _Server(asyncio.Protocol):
    def __init__(self) -> None:
        self._kept = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:

        self._transport = cast("asyncio.Transport", transport)  # uvloop has a class of its own

    def data_received(self, data: bytes) -> None:
        self._kept += data
        while True:
            head, end, rest = self._kept.partition(b"\r\n\r\n")
            if not end:
                return
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
            length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
            if len(rest) < length:
                return
            body, self._kept = rest[:length], rest[length:]
            self._answer(first, headers, body)

    def _answer(self, first: str, headers: list[tuple[str, str]], body: bytes) -> None:
        assert self._transport is not None
        method, path, _ = first.split(" ")
        answer = _OK
        port = self._transport.get_extra_info("sockname")[1]
        if path == "/-/count":
            answer = json.dumps(len(_log)).encode()
        elif path == "/-/log":
            answer = json.dumps(_log).encode()
            _log.clear()
        else:
            _log.append((perf_counter(), method, f"http://127.0.0.1:{port}{path}", headers, body.decode()))
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer)
        self._transport.write(head + answer)


async def main(count: int) -> None:
    loop = asyncio.get_running_loop()
    ports = []
    for _ in range(count):
        server = await loop.create_server(_Server, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps({"ports": ports}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
