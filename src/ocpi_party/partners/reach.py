"""Whether a partner's host can be reached at all, below HTTP: its addresses and its certificate."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ocpi_party.partners.urls import is_public


class NotReached(Exception):
    """The host cannot be reached; the text says why."""


class UnknownAuthority(NotReached):
    """Its certificate is vouched for by nobody whom we trust."""


_NOBODY_VOUCHES = {18, 19, 20, 21}
"""X509_V_ERR_…: signed by itself, by an authority that is signed by itself, by one that we do not know, and not to be followed."""


def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """ca_bundle  PEM file of authorities to trust beside the usual ones"""
    context = ssl.create_default_context()
    if ca_bundle:
        context.load_verify_locations(ca_bundle)
    return context


async def addresses(host: str, *, allow_private: bool) -> list[str]:
    """Those that we may call. Raises NotReached"""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as fault:
        raise NotReached(f"{host} has no address: {fault.strerror}") from fault
    known = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    allowed = [address for address in known if allow_private or is_public(address)]
    if not allowed:
        raise NotReached(f"{host} has no public address, only {', '.join(known)}")
    return allowed


async def certificate(
    host: str, port: int, reached_at: Sequence[str], context: ssl.SSLContext, *, within: timedelta
) -> tuple[str, datetime]:
    """Shake hands at the first of these addresses: the version of TLS, and when the certificate ends. Raises NotReached"""
    try:
        async with asyncio.timeout(within.total_seconds()):
            _, writer = await asyncio.open_connection(reached_at[0], port, ssl=context, server_hostname=host)
    except ssl.SSLCertVerificationError as fault:
        kind = UnknownAuthority if fault.verify_code in _NOBODY_VOUCHES else NotReached
        raise kind(f"its certificate cannot be trusted: {fault.verify_message}") from fault
    except ssl.SSLError as fault:
        raise NotReached(f"there is no TLS at {host}, port {port}: {fault.reason}") from fault
    except TimeoutError as fault:
        raise NotReached(f"nothing answers at {host}, port {port}") from fault
    except OSError as fault:
        raise NotReached(f"nothing can be reached at {host}, port {port}: {fault.strerror or fault}") from fault
    connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
    ends = (connection.getpeercert() or {}).get("notAfter")
    version = connection.version() or "TLS"
    writer.transport.abort()  # Nothing was said yet: nobody waits for a goodbye.
    return version, datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC)
