"""What a partner asked of us, as a message to be kept."""

import re
from functools import lru_cache

from ocpi_party.messages.message import Message
from ocpi_party.messages.subject import in_path
from ocpi_party.ocpi import headers
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, role_with
from ocpi_party.ocpi.types import PartyId
from ocpi_party.partners.observed import OWNED
from ocpi_party.partners.secrets import candidates
from ocpi_party.transport.asked import Asked
from ocpi_party.transport.front import Handled, interface_of

_STATUS = re.compile(rb'"status_code":(\d{4})')
_TAIL_BYTES = 100
"""Our envelope ends with the status code and the timestamp, so that a long list need not be read to find it."""


def message_of(handled: Handled) -> Message:
    """Bodies of somebody unknown are not kept: anybody could fill our disk with them."""
    asked, caller, known = handled.asked, handled.caller, handled.caller is not None
    path = handled.scope["path"]
    query = handled.scope.get("query_string", b"").decode("latin-1")
    module = asked.module if asked else interface_of(path.removeprefix("/ocpi"))[2]
    status = _STATUS.search(handled.answer.tail[-_TAIL_BYTES:])
    return Message(
        direction="inbound",
        at=handled.at,
        partner_id=caller.partner.id if caller else None,
        module=module,
        ref=_ref(asked, module, path),
        method=handled.scope["method"],
        url=f"{path}?{query}" if query else path,
        request_id=handled.request_id,
        correlation_id=handled.correlation_id,
        sender=_party(handled, headers.FROM_COUNTRY_CODE, headers.FROM_PARTY_ID, asked.sender if asked else None),
        receiver=_party(handled, headers.TO_COUNTRY_CODE, headers.TO_PARTY_ID, _our_one(asked)),
        http_status=handled.http_status or None,
        ocpi_status=int(status[1]) if status else None,
        error=handled.error,
        seconds=handled.seconds,
        body=handled.body.begun if known else b"",
        body_bytes=handled.body.size,
        answer=handled.answer.begun if known else b"",
        answer_bytes=handled.answer.size,
        secrets=_secrets(handled.given.get(headers.AUTHORIZATION)),
    )


@lru_cache(maxsize=1000)
def _secrets(authorization: str | None) -> tuple[str, ...]:
    return (*candidates(authorization), *(authorization or "").partition(" ")[2:])


def _party(handled: Handled, country_code: str, party_id: str, otherwise: PartyId | None) -> str | None:
    told = handled.given.get(country_code), handled.given.get(party_id)
    return f"{told[0]}*{told[1]}" if all(told) else str(otherwise) if otherwise else None


def _our_one(asked: Asked | None) -> PartyId | None:
    return asked.ours[0].key if asked and len(asked.ours) == 1 else None


def _ref(asked: Asked | None, module: ModuleId | None, path: str) -> str | None:
    if asked is not None and asked.about is not None:
        return asked.about
    if module is None:
        return None
    rest = path.partition(f"/{module}")[2]
    is_receiver = asked is not None and module in OWNED and asked.role is role_with(module, InterfaceRole.RECEIVER)
    return in_path(rest, owned=is_receiver)
