"""Whether a host can be reached: private addresses and certificates that cannot be trusted are told in words."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ocpi_party.ocpi.types import now
from ocpi_party.partners.reach import NotReached, UnknownAuthority, addresses, certificate, tls_context

WITHIN = timedelta(seconds=30)


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """Key and certificate of localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    file = tmp_path / "localhost.pem"
    file.write_bytes(text)
    return file


@pytest.fixture
async def port(pem: Path) -> AsyncIterator[int]:
    """Where a server with that certificate listens."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_private_address_is_no_address_where_only_public_ones_may_be_called() -> None:
    assert await addresses("127.0.0.1", allow_private=True) == ["127.0.0.1"]
    with pytest.raises(NotReached, match="no public address"):
        await addresses("127.0.0.1", allow_private=False)


async def test_certificate_that_nobody_vouches_for_is_not_trusted(port: int) -> None:
    with pytest.raises(UnknownAuthority, match="cannot be trusted: self-signed"):
        await certificate("localhost", port, ["127.0.0.1"], tls_context(None), within=WITHIN)


async def test_certificate_of_another_host_is_not_a_matter_of_its_authority(port: int, pem: Path) -> None:
    with pytest.raises(NotReached, match="Hostname mismatch") as refused:
        await certificate("elsewhere.test", port, ["127.0.0.1"], tls_context(str(pem)), within=WITHIN)

    assert not isinstance(refused.value, UnknownAuthority)


async def test_certificate_of_an_authority_that_we_trust(port: int, pem: Path) -> None:
    version, ends = await certificate("localhost", port, ["127.0.0.1"], tls_context(str(pem)), within=WITHIN)

    assert version == "TLSv1.3"
    assert timedelta(days=88) < ends - now() < timedelta(days=91)


async def test_host_where_nothing_listens() -> None:
    with pytest.raises(NotReached, match="nothing"):
        await certificate("localhost", 1, ["127.0.0.1"], tls_context(None), within=WITHIN)
