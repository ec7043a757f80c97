"""Which response_url of a partner we call, and the one that we hand out. OCPI 2.2.1, Commands; AMB-55."""

import secrets
from urllib.parse import urlsplit

from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.partners.partner import Partner
from ocpi_party.partners.secrets import Vault
from ocpi_party.partners.urls import check_url, join
from ocpi_party.transport.paths import RESULTS

_POINTER = "/response_url"


def check_response_url(url: object, partner: Partner, *, allow_private: bool) -> str:
    """The URL, if we may send the partner's credentials token there: it lies on a host that the partner registered.

    Raises InvalidObject in words that tell the partner what is wrong with it, without the URL: it may hold a secret
    """
    known = check_url(url, pointer=_POINTER, allow_private=allow_private)
    # Parsers differ in what they make of blanks and backslashes; the host that we check must be the one that is called.
    if not known.isascii() or not known.isprintable() or any(sign in known for sign in ' \\"<>'):
        raise InvalidObject(_POINTER, "is not a URL")
    if urlsplit(known).hostname not in _hosts(partner):
        raise InvalidObject(_POINTER, "must lie on the host of your versions URL or of one of your endpoints")
    return known


def _hosts(partner: Partner) -> set[str | None]:
    return {urlsplit(url).hostname for url in (partner.versions_url, *partner.endpoints.values()) if url}


def new_secret(vault: Vault) -> tuple[str, bytes]:
    """A secret for a call-back URL, and the digest of it that is kept."""
    secret = secrets.token_urlsafe(24)
    return secret, vault.digest(secret)


def callback_url(public_url: str, version: str, module: ModuleId, secret: str) -> str:
    """Where we hear the result of a request of ours."""
    return join(public_url, "ocpi", "emsp", version, module, RESULTS, secret)
