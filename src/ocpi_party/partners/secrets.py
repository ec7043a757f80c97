"""Credentials tokens: made, hashed when partners send them, encrypted when we send them, and written into the header.

OCPI 2.2.1, Transport and format, "Authorization header".
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_ID = b"\x01"
_NONCE_BYTES = 12
_NO_ROW = 0
"""Rows are counted from 1."""

NO_TOKEN: Final = "we have no credentials token for this partner, or none that OCPI_SECRET_KEY opens"  # noqa: S105 - words


def new_token() -> str:
    """A token of 256 bits that is never valid Base64 text, so that raw and encoded forms cannot be confused (AMB-01)."""
    return f"{secrets.token_urlsafe(21)}.{secrets.token_urlsafe(21)}"


class Vault:
    """Keeps credentials tokens so that a dump of the database gives none away.

    secret  the installation's OCPI_SECRET_KEY, of any length
    """

    def __init__(self, secret: str) -> None:
        # Begun once: OpenSSL looks up the algorithm each time that it begins, which costs more than all the rest.
        self._mac = hmac.new(hashlib.blake2b(secret.encode(), person=b"ocpi-party mac").digest(), digestmod="sha256")
        self._cipher = AESGCM(hashlib.blake2b(secret.encode(), digest_size=32, person=b"ocpi-party aead").digest())

    def digest(self, token: str) -> bytes:
        """HMAC-SHA256 of a token that a partner, or the operator's system, sends to us."""
        mac = self._mac.copy()
        mac.update(token.encode("utf-8", "surrogateescape"))
        return mac.digest()

    def seal(self, token: str, row: int) -> bytes:
        """Encrypt a token that we send; it can be opened only for the same row."""
        nonce = os.urandom(_NONCE_BYTES)
        return _KEY_ID + nonce + self._cipher.encrypt(nonce, token.encode(), str(row).encode())

    def open(self, sealed: bytes, row: int) -> str | None:
        """None, if it was sealed with another key or for another row."""
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, text, str(row).encode()).decode()
        except InvalidTag:
            return None

    def proof(self) -> bytes:
        """By this the key is known again. It tells no more of it than each token that is sealed, and is never the same twice."""
        return self.seal("", _NO_ROW)

    def proves(self, proof: bytes) -> bool:
        """Whether it was made with this key."""
        return self.open(proof, _NO_ROW) is not None


def other_encoding(encoding: str) -> str:
    return "base64" if encoding == "raw" else "raw"


def header_value(token: str, encoding: str) -> str:
    """The Authorization header for a token. encoding  base64, or raw for partners who do not decode (AMB-01)"""
    return f"Token {token if encoding == 'raw' else base64.b64encode(token.encode()).decode()}"


def candidates(header: str | None) -> dict[str, str]:
    """The tokens that an Authorization header may mean → base64 or raw, as it then is (AMB-01); empty if it is none.

    Accepted are Base64 with and without padding, Base64 of the token and trailing blanks or line feeds, and the raw token.
    """
    scheme, _, value = (header or "").strip().partition(" ")
    value = value.strip()
    if scheme.lower() != "token" or not value:
        return {}
    found: dict[str, str] = {}
    try:
        decoded = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
        found = dict.fromkeys((decoded, decoded.rstrip()), "base64")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    return {token: form for token, form in ({value: "raw"} | found).items() if token}
