"""Which page of a list comes next. OCPI 2.2.1, Transport and format, "Paginated Response"."""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from ocpi_party.ocpi import headers
from ocpi_party.partners.urls import resolve

_LINK = re.compile(r"<\s*([^>]*?)\s*>((?:\s*;\s*[^;,=\s]+\s*(?:=\s*(?:\"[^\"]*\"|[^;,\s]*))?)*)")
_NEXT = re.compile(r";\s*rel\s*=\s*\"?(?:[^\";,]*\s)?next[\s\";,]?", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


class ForeignLink(Exception):
    """The Link leads to another origin than the partner's endpoint: our token must not go there (AMB-21)."""


def first_page(endpoint: str, *, limit: int, date_from: str | None) -> str:
    """The URL that a crawl begins with."""
    asked = {"date_from": date_from} if date_from else {}
    return _with_query(urlsplit(endpoint), asked | {"offset": "0", "limit": str(limit)})


def linked(url: str, endpoint: str, answered: Mapping[str, str]) -> str | None:
    """The next page as the Link of this one names it, verbatim; None, if there is no Link or an empty one.

    Raises ForeignLink
    """
    link = _target(answered.get(headers.LINK, "").strip())
    return _at_home(resolve(url, link), endpoint) if link else None


def _target(header: str) -> str:
    if header and not header.startswith("<"):
        return header  # A bare URL is seen in the field.
    links = [(match[1], match[2]) for match in _LINK.finditer(header)]
    named = [target for target, attributes in links if _NEXT.search(attributes)]
    if not named and len(links) == 1 and "rel" not in links[0][1].lower():
        named = [links[0][0]]
    return named[0] if named else ""


def _at_home(url: str, endpoint: str) -> str:
    """The URL, with https if the partner's proxy forgot it."""
    try:
        home, there = urlsplit(endpoint), urlsplit(url)
        if (home.scheme, there.scheme) == ("https", "http") and home.hostname == there.hostname and _port(there) == 80:
            there = there._replace(scheme="https", netloc=home.netloc)
        same = (home.scheme, home.hostname, _port(home)) == (there.scheme, there.hostname, _port(there))
    except ValueError:
        raise ForeignLink("the Link is not a URL") from None
    if not same:
        raise ForeignLink(f"the Link leads to another origin: {there.scheme}://{there.hostname}")
    return urlunsplit(there)


def is_at_home(url: str, endpoint: str) -> bool:
    try:
        return _at_home(url, endpoint) == url
    except ForeignLink:
        return False


def _port(parts: SplitResult) -> int | None:
    return parts.port or _PORTS.get(parts.scheme)


def offset_of(url: str) -> int | None:
    """Where a page begins; None, if the URL is keyed in another way."""
    offset = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)).get("offset", "")
    return int(offset) if offset.isdecimal() and len(offset) <= 18 else None


def moved(url: str, by: int) -> str | None:
    """The same page with its offset moved, not below 0; None, if that is the same, or the URL is keyed in another way."""
    offset = offset_of(url)
    if offset is None:
        return None
    there = max(offset + by, 0)
    return _with_query(urlsplit(url), {"offset": str(there)}) if there != offset else None


def _with_query(parts: SplitResult, changes: Mapping[str, str]) -> str:
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(changes)
    return urlunsplit(parts._replace(query=urlencode(query, safe=":")))
