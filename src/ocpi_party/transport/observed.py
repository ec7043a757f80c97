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
        return Message(
            direction="inbound",
            at=self.at,
            partner_id=self.partner_id,
            module=self.module,
            ref=self._ref(),
            method=self.method,
            url=f"{self.path}?{self.query.decode('latin-1')}" if self.query else self.path,
            request_id=self.request_id,
            correlation_id=self.correlation_id,
            sender=_party(self.told_from, self.sender),
            receiver=_party(self.told_to, self.ours),
            http_status=self.http_status or None,
            ocpi_status=self._ocpi_status(),
            error=self.error,
            seconds=self.seconds,
            body=self.body,
            body_bytes=self.body_bytes,
            answer=self.answer,
            answer_bytes=self.answer_bytes,
            secrets=_secrets(self.authorization),
        )

    def _ocpi_status(self) -> int | None:
        begin = self.tail.rfind(_STATUS)
        digits = self.tail[begin + len(_STATUS) :][:4]
        return int(digits) if begin >= 0 and digits.isdigit() else None

    def _ref(self) -> str | None:
        if self.about is not None or self.module is None:
            return self.about
        is_receiver = self.module in OWNED and self.role is role_with(self.module, InterfaceRole.RECEIVER)
        return in_path(self.path.partition(f"/{self.module}")[2], owned=is_receiver)


@lru_cache(maxsize=1000)
def _secrets(authorization: str | None) -> tuple[str, ...]:
    return (*candidates(authorization), *(authorization or "").partition(" ")[2:])


def _party(told: tuple[str | None, str | None], otherwise: PartyId | None) -> str | None:
    return f"{told[0]}*{told[1]}" if all(told) else str(otherwise) if otherwise else None


def _our_one(asked: Asked | None) -> PartyId | None:
    return asked.ours[0].key if asked and len(asked.ours) == 1 else None
