"""What a partner answered, and when that is no answer at all. OCPI 2.2.1, Transport and format, Status codes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from ocpi_party.messages.masking import without_secrets
from ocpi_party.ocpi.errors import UnreadableJson
from ocpi_party.ocpi.headers import LOCATION
from ocpi_party.ocpi.status import StatusCode, is_our_fault, is_success
from ocpi_party.ocpi.types import decode, now, without_nul

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024

NO_ENVELOPE: Final = (("", "the answer has no OCPI envelope"),)
_CODE: Final = re.compile(r"([0-9]{4})(?:\.0+)?")
_NOT_A_NUMBER: Final = (("/status_code", "must be a whole number"),)


class PartnerUnreachable(Exception):
    """The request got no answer that OCPI could have meant: no connection, timeout, 5xx, HTML, an envelope that is none.

    maybe_done   the request may have reached the partner and been carried out
    retry_after  how long the partner asks us to wait, None if it did not say
    """

    def __init__(self, why: str, *, maybe_done: bool = False, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.maybe_done = maybe_done
        self.retry_after = retry_after


class ConnectionLost(PartnerUnreachable):
    """The connection broke before an answer began; a partner may close an idle one just when we use it again."""

    def __init__(self, why: str) -> None:
        super().__init__(why, maybe_done=True)


class Redirected(PartnerUnreachable):
    """The partner says that what we ask for is elsewhere. location  as it says it, None if it does not"""

    def __init__(self, http_status: int, location: str | None) -> None:
        super().__init__(f"HTTP {http_status}: we do not follow redirects with a credentials token")
        self.location = location


class PartnerFailed(PartnerUnreachable):
    """The partner answered, with an error of its own (3xxx) or of its hub (4xxx).

    status_code  4001 to 4003 tell that only the party behind the hub is not to be reached
    """

    def __init__(self, http_status: int, status_code: int, why: str) -> None:
        super().__init__(why, maybe_done=True)
        self.http_status = http_status
        self.status_code = status_code


@dataclass(frozen=True, slots=True)
class Answer:
    """What a partner answered.

    status_code  of the envelope; without an envelope what the HTTP status means in OCPI
    timestamp    of the envelope, as it came
    enveloped    there was an envelope
    empty        success by its HTTP status, and no body: OCPI tells errors in the body, so it does not say what became of it
    deviations   (JSON Pointer, rule in words): what is not as OCPI has it, and was understood all the same
    """

    http_status: int
    status_code: int
    message: str
    data: Any
    headers: Mapping[str, str]
    url: str
    timestamp: str | None = None
    enveloped: bool = True
    empty: bool = False
    deviations: tuple[tuple[str, str], ...] = ()

    @property
    def object(self) -> Any:
        """The data, where one object is asked for: some partners answer with a list that holds it alone, or nothing."""
        if not isinstance(self.data, list) or len(self.data) > 1:
            return self.data
        return self.data[0] if self.data else None

    @property
    def ok(self) -> bool:
        return self.http_status < 400 and is_success(self.status_code)

    @property
    def done(self) -> bool:
        """The partner says that it did what it was asked."""
        return self.ok and not self.empty

    @property
    def unknown(self) -> bool:
        """The partner does not know the object; each form seen in the field counts (AMB-11)."""
        return self.http_status == 404 or self.status_code in (StatusCode.UNKNOWN_LOCATION, StatusCode.UNKNOWN_TOKEN)

    @property
    def unauthorized(self) -> bool:
        return self.http_status == 401

    @property
    def refused(self) -> bool:
        """The same request would be refused again."""
        return not self.ok and (is_our_fault(self.status_code) or 400 <= self.http_status < 500)

    def taken(self) -> "Answer":
        """The same, when it is known from elsewhere that the partner did what it was asked."""
        return replace(self, empty=False, deviations=NO_ENVELOPE)

    def __str__(self) -> str:
        if self.empty:
            return f"HTTP {self.http_status}, no OCPI envelope"
        said = f", OCPI {self.status_code}" if self.enveloped else ""
        return f"HTTP {self.http_status}{said} {self.message}".strip()


def answer_of(response: httpx.Response, url: str, token: str) -> Answer:
    """Read the envelope first, whatever the HTTP status says (AMB-10); what is neither is PartnerUnreachable.

    token  that we asked with: partners repeat it in their words, which are logged and told to people
    """
    status = response.status_code
    if len(response.content) > MAX_ANSWER_BYTES:
        raise PartnerUnreachable(f"the answer has more than {MAX_ANSWER_BYTES} bytes", maybe_done=True)
    if status in (429, 503):
        raise PartnerUnreachable(f"HTTP {status}", retry_after=_retry_after(response))
    if 300 <= status < 400:
        raise Redirected(status, response.headers.get(LOCATION))
    envelope: Any = None
    if response.content:
        try:
            envelope = decode(without_nul(response.content))
        except UnreadableJson as fault:
            if status < 400:
                raise PartnerUnreachable("the answer is not JSON", maybe_done=True) from fault
    code, deviations = _code_of(envelope)
    if code is not None:
        words = without_secrets(str(envelope.get("status_message") or ""), (token,))
        if status >= 500 or (not is_success(code) and not is_our_fault(code) and code >= 3000):
            raise PartnerFailed(status, code, f"HTTP {status}, OCPI {code} {words}".strip())
        told = envelope.get("timestamp")
        return Answer(
            status,
            code,
            words,
            envelope.get("data"),
            response.headers,
            url,
            told if isinstance(told, str) else None,
            deviations=deviations,
        )
    if status >= 500:
        raise PartnerUnreachable(f"HTTP {status}", maybe_done=True, retry_after=_retry_after(response))
    if status == 204:  # HTTP itself says that it is done.
        return Answer(
            status, StatusCode.SUCCESS, "", None, response.headers, url, enveloped=False, deviations=NO_ENVELOPE
        )
    if status < 300 and not response.content:
        return Answer(status, StatusCode.SUCCESS, "", None, response.headers, url, enveloped=False, empty=True)
    if status >= 400:
        code = StatusCode.INVALID_PARAMETERS if status in (400, 409, 422) else StatusCode.CLIENT_ERROR
        return Answer(status, code, _words(response, token), None, response.headers, url, enveloped=False)
    raise PartnerUnreachable("the answer has no OCPI envelope", maybe_done=True)


def _code_of(envelope: Any) -> tuple[int | None, tuple[tuple[str, str], ...]]:
    """The status code of what may be an envelope, also as text or with a fraction of zero, and how it deviates."""
    code = envelope.get("status_code") if isinstance(envelope, dict) else None
    if isinstance(code, int) and not isinstance(code, bool):
        return code, ()
    found = _CODE.fullmatch(code if isinstance(code, str) else str(code))
    return (int(found[1]), _NOT_A_NUMBER) if found else (None, ())


def _words(response: httpx.Response, token: str) -> str:
    """What a refusal without an envelope says, if it is no page for browsers: frameworks tell there which field they miss."""
    if not response.headers.get("content-type", "").startswith(
        ("application/json", "application/problem+json", "text/plain")
    ):
        return ""
    text = without_secrets(response.content[:2000].decode("utf-8", "replace"), (token,))
    return " ".join(text.split())[:300]


def _retry_after(response: httpx.Response) -> timedelta | None:
    value = response.headers.get("retry-after", "")
    try:
        return timedelta(seconds=int(value)) if value.isdecimal() else parsedate_to_datetime(value) - now()
    except (ValueError, TypeError, OverflowError):
        return None
