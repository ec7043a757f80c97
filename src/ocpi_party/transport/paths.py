"""Paths as partners sent them: percent-encoding kept, slashes at the end and doubled ones forgiven (AMB-07, AMB-08)."""

import re

from starlette.types import Scope

_SLASHES = re.compile(r"/{2,}")


def as_sent(scope: Scope) -> None:
    """Let the router see the path with its percent-encoding: an encoded slash must not split a segment.

    Endpoints decode each segment once (IdInUrl).
    """
    raw = scope.get("raw_path")
    path = raw.partition(b"?")[0].decode("latin-1") if raw else scope["path"]
    if "//" in path:
        path = _SLASHES.sub("/", path)
    scope["path"] = path.rstrip("/") or "/"
