"""One request to a partner with its answer, as those see it who keep a log of messages, count, or trace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ocpi_party.ocpi.modules import InterfaceRole, ModuleId
from ocpi_party.ocpi.types import PartyId
from ocpi_party.partners.partner import Partner


@dataclass(frozen=True, slots=True)
class Route:
    """OCPI-from and OCPI-to of a request; to is None for open routing."""

    sender: PartyId
    receiver: PartyId | None


@dataclass(frozen=True, slots=True)
class About:
    """What a request is about, where its URL does not tell.

    ref            of the object
    url_is_secret  the URL was given to us in confidence (response_url)
    """

    module: ModuleId
    ref: str | None = None
    url_is_secret: bool = False


@dataclass(slots=True)
class Exchange:
    """One request and its answer, for those who keep a log of messages.

    endpoint  of the partner's, that the URL lies at
    token     was sent with it: to be masked wherever the partner repeats it, and never to be kept
    """

    partner_id: int | None
    method: str
    url: str
    request_id: str
    correlation_id: str
    route: Route | None
    body: bytes | None
    sent_at: datetime
    http_status: int | None = None
    status_code: int | None = None
    answer: bytes | None = None
    error: str | None = None
    seconds: float = 0.0
    params: Mapping[str, str] | None = None
    about: About | None = None
    endpoint: tuple[ModuleId, InterfaceRole, str] | None = None
    token: str = field(default="", repr=False)


Observer = Callable[[Exchange], None]


def endpoint_at(partner: Partner, url: str) -> tuple[ModuleId, InterfaceRole, str] | None:
    """The endpoint of the partner that a URL lies at; of several the longest, since one may lie below another."""
    fitting = [
        (module, interface, base)
        for (module, interface), base in partner.endpoints.items()
        if url.startswith(base.rstrip("/")) and url[len(base.rstrip("/")) :][:1] in ("", "/", "?")
    ]
    return max(fitting, key=lambda one: len(one[2]), default=None)
