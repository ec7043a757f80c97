"""Paths as partners sent them: percent-encoding kept; slashes at the end, repeated and forgotten ones forgiven (AMB-07, AMB-08)."""

import re
from urllib.parse import unquote

from starlette._utils import get_route_path
from starlette.routing import Match, Mount
from starlette.types import Scope

from ocpi_party.ocpi.command import CommandType
from ocpi_party.ocpi.modules import FUNCTIONAL, ModuleId
from ocpi_party.ocpi.types import PartyId

RESULTS = "results"
"""The segment before the secret in our call-back URLs."""

_SLASHES = re.compile(r"/{2,}")
_JOINED = re.compile(rf"(/ocpi/(?:cpo|emsp)/[^/]+/(?:{'|'.join(sorted(FUNCTIONAL))}))([^/].*)")
_WITH_RESULTS = "|".join((ModuleId.COMMANDS, ModuleId.CHARGING_PROFILES))
_ENDING = "|".join((CommandType.STOP_SESSION, CommandType.CANCEL_RESERVATION))
_BEGUN = re.compile(
    rf"/ocpi/emsp/[^/]+/(?:{_WITH_RESULTS})/{RESULTS}/[^/]+|/ocpi/cpo/[^/]+/{ModuleId.COMMANDS}/(?i:{_ENDING})"
)


class Interface(Mount):
    """The endpoints of one interface, below its path and at the path itself: a list has no slash at its end."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if get_route_path(scope) != self.path:
            return super().matches(scope)
        root_path = scope.get("root_path", "")
        below = {"root_path": root_path + self.path, "app_root_path": scope.get("app_root_path", root_path)}
        return Match.FULL, {"path_params": {}, "endpoint": self.app, **below}


def is_ocpi(path: str) -> bool:
    """Whether a partner asks: one that joins a base URL with a slash at its end and /ocpi asks too."""
    return path.startswith("/ocpi") or (path.startswith("//") and path.lstrip("/").startswith("ocpi"))


def as_sent(scope: Scope) -> None:
    """Let the router see the path with its percent-encoding: an encoded slash must not split a segment.

    Endpoints decode each segment once (IdInUrl).
    """
    raw = scope.get("raw_path")
    path = raw.partition(b"?")[0].decode("latin-1") if raw else scope["path"]
    if "//" in path:
        path = _SLASHES.sub("/", path)
    scope["path"] = path.rstrip("/") or "/"


def with_forgotten_slash(path: str) -> str | None:
    """What a partner meant that joins an endpoint and an id as they are, as in /locationsNL/TNM/LOC1; None for another path."""
    found = _JOINED.fullmatch(path)
    return f"{found[1]}/{found[2]}" if found else None


def owner_in(path: str) -> PartyId | None:
    """The party that is named first, as at a Receiver interface it is; elsewhere two segments of another meaning.

    path  as it was sent: /ocpi/{side}/{version}/{module}/{country_code}/{party_id}/…
    """
    parts = path.split("/", 7)
    return PartyId(unquote(parts[5]), unquote(parts[6])).folded() if len(parts) > 7 else None


def is_about_what_was_begun(path: str) -> bool:
    """Whether it is where we hear the result of a request of ours, or are asked to end a charge or reservation.

    path  as it was sent
    """
    return _BEGUN.fullmatch(path) is not None
