"""What must not be read in a kept message: credentials tokens, and the secrets in call-back URLs.

Personal data (uid and contract_id of tokens) stays in bodies and URLs: an operator who looks for a driver's charge needs it, and
it goes with the message after OCPI_MESSAGE_LOG_DAYS. It is no part of any line that is logged.
"""

import base64
import json
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from ocpi_party.messages.message import Message
from ocpi_party.ocpi.errors import UnreadableJson
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import decode, encode

MASK = "***"
_BYTES = MASK.encode()
_TEXTS = ("ref", "url", "request_id", "correlation_id", "sender", "receiver", "error")
"""Those of which a partner says what they hold."""
_NO_TEXT = str.maketrans({"\0": "�", **{chr(n): "�" for n in range(0xD800, 0xE000)}})
"""What PostgreSQL does not take as text, and a partner may send in a URL or header all the same."""
_SHORTEST = 4
"""A shorter token would be found in every word; no partner that is worth its name has one."""

# A token is a string in Credentials alone: that of a driver is an object. A body may have been cut off within the string.
_TOKEN = re.compile(rb'("token"\s*:\s*)"(?:[^"\\]|\\.)*"?')
_RESPONSE_URL = re.compile(rb'("response_url"\s*:\s*"(?:https?:(?:\\?/){2})?[^"/\\?#]*)(?:[^"\\]|\\.)*("?)')
_CALLBACK = re.compile(r"(/results(?:\\?/|%2[Ff]))[^/?#\"\s\\]+")
_CALLBACK_BYTES = re.compile(_CALLBACK.pattern.encode())
_NAMES = ("response_url", "token", "secret", "password", "authorization", "signature", "api_key", "apikey")
_PARAMETER = re.compile(rf"([?&][^=&#]*(?:{'|'.join(_NAMES)})=)[^&#]*", re.IGNORECASE)


def masked(message: Message) -> Message:
    """The same message with nothing left by which somebody could pretend to be us or a partner."""
    spelt = _spellings(message.secrets)
    if not _may_tell(message, spelt):
        return message
    secrets, url = message.secrets, message.url
    if message.url_is_secret:
        parts = urlsplit(url)
        secrets += tuple(part for part in (parts.path, parts.query) if part.strip("/"))
        spelt, url = _spellings(secrets), f"{parts.scheme}://{parts.netloc}/{MASK}"
    message = message._replace(
        url=_text(url, spelt),
        request_id=_text(message.request_id, spelt),
        correlation_id=_text(message.correlation_id, spelt),
        ref=message.ref and _text(message.ref, spelt),
        error=message.error and _text(message.error, spelt),
        body=_body(message.body, message.module, spelt),
        answer=_body(message.answer, message.module, spelt),
    )
    return message._replace(**{name: text.translate(_NO_TEXT) for name in _TEXTS if (text := getattr(message, name))})


def _may_tell(message: Message, secrets: "_Spellings") -> bool:
    """Whether anything of it needs a closer look: nearly no message does, and each of them pays for this one."""
    # By name, one by one, they would cost more than looking at them.
    (
        _, _, _, module, ref, _, url, request_id, correlation_id, sender, receiver,
        _, _, error, _, body, _, answer, _, _, url_is_secret,
    ) = message  # fmt: skip
    texts = f"{url} {request_id} {correlation_id} {ref} {sender} {receiver} {error}"
    if url_is_secret or module == ModuleId.CREDENTIALS or not texts.isprintable() or _names_one(texts):
        return True
    looked, signs = b"%b %b %b" % (texts.encode(), body, answer), secrets.signs
    # `find` and not `in`, which for bytes costs more than looking through a whole message (it tries an integer first).
    return max(map(looked.find, signs)) >= 0


def _names_one(texts: str) -> bool:
    """Whether a parameter is named like a secret."""
    *names, _ = texts.lower().split("=")
    return any(name.endswith(_NAMES) for name in names)


def without_secrets(text: str, secrets: tuple[str, ...]) -> str:
    """What somebody told us in words, with no such secret in it, in whatever spelling."""
    return _text(text, _spellings(secrets))


class _Spellings(NamedTuple):
    """Secrets as they may stand somewhere, as text and as bytes.

    every   the longest first: a shorter one may be a part of a longer one
    signs   what is found wherever any of them is, or a place where a secret of somebody else may be
    """

    every: tuple[tuple[str, bytes], ...]
    signs: tuple[bytes, ...]


@lru_cache(maxsize=1000)
def _spellings(secrets: tuple[str, ...]) -> _Spellings:
    """Each secret plain, in JSON, in a URL, in Base64 with and without padding."""
    found: set[str] = set()
    for secret in secrets:
        if len(secret) < _SHORTEST:
            continue
        raw = secret.encode("utf-8", "surrogateescape")
        coded = [base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()]
        escaped = json.dumps(secret)[1:-1]
        found |= {secret, escaped, escaped.replace("/", "\\/"), quote(raw, safe=""), quote(raw)}
        found |= {form for one in coded for form in (one, one.rstrip("="), quote(one, safe=""))}
    every = tuple((one, one.encode("utf-8", "surrogateescape")) for one in sorted(found, key=len, reverse=True))
    # Where a longer one stands, the shorter one that it holds stands too.
    shortest = (coded for one, coded in every if not any(other in one for other in found - {one}))
    return _Spellings(every, (*shortest, b'"token"', b"response_url", b"results"))


def _text(text: str, secrets: _Spellings) -> str:
    for secret, _ in secrets.every:
        text = text.replace(secret, MASK)
    return _PARAMETER.sub(rf"\1{MASK}", _CALLBACK.sub(rf"\1{MASK}", text))


def _body(body: bytes, module: str | None, secrets: _Spellings) -> bytes:
    body = _credentials(body) if body and module == ModuleId.CREDENTIALS else _TOKEN.sub(rb'\1"%s"' % _BYTES, body)
    body = _RESPONSE_URL.sub(rb"\1/%s\2" % _BYTES, body)
    body = _CALLBACK_BYTES.sub(rb"\1" + _BYTES, body)
    for _, secret in secrets.every:
        body = body.replace(secret, _BYTES)
    return body


def _credentials(body: bytes) -> bytes:
    """Credentials without their token; what cannot be read might hold one anywhere, and is not kept."""
    try:
        return encode(_without_token(decode(body)))
    except (UnreadableJson, ValueError):
        return b"not kept: Credentials that cannot be read"


def _without_token(value: object) -> object:
    match value:
        case dict():
            return {
                name: MASK if name.strip().lower() == "token" and not isinstance(one, dict) else _without_token(one)
                for name, one in value.items()
            }
        case list():
            return [_without_token(one) for one in value]
    return value
