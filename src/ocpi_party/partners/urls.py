"""Which URLs of a partner we call: absolute, https and public, unless private ones are allowed (CRE-34)."""

import ipaddress
import re
from urllib.parse import quote, urljoin, urlsplit

from ocpi_party.ocpi.errors import InvalidObject

MAX_LENGTH = 255


def is_public(address: str) -> bool:
    """Whether an IP address lies in the public internet; addresses of metadata services and of our own network do not."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        # An IPv4 address may hide in an IPv6 one, and a gateway on the way would bring it out.
        hidden = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in _NAT64:
            hidden = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if hidden is not None:
            ip = hidden
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_INSIDE = (".localhost", ".local", ".internal", ".home.arpa")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)


def _may_be_public(host: str) -> bool:
    """Whether a host, address or name, may be in the public internet; a name is looked at again when it is resolved."""
    try:
        return is_public(host)
    except ValueError:
        name = host.rstrip(".").lower()
        # Resolvers read 127.1, 2130706433 and 0x7f.1 as addresses; no public name ends in a number or has one label.
        return "." in name and not name.endswith(_INSIDE) and not _NUMBER.fullmatch(name.rpartition(".")[2])


def check_url(url: object, *, pointer: str, allow_private: bool) -> str:
    """The URL, if we may call it; names are checked once more when they are resolved.

    Raises InvalidObject in words that tell the partner what is wrong with it.
    """
    if not isinstance(url, str) or not url or len(url) > MAX_LENGTH:
        raise InvalidObject(pointer, f"must be an absolute URL of at most {MAX_LENGTH} characters")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise InvalidObject(pointer, "is not a URL") from None
    if parts.scheme not in ("https", "http") or not host:
        raise InvalidObject(pointer, "must be an absolute https URL")
    if parts.username or parts.password:
        raise InvalidObject(pointer, "must not carry user or password")
    if allow_private:
        return url
    if parts.scheme != "https":
        raise InvalidObject(pointer, "must be an https URL")
    if not _may_be_public(host):
        raise InvalidObject(pointer, "must be a public address")
    return url


_WHO = re.compile(r"(?<=://)[^/?#]*@")


def without_user(url: str) -> str:
    """The URL as people may see it: user and password, if it carries any, are left out."""
    return _WHO.sub("", url)


def same_origin(one: str, other: str) -> bool:
    """Same host and port; http of the same host counts as its https (AMB-21)."""
    a, b = urlsplit(one), urlsplit(other)
    return a.hostname == b.hostname and (a.port or _PORTS.get(a.scheme)) in {
        b.port or _PORTS.get(b.scheme),
        _PORTS.get(b.scheme),
    }


_PORTS = {"http": 80, "https": 443}


def join(base: str, *segments: str) -> str:
    """The base, and each segment behind one slash, percent-encoded (AMB-07, AMB-08)."""
    return "/".join([base.rstrip("/"), *(quote(segment, safe="") for segment in segments)])


def resolve(base: str, url: str) -> str:
    """A URL that may be relative, seen from the one that was called."""
    return urljoin(base, url)
