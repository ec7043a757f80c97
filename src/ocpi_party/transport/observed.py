"""What a partner asked of us, as a message to be kept."""

from functools import lru_cache
from typing import Final

from ocpi_party.messages.message import Message
from ocpi_party.messages.subject import in_path
from ocpi_party.ocpi import headers
from ocpi_party.ocpi.modules import InterfaceRole, role_with
from ocpi_party.ocpi.types import PartyId
from ocpi_party.partners.observed import OWNED
from ocpi_party.partners.secrets import candidates
from ocpi_party.transport.front import Handled, interface_of

_STATUS: Final = b'"status_code":'


def inbound_message(handled: Handled) -> Message:
    asked, caller, given, scope = handled.asked, handled.caller, handled.given, handled.scope
    path, query = scope["path"], scope.get("query_string", b"")
    module = asked.module if asked else interface_of(path.removeprefix("/ocpi"))[2]
    about, sender, ours = (asked.about, asked.sender, asked.ours) if asked else (None, None, ())
    if about is None and module is not None and (rest := path.partition(f"/{module}/")[2]):
        is_receiver = module in OWNED and asked is not None and asked.role is role_with(module, InterfaceRole.RECEIVER)
        about = in_path(rest, owned=is_receiver)
    body, answer = handled.body, handled.answer
    # One by one, by name, they would cost more than everything else here. Bodies of somebody unknown are not kept: anybody could
    # fill our disk with them.
    return Message(
        "inbound", handled.at, caller.partner.id if caller else None, module, about, scope["method"],
        f"{path}?{query.decode('latin-1')}" if query else path, handled.request_id, handled.correlation_id,
        _party(given.get(headers.FROM_COUNTRY_CODE), given.get(headers.FROM_PARTY_ID), sender),
        _party(given.get(headers.TO_COUNTRY_CODE), given.get(headers.TO_PARTY_ID), ours[0].key if len(ours) == 1 else None),
        handled.http_status or None, _ocpi_status(answer.tail), handled.error, handled.seconds,
        body.begun if caller else b"", body.size, answer.begun if caller else b"", answer.size,
        _secrets(given.get(headers.AUTHORIZATION)),
    )  # fmt: skip


def _ocpi_status(tail: bytes) -> int | None:
    begin = tail.rfind(_STATUS)
    digits = tail[begin + len(_STATUS) :][:4]
    return int(digits) if begin >= 0 and digits.isdigit() else None


@lru_cache(maxsize=1000)
def _secrets(authorization: str | None) -> tuple[str, ...]:
    return (*candidates(authorization), *(authorization or "").partition(" ")[2:])


def _party(country_code: str | None, party_id: str | None, otherwise: PartyId | None) -> str | None:
    """As the headers say, else as we found out."""
    return f"{country_code}*{party_id}" if country_code and party_id else str(otherwise) if otherwise else None
