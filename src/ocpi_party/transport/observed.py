"""What a partner asked of us, as a message to be kept."""

from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from ocpi_party.messages.message import Message
from ocpi_party.messages.subject import in_path
from ocpi_party.ocpi import headers
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role, role_with
from ocpi_party.ocpi.types import PartyId
from ocpi_party.partners.observed import OWNED
from ocpi_party.partners.secrets import candidates
from ocpi_party.transport.asked import Asked
from ocpi_party.transport.front import Handled, interface_of

_TAIL_BYTES: Final = 100
"""Our envelope ends with the status code and the timestamp, so that a long list need not be read to find it."""
_STATUS: Final = b'"status_code":'
_FROM: Final = headers.FROM_COUNTRY_CODE, headers.FROM_PARTY_ID
_TO: Final = headers.TO_COUNTRY_CODE, headers.TO_PARTY_ID


class Observation(NamedTuple):
    """One request of a partner, noted by references to what was there anyhow; its message is made when it is written.

    about, role, sender, ours  what was found out of what it asks for; None as far as it was refused before
    told_from, told_to         country code and party id as the headers say
    tail                       the end of the answer
    """

    at: datetime
    seconds: float
    method: str
    path: str
    query: bytes
    request_id: str
    correlation_id: str
    partner_id: int | None
    authorization: str | None
    told_from: tuple[str | None, str | None]
    told_to: tuple[str | None, str | None]
    module: ModuleId | None
    about: str | None
    role: Role | None
    sender: PartyId | None
    ours: PartyId | None
    http_status: int
    error: str | None
    body: bytes
    body_bytes: int
    answer: bytes
    answer_bytes: int
    tail: bytes

    @classmethod
    def of(cls, handled: Handled) -> "Observation":
        asked, caller, given, scope = handled.asked, handled.caller, handled.given, handled.scope
        return cls(
            handled.at,
            handled.seconds,
            scope["method"],
            scope["path"],
            scope.get("query_string", b""),
            handled.request_id,
            handled.correlation_id,
            caller.partner.id if caller else None,
            given.get(headers.AUTHORIZATION),
            (given.get(_FROM[0]), given.get(_FROM[1])),
            (given.get(_TO[0]), given.get(_TO[1])),
            asked.module if asked else interface_of(scope["path"].removeprefix("/ocpi"))[2],
            asked.about if asked else None,
            asked.role if asked else None,
            asked.sender if asked else None,
            _our_one(asked),
            handled.http_status,
            handled.error,
            # Of somebody unknown they are not kept: anybody could fill our disk with them.
            handled.body.begun if caller else b"",
            handled.body.size,
            handled.answer.begun if caller else b"",
            handled.answer.size,
            handled.answer.tail[-_TAIL_BYTES:],
        )

    @property
    def size(self) -> int:
        """What it takes in memory, about."""
        return 1000 + len(self.body) + len(self.answer)

    def message(self) -> Message:
        # One by one, by name, they would cost more than everything else here.
        (
            at, seconds, method, path, query, request_id, correlation_id, partner_id, authorization, told_from, told_to,
            module, about, role, sender, ours, http_status, error, body, body_bytes, answer, answer_bytes, tail,
        ) = self  # fmt: skip
        if about is None and module is not None and (rest := path.partition(f"/{module}/")[2]):
            is_receiver = module in OWNED and role is role_with(module, InterfaceRole.RECEIVER)
            about = in_path(rest, owned=is_receiver)
        return Message(
            "inbound", at, partner_id, module, about, method, f"{path}?{query.decode('latin-1')}" if query else path,
            request_id, correlation_id, _party(told_from, sender), _party(told_to, ours), http_status or None,
            _ocpi_status(tail), error, seconds, body, body_bytes, answer, answer_bytes, _secrets(authorization),
        )  # fmt: skip


def _ocpi_status(tail: bytes) -> int | None:
    begin = tail.rfind(_STATUS)
    digits = tail[begin + len(_STATUS) :][:4]
    return int(digits) if begin >= 0 and digits.isdigit() else None


@lru_cache(maxsize=1000)
def _secrets(authorization: str | None) -> tuple[str, ...]:
    return (*candidates(authorization), *(authorization or "").partition(" ")[2:])


def _party(told: tuple[str | None, str | None], otherwise: PartyId | None) -> str | None:
    return f"{told[0]}*{told[1]}" if all(told) else str(otherwise) if otherwise else None


def _our_one(asked: Asked | None) -> PartyId | None:
    return asked.ours[0].key if asked and len(asked.ours) == 1 else None
