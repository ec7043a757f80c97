"""Requests as no HTTP library sends them, over a bare socket: each gets an answer in the envelope, and none hangs."""

import asyncio
import gzip
import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from tests.objects import a_location, a_tariff
from tests.partner import FakePartner, basic
from tests.server import API_KEY, Server

from ocpi_party.backoffice.metrics import place_of
from ocpi_party.cli import wire as served
from ocpi_party.transport.front import Handled

pytestmark = pytest.mark.parametrize("server", ["on a port"], indirect=True)

LOCATION = "/ocpi/emsp/2.2.1/locations/NL/TNM/LOC1"
TARIFF = "/ocpi/emsp/2.2.1/tariffs/NL/TNM/12"
VERSIONS = "/ocpi/versions"
BODY = json.dumps(a_location(name="é")).encode()
CHUNKED = {"Transfer-Encoding": "chunked"}
H2C = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA"}


@dataclass
class Wire:
    """A connection to our server, and the token of a partner."""

    token: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def spelt(self, method: str, url: str, body: bytes | None = None, **more: dict[str, str]) -> bytes:
        """A request. headers  beside those that it needs; instead  of a header that it needs, or without it"""
        sent = {"Host": "ours", "Authorization": basic(self.token)}
        if body is not None and "Transfer-Encoding" not in more.get("headers", {}):
            sent["Content-Length"] = str(len(body))
        sent |= more.get("headers", {})
        lines = [f"{method} {url} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1") + (body or b"")

    async def send(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)).decode("latin-1")
        line, *rest = head.strip().split("\r\n")
        told = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest)}
        body = await self.reader.readexactly(int(told.get("content-length", "0")))
        return int(line.split()[1]), told, body

    async def ask(self, raw: bytes) -> tuple[int, int | None]:
        """HTTP status and OCPI status of an answer that has all that each answer has."""
        await self.send(raw)
        status, told, body = await self.answer()
        opened: dict[str, Any] = json.loads(body)
        assert told["content-type"] == "application/json"
        assert uuid.UUID(told["x-request-id"])
        assert uuid.UUID(told["x-correlation-id"])
        assert opened["timestamp"].endswith("Z")
        assert (opened["status_code"] == 1000) is ("status_message" not in opened)
        return status, opened["status_code"]


@pytest.fixture
async def wire(server: Server) -> Any:
    caller = await server.connect(server.internet.add(FakePartner()))
    assert server.address is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.address.rpartition(":")[2]), limit=2**20)
    yield Wire(caller.token, reader, writer)
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)


@pytest.mark.requirement("OWN-07", "TRN-17", "TRN-25")
@pytest.mark.parametrize(
    ("method", "outcome"),
    [("BREW", (501, 2000)), ("get", (501, 2000)), ("put", (501, 2000)), *((one, (405, 2000)) for one in (
        "PROPFIND", "PURGE", "TRACE", "LINK", "OPTIONS", "POST"))],
)  # fmt: skip
async def test_methods_that_nobody_has(wire: Wire, method: str, outcome: tuple[int, int]) -> None:
    assert await wire.ask(wire.spelt(method, LOCATION)) == outcome


async def test_a_method_that_nobody_has_on_a_connection_that_was_used(wire: Wire) -> None:
    assert await wire.ask(wire.spelt("GET", VERSIONS)) == (200, 1000)
    assert await wire.ask(wire.spelt("BREW", VERSIONS)) == (501, 2000)
    assert await wire.reader.read() == b""


async def test_the_operator_hears_of_it_as_a_problem(wire: Wire) -> None:
    await wire.send(wire.spelt("BREW", "/api/parties"))

    status, told, body = await wire.answer()

    assert (status, told["content-type"]) == (501, "application/problem+json")
    assert json.loads(body)["status"] == 501


@pytest.mark.requirement("TRN-17")
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Foo": "a\0b"},
        {"X Foo": "a"},
        {"X-Foo": "a\r\n folded"},
        {"Content-Length": "-5"},
        {"Content-Length": "abc"},
        {"Content-Length": "9" * 30},
        {"Content-Length": "2", "content-length": "3"},
        {"Content-Length": "2", **CHUNKED},
    ],
    ids=str,
)
async def test_headers_that_break_http_are_400(wire: Wire, headers: dict[str, str]) -> None:
    assert await wire.ask(wire.spelt("PUT", LOCATION, headers=headers)) == (400, 2000)


@pytest.mark.requirement("HUB-04", "TRN-22", "TRN-23")
async def test_blanks_around_the_value_of_a_header_are_no_part_of_it(wire: Wire) -> None:
    given = {
        "OCPI-from-country-code": "NL",
        "OCPI-from-party-id": "TNM \t",
        "OCPI-to-country-code": "NL",
        "OCPI-to-party-id": "  OWM ",
        "X-Request-ID": "one ",
        "X-Correlation-ID": "two ",
    }

    await wire.send(wire.spelt("PUT", LOCATION, json.dumps(a_location()).encode(), headers=given))
    status, told, _ = await wire.answer()

    assert status == 201
    assert (told["ocpi-from-party-id"], told["ocpi-to-party-id"]) == ("OWM", "TNM")
    assert (told["x-request-id"], told["x-correlation-id"]) == ("one", "two")


@pytest.mark.parametrize("url", [LOCATION + "é", VERSIONS + "?date_from=é", LOCATION + "?a=" + "x" * 100_000])
async def test_urls_that_break_http_are_400(wire: Wire, url: str) -> None:
    assert await wire.ask(wire.spelt("GET", url)) == (400, 2000)


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        (LOCATION + "?a=" + "x" * 20_000, (404, 2003)),
        (LOCATION + "x" * 9_000, (404, 2003)),
        (LOCATION + "%zz", (404, 2003)),
        (LOCATION + "%ff", (404, 2003)),
        (LOCATION + "%00", (200, 2001)),
        (LOCATION + "#fragment", (404, 2003)),
        ("/ocpi", (404, 2001)),
        ("/ocpi/../api/parties", (404, 2001)),
        ("http://elsewhere" + LOCATION, (404, 2003)),
    ],
    ids=["long query", "long path", "no percent", "no utf-8", "nul", "fragment", "root", "dots", "absolute"],
)
async def test_urls_that_are_odd(wire: Wire, url: str, outcome: tuple[int, int]) -> None:
    assert await wire.ask(wire.spelt("GET", url)) == outcome


@pytest.mark.requirement("VER-14", "TRN-33")
@pytest.mark.parametrize("slashes", ["/", "//"], ids=["one more", "two more"])
@pytest.mark.parametrize(
    ("url", "outcome"),
    [(VERSIONS, (200, 1000)), (LOCATION, (404, 2003)), ("/ocpi", (404, 2001)), (VERSIONS + "?é", (400, 2000))],
    ids=["versions", "location", "root", "broken"],
)
async def test_slashes_between_our_address_and_ocpi_do_not_matter(
    wire: Wire, slashes: str, url: str, outcome: tuple[int, int]
) -> None:
    assert await wire.ask(wire.spelt("GET", slashes + url)) == outcome


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({"X-Foo": "\xff\xfe"}, (404, 2003)),
        ({"Authorization": "Token \xff\xff"}, (401, 2000)),
        ({"authorization": "Token abc"}, (401, 2000)),
        ({"X-Huge": "y" * 60_000}, (404, 2003)),
        ({f"X-{number}": "a" for number in range(2_000)}, (404, 2003)),
        ({"OCPI-to-country-code": "\xff\xff", "OCPI-to-party-id": "OWM"}, (404, 4001)),
        ({"OCPI-from-country-code": "N\tL", "OCPI-from-party-id": "TNM"}, (403, 2001)),
        ({"Accept": "application/xml"}, (404, 2003)),
        ({"Range": "bytes=0-1"}, (404, 2003)),
        (H2C, (404, 2003)),
        ({"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}, (404, 2003)),
    ],
    ids=["latin", "token", "two tokens", "huge", "many", "to", "from", "accept", "range", "h2c", "websocket"],
)
async def test_headers_that_are_odd(wire: Wire, headers: dict[str, str], outcome: tuple[int, int]) -> None:
    assert await wire.ask(wire.spelt("GET", LOCATION, headers=headers)) == outcome


def _chunks(body: bytes, trailer: bytes = b"") -> bytes:
    parts = [body[at : at + 100] for at in range(0, len(body), 100)]
    return b"".join(b"%x;note=1\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailer + b"\r\n"


@pytest.mark.requirement("TRN-15")
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY, {}),
        (BODY, {"Content-Type": "text/plain"}),
        (BODY, {"Content-Type": "\xff"}),
        (BODY, {"Content-Type": "application/json; charset=utf-16"}),
        (BODY, {"Content-Encoding": "identity"}),
        (BODY, {"Content-Encoding": "gzip"}),
        (BODY, {"Expect": "nonsense"}),
        (b"\xef\xbb\xbf" + BODY, {}),
        (b" \r\n\t" + BODY + b"\n ", {}),
        (_chunks(BODY), CHUNKED),
        (_chunks(BODY, b"X-Sum: 1\r\n"), {"Trailer": "X-Sum", **CHUNKED}),
        (BODY, H2C),
        (BODY, {"Connection": "upgrade", "UPGRADE": "h2c"}),
    ],
    ids=[
        "no type", "another type", "no ascii in the type", "a lie", "identity", "not compressed", "expect", "mark", "blanks",
        "chunked", "trailers", "h2c", "h2c in capitals",
    ],
)  # fmt: skip
async def test_bodies_that_are_odd_are_understood(
    server: Server, wire: Wire, body: bytes, headers: dict[str, str]
) -> None:
    assert await wire.ask(wire.spelt("PUT", LOCATION, body, headers=headers)) == (201, 1000)

    await wire.send(wire.spelt("GET", LOCATION))
    status, _, told = await wire.answer()
    assert (status, json.loads(told)["data"]) == (200, a_location(name="é"))


@pytest.mark.requirement("TRN-27")
@pytest.mark.parametrize(
    ("body", "headers", "outcome"),
    [
        (gzip.compress(BODY), {"Content-Encoding": "gzip"}, (415, 2000)),
        (gzip.compress(BODY), {}, (400, 2001)),
        (json.dumps(a_location()).encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}, (400, 2001)),
        (BODY.decode().encode("utf-16"), {}, (400, 2001)),
        (json.dumps({"name": "é"}, ensure_ascii=False).encode("latin-1"), {}, (400, 2001)),
        (b"", {}, (400, 2001)),
        (b"\xef\xbb\xbf", {}, (400, 2001)),
        (b"--x", {"Content-Type": "multipart/form-data; boundary=x"}, (400, 2001)),
        (b"zz\r\n{}\r\n0\r\n\r\n", CHUNKED, (400, 2000)),
        (b"", {"Content-Length": "999999999"}, (413, 2000)),
    ],
    ids=[
        "gzip",
        "gzip unsaid",
        "utf-16",
        "utf-16 unsaid",
        "latin-1",
        "none",
        "mark alone",
        "form",
        "bad chunk",
        "huge",
    ],
)
async def test_bodies_that_are_none(
    server: Server, wire: Wire, body: bytes, headers: dict[str, str], outcome: tuple[int, int]
) -> None:
    assert await wire.ask(wire.spelt("PUT", LOCATION, body, headers=headers)) == outcome
    assert await server.rows("SELECT seq FROM locations") == []


async def test_who_waits_for_100_continue_gets_it(wire: Wire) -> None:
    await wire.send(wire.spelt("PUT", LOCATION, headers={"Content-Length": str(len(BODY)), "Expect": "100-continue"}))
    assert (await wire.answer())[0] == 100

    assert await wire.ask(BODY) == (201, 1000)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("body", [b"{}", b"{", b"\xff"])
async def test_a_body_where_none_belongs_is_passed_over(wire: Wire, method: str, body: bytes) -> None:
    assert await wire.ask(wire.spelt("PUT", TARIFF, json.dumps(a_tariff()).encode())) == (201, 1000)

    assert await wire.ask(wire.spelt(method, TARIFF, body)) == (200, 1000)


async def _head(wire: Wire, url: str, headers: dict[str, str]) -> tuple[str, set[str]]:
    """The status line and the headers of the answer to HEAD, those left out that differ from one answer to the next."""
    await wire.send(wire.spelt("HEAD", url, headers=headers))
    line, *told = (await asyncio.wait_for(wire.reader.readuntil(b"\r\n\r\n"), 20)).decode().strip().split("\r\n")
    return line, {one for one in told if not one.startswith("date:")}


@pytest.mark.parametrize("url", [VERSIONS, LOCATION, TARIFF.rpartition("/")[0]])
async def test_head_is_answered_as_get_is_without_a_body_and_the_connection_goes_on(wire: Wire, url: str) -> None:
    ids = {"X-Request-ID": "1", "X-Correlation-ID": "2"}
    await wire.send(wire.spelt("GET", url, headers=ids))
    status, told, body = await wire.answer()

    line, head = await _head(wire, url, ids)

    assert line.split()[1] == str(status)
    assert head == {f"{name}: {value}" for name, value in told.items() if name != "date"}
    assert f"content-length: {len(body)}" in head
    assert await wire.ask(wire.spelt("GET", VERSIONS)) == (200, 1000)


async def test_head_of_what_has_no_get_is_405(wire: Wire) -> None:
    line, told = await _head(wire, "/ocpi/cpo/2.2.1/commands/START_SESSION", {})

    assert (line.split()[1], "allow: POST" in told) == ("405", True)
    assert await wire.ask(wire.spelt("GET", VERSIONS)) == (200, 1000)


async def test_head_of_a_stream_ends(wire: Wire) -> None:
    line, told = await _head(wire, "/api/events/stream", {"Authorization": f"Bearer {API_KEY}"})

    assert (line.split()[1], "content-type: text/event-stream; charset=utf-8" in told) == ("200", True)
    assert await wire.ask(wire.spelt("GET", VERSIONS)) == (200, 1000)


async def test_head_of_a_list_counts_and_is_kept_as_what_it_is(server: Server) -> None:
    caller = await server.connect(server.internet.add(FakePartner()))
    handled: list[Handled] = []
    server.app.front.observers.append(handled.append)

    answer = await caller.speaking(("NL", "TNM"), ("NL", "OWA"), "cpo").request("HEAD", "/locations", envelope=False)

    assert (answer.http_status, answer.headers["x-total-count"], answer.body) == (200, "0", b"")
    (kept,) = handled
    assert (kept.scope["method"], place_of(kept.scope)[1], kept.answer.size) == ("HEAD", "locations", 0)


async def test_requests_one_behind_the_other_are_answered_in_order(wire: Wire) -> None:
    await wire.send(
        wire.spelt("GET", VERSIONS, headers=H2C) + wire.spelt("GET", LOCATION) + wire.spelt("GET", VERSIONS)
    )

    assert [(await wire.answer())[0] for _ in range(3)] == [200, 404, 200]


@pytest.mark.parametrize(
    "raw", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
)
async def test_what_is_no_http_is_400_and_the_connection_ends(wire: Wire, raw: bytes) -> None:
    await wire.send(raw)

    assert (await wire.answer())[0] in (400, 501)
    assert await wire.reader.read() == b""


async def test_a_partner_that_hangs_up_within_its_body_is_no_mistake_of_ours(
    server: Server, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    ended = asyncio.Event()
    seen: list[str | None] = []

    def observe(handled: Any) -> None:
        seen.append(handled.error)
        ended.set()

    server.app.front.observers.append(observe)
    await wire.send(wire.spelt("PUT", LOCATION, headers={"Content-Length": str(len(BODY) + 10)}) + BODY)
    wire.writer.close()

    await asyncio.wait_for(ended.wait(), 20)
    assert seen == ["the partner hung up before its request was complete"]
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []
    assert await server.rows("SELECT seq FROM locations") == []


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Looks at a connection after it spoke, as often as it takes to give up on what does not come."""
    spoke: asyncio.Queue[served.Protocol] = asyncio.Queue()
    receive = served.Protocol.data_received

    def received(protocol: served.Protocol, data: bytes) -> None:
        receive(protocol, data)
        spoke.put_nowait(protocol)

    async def look(wire: Wire) -> None:
        ours = wire.writer.get_extra_info("sockname")
        while (protocol := await asyncio.wait_for(spoke.get(), 20)).client != ours:
            continue
        for _ in range(2):
            protocol.look()

    monkeypatch.setattr(served.Protocol, "data_received", received)
    return look


@pytest.mark.parametrize("left_out", [1, len(BODY) + 5])
async def test_half_a_request_does_not_hold_a_connection_for_ever(looking: Any, wire: Wire, left_out: int) -> None:
    await wire.send(wire.spelt("PUT", LOCATION, BODY, headers={"X-Foo": "bar"})[:-left_out])
    await looking(wire)

    status, told, body = await wire.answer()

    assert (status, told["connection"], json.loads(body)["status_code"]) == (408, "close", 2000)
    assert await wire.reader.read() == b""


async def test_half_a_request_that_was_answered_is_not_answered_twice(looking: Any, wire: Wire) -> None:
    wire.token = "nobody"
    await wire.send(wire.spelt("PUT", LOCATION, BODY)[:-1])
    assert (await wire.answer())[0] == 401

    await looking(wire)

    assert await wire.reader.read() == b""


async def test_a_connection_that_says_nothing_is_ended(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "PATIENCE_SECONDS", 0.01)
    reader, writer = await asyncio.open_connection(*wire.writer.get_extra_info("peername"))

    assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_a_connection_waits_for_its_next_request(looking: Any, wire: Wire) -> None:
    for _ in range(3):
        assert await wire.ask(wire.spelt("GET", VERSIONS)) == (200, 1000)
        await looking(wire)
