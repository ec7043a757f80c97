"""Requests to partners: certificates are checked, addresses are public, URLs are sent as they are written."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.partners.answer import PartnerUnreachable, answer_of
from ocpi_party.partners.client import OcpiClient
from ocpi_party.partners.exchange import About

BODY = b'{"data":[],"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(
    BODY
)


def _self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that only itself vouches for, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    path = folder / "partner.pem"
    path.write_bytes(pem)
    return path


@asynccontextmanager
async def _tls_partner(pem: Path) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER + BODY)
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpi/versions"


@dataclass
class _BreaksOff:
    """A partner that takes requests on one connection after the other, and answers only after some broke off."""

    breaks: int
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and X-Request-ID."""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        ids = [line.partition(":")[2].strip() for line in head.splitlines() if line.lower().startswith("x-request-id:")]
        self.asked.append((head.partition(" ")[0], ids[0]))
        if len(self.asked) > self.breaks:
            writer.write(ANSWER + BODY)
            await writer.drain()
        writer.close()


async def _send(method: str, partner: _BreaksOff, *, once: bool = False) -> int:
    client = OcpiClient(token_of=_no_token, forget=lambda: None, allow_private=True)
    await client.open()
    async with await asyncio.start_server(partner, "127.0.0.1", 0) as server:
        try:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpi"
            return (await client.send(method, url, "token", once=once)).status_code
        finally:
            await client.close()


async def _no_token(_partner_id: int) -> None:
    return None


async def _ask(url: str, ca_bundle: Path | None = None) -> int:
    client = OcpiClient(
        token_of=_no_token, forget=lambda: None, allow_private=True, ca_bundle=str(ca_bundle) if ca_bundle else None
    )
    await client.open()
    try:
        return (await client.send("GET", url, "token")).status_code
    finally:
        await client.close()


@pytest.mark.requirement("OPS-14", "TRN-01")
async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with _tls_partner(_self_signed(tmp_path)) as url:
        with pytest.raises(PartnerUnreachable, match="certificate"):
            await _ask(url)


@pytest.mark.requirement("OPS-14")
async def test_an_authority_of_the_operators_choice_can_vouch(tmp_path: Path) -> None:
    pem = _self_signed(tmp_path)
    async with _tls_partner(pem) as url:
        assert await _ask(url, pem) == 1000


@pytest.mark.requirement("TRN-22", "OPS-03")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_idempotent_request_is_sent_again_with_an_id_of_its_own_when_the_connection_breaks(
    method: str,
) -> None:
    partner = _BreaksOff(1)

    assert await _send(method, partner) == 1000

    assert [asked for asked, _ in partner.asked] == [method, method]
    assert len({request_id for _, request_id in partner.asked}) == 2


@pytest.mark.requirement("CRE-22", "OPS-03")
@pytest.mark.parametrize(("method", "once"), [("POST", False), ("PATCH", False), ("PUT", True)])
async def test_what_may_not_be_done_twice_is_sent_once_and_may_have_been_done(method: str, once: bool) -> None:
    partner = _BreaksOff(1)

    with pytest.raises(PartnerUnreachable) as failed:
        await _send(method, partner, once=once)

    assert failed.value.maybe_done
    assert len(partner.asked) == 1


async def test_a_second_break_is_the_end() -> None:
    partner = _BreaksOff(9)

    with pytest.raises(PartnerUnreachable) as failed:
        await _send("PUT", partner)

    assert failed.value.maybe_done
    assert len(partner.asked) == 2


async def test_where_nobody_listens_nothing_was_done() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]

    with pytest.raises(PartnerUnreachable) as failed:
        await _ask(f"http://127.0.0.1:{port}/ocpi", None)

    assert not failed.value.maybe_done


@pytest.mark.requirement("CHP-R-17", "PAG-14")
@pytest.mark.parametrize(
    "path",
    [
        "/receiver/101?duration=900&response_url=https%3A%2F%2Fours.example%2Fback%3Fid%3D1%26of%3D2",
        "/sender?date_from=2026-01-01T00%3A00%3A00%2B00%3A00&cursor=a+b%20c%7E%41",
        "/tokens/DE/TNM/a%2Fb%20c%2A%23NA%25%2B?type=APP_USER",
    ],
)
async def test_a_url_is_sent_as_it_is_written(path: str) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0])
        writer.write(ANSWER + BODY)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        await _ask(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}")

    assert asked == [f"GET {path} HTTP/1.1".encode()]


async def test_a_partner_that_does_not_answer_in_time_is_told_with_the_time() -> None:
    hung_up = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hung_up.wait()
        writer.close()

    client = OcpiClient(token_of=_no_token, forget=lambda: None, allow_private=True)
    await client.open()
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        with pytest.raises(PartnerUnreachable, match=r"^no answer within 0\.1 s$") as silence:
            await client.send("GET", url, "token", within=timedelta(seconds=0.1))
        hung_up.set()
    await client.close()

    assert silence.value.maybe_done


async def _redirected(location: str | None, *, about: About | None = None) -> list[str]:
    """The URLs that are called, if the partner redirects from one without a slash at its end."""
    called: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        called.append(f"{request.method} {request.url} {request.headers['authorization']} {request.content.decode()}")
        if request.url.path.endswith("/"):
            return httpx.Response(200, content=BODY)
        return httpx.Response(307, headers={} if location is None else {"location": location})

    client = OcpiClient(
        token_of=_no_token, forget=lambda: None, allow_private=False, transport=httpx.MockTransport(answer)
    )
    await client.open()
    try:
        with suppress(PartnerUnreachable):
            await client.send("POST", "https://tnm.example/cdrs?a=1", "secret", "raw", body={"id": 1}, about=about)
    finally:
        await client.close()
    return called


@pytest.mark.parametrize(
    "location", ["https://tnm.example/cdrs/?a=1", "http://tnm.example/cdrs/", "/cdrs/", "//tnm.example/cdrs/"]
)
async def test_a_redirect_to_the_same_url_with_a_slash_is_followed(location: str) -> None:
    """Web frameworks redirect so by themselves, and know nothing of the proxy before them."""
    assert await _redirected(location) == [
        'POST https://tnm.example/cdrs?a=1 Token secret {"id":1}',
        'POST https://tnm.example/cdrs/?a=1 Token secret {"id":1}',
    ]


@pytest.mark.requirement("OPS-09", "CMD-R-23")
@pytest.mark.parametrize(
    "location", ["https://evil.example/cdrs/", "/other/", "/cdrs", "/cdrs/cdrs/", "?a=2", None, "http://[bad/"]
)
async def test_no_other_redirect_is_followed_with_the_token(location: str | None) -> None:
    assert len(await _redirected(location)) == 1


@pytest.mark.requirement("OPS-09", "CMD-R-23")
async def test_a_response_url_is_called_as_it_was_given() -> None:
    assert len(await _redirected("/cdrs/", about=About(ModuleId.COMMANDS, "START_SESSION/1", url_is_secret=True))) == 1


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("application/json", '{"detail": [\n  "kwh is missing"]}', '{"detail": [ "kwh is missing"]}'),
        ("text/plain; charset=utf-8", "secret may not do this", "*** may not do this"),
        ("text/plain", "x" * 5000, "x" * 300),
        ("text/html", "<h1>Bad Request</h1>", ""),
    ],
)
async def test_what_a_refusal_without_envelope_says_is_told(kind: str, body: str, words: str) -> None:
    answer = answer_of(httpx.Response(400, text=body, headers={"content-type": kind}), "https://tnm.example/", "secret")

    assert (answer.status_code, answer.message) == (2001, words)
    assert str(answer) == f"HTTP 400 {words}".strip()


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [(b"", None, "HTTP 404"), (b'{"status_code": 2003}', 2003, "HTTP 404, OCPI 2003")],
)
async def test_no_status_code_of_ocpi_is_noted_that_the_partner_did_not_send(
    body: bytes, code: int | None, words: str
) -> None:
    client = OcpiClient(
        token_of=_no_token, forget=lambda: None, allow_private=False,
        transport=httpx.MockTransport(lambda _request: httpx.Response(404, content=body)),
    )  # fmt: skip
    noted: list[int | None] = []
    client.observers.append(lambda exchange: noted.append(exchange.status_code))
    await client.open()

    answer = await client.send("GET", "https://tnm.example/locations/1", "secret")

    await client.close()
    assert (str(answer), answer.unknown, noted) == (words, True, [code])
