"""One OCPI request and its answer, whoever asked."""

from datetime import datetime
from typing import Literal, NamedTuple

Direction = Literal["inbound", "outbound"]

BEGINNING = 450
"""How many bytes are kept of a body that is too long to be kept: enough to know it by. Each of them is searched, copied and stored
for every page of a list; with more than some two thousand, its row would be compressed as well."""


def kept(body: bytes, most: int) -> bytes:
    """The whole body, or the beginning of one of more than `most` bytes."""
    return body if len(body) <= most else body[: min(BEGINNING, most)]


class Message(NamedTuple):
    """As it was observed; it is masked before it is written.

    partner_id       None, if nobody knows who asked
    module           None for versions
    ref              the object, COUNTRY*PARTY/id… or what stands for it in the URL; None for a list
    sender           and receiver: the parties of the routing headers, COUNTRY*PARTY
    ocpi_status      of the envelope, None if there is none
    error            why there is no answer, or no proper one
    body             and answer: whole, or their beginning if body_bytes or answer_bytes is too many
    secrets          what is to be masked wherever it stands, in each spelling
    url_is_secret    the whole URL behind its host was given to us in confidence (response_url)
    """

    direction: Direction
    at: datetime
    partner_id: int | None
    module: str | None
    ref: str | None
    method: str
    url: str
    request_id: str
    correlation_id: str
    sender: str | None = None
    receiver: str | None = None
    http_status: int | None = None
    ocpi_status: int | None = None
    error: str | None = None
    seconds: float = 0.0
    body: bytes = b""
    body_bytes: int = 0
    answer: bytes = b""
    answer_bytes: int = 0
    secrets: tuple[str, ...] = ()
    url_is_secret: bool = False

    def __repr__(self) -> str:
        return (
            f"Message({self.direction} {self.method}, request {self.request_id})"  # All of it would hold the secrets.
        )

    @property
    def ok(self) -> bool:
        """It was done: with an answer, and one that says so."""
        if self.error is not None or self.http_status is None or self.http_status >= 400:
            return False
        return self.ocpi_status is None or 1000 <= self.ocpi_status < 2000

    @property
    def size(self) -> int:
        """What it takes in memory, about."""
        return 1000 + len(self.body) + len(self.answer)
