"""A cheap load generator: raw HTTP/1.1 over kept connections, so that what is measured is the server. Runs as a process.

It reads one JSON plan from stdin and writes one JSON answer to stdout; `run_plan` starts it.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from time import perf_counter
from typing import Any, cast

import uvloop

MOST_SECONDS = 120
MOST_REQUESTS = 2_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """headers  without Host and Content-Length"""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None

    def encode(self) -> bytes:
        body = (self.body or "").encode()
        lines = [f"{self.method} {self.path} HTTP/1.1", "host: bench"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body is not None:
            lines += ["content-type: application/json", f"content-length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True, slots=True)
class Slice:
    """Requests of one kind, over and over, for a time; or a number of them.

    rate  requests per second that come whether or not earlier ones are answered; None for as many as are answered
    """

    kind: str
    seconds: float
    connections: int = 8
    rate: float | None = None
    most: int = MOST_REQUESTS


@dataclass(frozen=True, slots=True)
class Measured:
    """What a slice saw; refused counts answers other than 2xx and 1xxx of OCPI, latencies are in seconds."""

    kind: str
    count: int
    seconds: float
    refused: int
    median: float
    p99: float

    @property
    def per_second(self) -> float:
        return self.count / self.seconds


class _Connection(asyncio.Protocol):
    """One request at a time; its body is counted, not kept."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.answered: asyncio.Future[int] | None = None
        self._head = b""
        self._left = -1
        self._status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:

        self.transport = cast("asyncio.Transport", transport)  # uvloop has a class of its own

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        """The HTTP status, when the whole answer is here; 0 for an envelope that says no."""
        assert self.transport is not None
        self.answered = asyncio.get_running_loop().create_future()
        self._head, self._left = b"", -1
        self.transport.write(request)
        return self.answered

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._head += data
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._status, self._left = int(head[9:12]), _length(head) - len(rest)
        else:
            self._left -= len(data)
        if self._left <= 0 and self.answered is not None and not self.answered.done():
            refused = b'"status_code":2' in data[-80:] or b'"status_code":3' in data[-80:]
            self.answered.set_result(0 if refused else self._status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(exc or ConnectionError("the server hung up"))


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        return 0
    return int(lower[at + 17 :].partition(b"\r\n")[0])


async def _slice(port: int, plan: Slice, requests: Iterator[bytes]) -> Measured:
    loop = asyncio.get_running_loop()
    lanes = [
        (await loop.create_connection(_Connection, "127.0.0.1", port))[1] for _ in range(min(plan.connections, 512))
    ]
    latencies: list[float] = []
    refused = 0
    started = perf_counter()
    end = started + min(plan.seconds, MOST_SECONDS)
    most = min(plan.most, MOST_REQUESTS)
    begun = 0

    async def lane(connection: _Connection) -> None:
        nonlocal refused, begun
        while begun < most:
            number = begun
            begun += 1
            at = perf_counter()
            if plan.rate is not None:
                due = started + number / plan.rate
                if due > at:
                    await asyncio.sleep(due - at)
                at = due
            if at >= end:
                return
            status = await connection.ask(next(requests))
            latencies.append(perf_counter() - at)
            refused += not 200 <= status < 300

    await asyncio.gather(*(lane(connection) for connection in lanes))
    seconds = perf_counter() - started
    for connection in lanes:
        if connection.transport is not None:
            connection.transport.close()
    latencies.sort()
    return Measured(plan.kind, len(latencies), seconds, refused, quantile(latencies, 0.5), quantile(latencies, 0.99))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of values in ascending order; 0 if there are none."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


async def _run(plan: dict[str, Any]) -> list[dict[str, Any]]:
    encoded = {
        kind: cycle([Request(**request).encode() for request in requests]) for kind, requests in plan["kinds"].items()
    }
    measured = [await _slice(plan["port"], Slice(**part), encoded[part["kind"]]) for part in plan["slices"]]
    return [asdict(part) for part in measured]


async def run_plan(port: int, kinds: dict[str, list[Request]], slices: list[Slice]) -> list[Measured]:
    """Run the slices one after the other, in a process of their own, against a server on loopback."""
    plan = {
        "port": port,
        "kinds": {kind: [asdict(request) for request in requests] for kind, requests in kinds.items()},
        "slices": [asdict(part) for part in slices],
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate(json.dumps(plan).encode())
    if process.returncode:
        raise RuntimeError("the load generator failed; its words are above")
    return [Measured(**part) for part in json.loads(told)]


if __name__ == "__main__":
    json.dump(uvloop.run(_run(json.load(sys.stdin))), sys.stdout)
