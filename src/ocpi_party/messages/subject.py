"""Which object a message is about, as far as its URL or its body tells."""

from urllib.parse import unquote

from ocpi_party.ocpi.errors import UnreadableJson
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import decode

_CALLBACKS = "results"


def in_path(rest: str, *, owned: bool) -> str | None:
    """What the end of a URL names: NL*TNM/LOC1/3256, LOC1/3256; None for a list.

    rest   the path behind the module
    owned  the URL names the owner first, as that of a Receiver interface does
    """
    segments = [unquote(segment) for segment in rest.partition("?")[0].split("/") if segment]
    if not segments or segments[0] == _CALLBACKS:
        return None
    if owned and len(segments) > 2:
        return "/".join([f"{segments[0]}*{segments[1]}", *segments[2:]])
    return "/".join(segments)


def in_body(module: str | None, body: bytes) -> str | None:
    """The object that a POST brings: only CDRs come without their id in the URL."""
    if module != ModuleId.CDRS or not body:
        return None
    try:
        document = decode(body)
    except UnreadableJson:
        return None
    if not isinstance(document, dict):
        return None
    return f"{document.get('country_code')}*{document.get('party_id')}/{document.get('id')}"
