"""Requests to partners: certificates are checked, addresses are public."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ocpi_party.partners.client import OcpiClient, PartnerUnreachable

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


async def _no_token(_partner_id: int) -> None:
    return None


async def _ask(url: str, ca_bundle: Path | None) -> int:
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
            await _ask(url, None)


@pytest.mark.requirement("OPS-14")
async def test_an_authority_of_the_operators_choice_can_vouch(tmp_path: Path) -> None:
    pem = _self_signed(tmp_path)
    async with _tls_partner(pem) as url:
        assert await _ask(url, pem) == 1000
