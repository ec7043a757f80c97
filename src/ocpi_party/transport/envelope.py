"""The envelope around every answer, and the headers of a page. OCPI 2.2.1, Transport and format, "Response format"."""

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from ocpi_party.ocpi import headers
from ocpi_party.ocpi.status import StatusCode
from ocpi_party.ocpi.types import House, encode, now, wire_time
from ocpi_party.owned.listing import Page, Window
from ocpi_party.transport.asked import Asked

_JSON = "application/json"


def success(data: bytes | None = None, *, http_status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """data  JSON text; None leaves it out, as pushes have none to tell (AMB-17)"""
    told = (b'{"data":', data, b",") if data is not None else (b"{",)
    return _json(b"".join((*told, _tail(StatusCode.SUCCESS))), http_status, headers)


def _json(body: bytes, http_status: int, headers: Mapping[str, str] | None) -> Response:
    return Response(body, http_status, headers, _JSON)


def stored(*, new: bool) -> Response:
    """An object was stored: 201 if it is new to us, else 200."""
    return success(http_status=201 if new else 200)


def failure(
    http_status: int,
    code: StatusCode,
    message: str,
    *,
    headers: Mapping[str, str] | None = None,
    data: bytes | None = None,
) -> Response:
    """An error in the envelope; data only where the specification tells it with an error (2003 of a command)."""
    told = b'{"data":' + data + b"," if data is not None else b"{"
    return _json(told + b'"status_message":' + encode(message) + b"," + _tail(code), http_status, headers)


def _tail(code: StatusCode) -> bytes:
    return b'"status_code":%d,"timestamp":"%s"}' % (code, wire_time(now()).encode())


def page(request: Request, asked: Asked, kind: type[House], window: Window, found: Page) -> Response:
    """A list, with X-Total-Count, X-Limit, and a Link unless it is the last page.

    The Link carries offset and limit, from which some clients build the next URL themselves, and a cursor that makes the next
    page as cheap as the first.
    """
    end = window.offset + len(found.documents)
    more = {headers.TOTAL_COUNT: str(found.total), headers.LIMIT: str(window.limit)}
    if found.documents and end < found.total:
        query = {k: v for k, v in request.query_params.items() if k not in ("offset", "limit", "cursor")}
        query |= {
            "offset": str(window.offset + window.limit),
            "limit": str(window.limit),
            "cursor": f"{end}.{found.last}",
        }
        path = request.scope["path"]
        more[headers.LINK] = f'<{asked.house.public_url}{path}?{urlencode(query)}>; rel="next"'
    documents = found.documents
    if kind in asked.spoken.writers:
        documents = [asked.spoken.write(kind, document) for document in documents]
    return _json(_list(documents), 200, more)


def _list(documents: list[bytes]) -> bytes:
    """The envelope around a list. It is put together in one go: a page is long, and each copy of it costs as much as a query."""
    if not documents:
        return b'{"data":[],' + _tail(StatusCode.SUCCESS)
    parts = documents.copy()
    parts[0] = b'{"data":[' + parts[0]
    parts[-1] += b"]"
    return b",".join([*parts, _tail(StatusCode.SUCCESS)])
