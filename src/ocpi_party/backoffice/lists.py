"""Lists of the operator's API, answered as OCPI answers them. OCPI 2.2.1, Transport and format, "Pagination"."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from fastapi.responses import Response

from ocpi_party.ocpi.errors import InvalidParameter
from ocpi_party.ocpi.types import JsonObject, encode, parse_time, wire_time
from ocpi_party.owned.listing import Window
from ocpi_party.transport.asked import Building
from ocpi_party.transport.pagination import window

Text = Annotated[str | None, Query()]


def _described(
    date_from: Annotated[str | None, Query(description="inclusive")] = None,
    date_to: Annotated[str | None, Query(description="exclusive")] = None,
    offset: Text = None,
    limit: Text = None,
) -> None:
    """Parameters that every list takes; `window` reads them, this is for the documentation."""


LISTED = Depends(_described)


def asked_for(request: Request, building: Building) -> Window:
    """Raises InvalidParameter for one that cannot be meant"""
    return window_asked(request, size=building.page_size, size_max=building.page_size_max)


def window_asked(request: Request, *, size: int, size_max: int) -> Window:
    """Raises InvalidParameter for one that cannot be meant"""
    wanted = window(request, size=size, size_max=size_max)
    if wanted.date_from is not None and wanted.date_to is not None and wanted.date_to < wanted.date_from:
        raise InvalidParameter("date_to", f"lies before date_from, {wire_time(wanted.date_from)}")
    return wanted


def answer(
    request: Request,
    building: Building,
    wanted: Window,
    shown: Sequence[JsonObject] | bytes,
    total: int,
    *,
    count: int | None = None,
    last: object | None = None,
    goes_on: bool | None = None,
) -> Response:
    """One page of a list.

    shown    its objects, or their JSON text, and then count says how many they are
    last     what a cursor names: the last object shown
    goes_on  whether there is a next page, where total does not tell
    """
    size = len(shown) if count is None else count
    headers = {"x-total-count": str(total), "x-limit": str(wanted.limit)}
    end = wanted.offset + size
    if size and (end < total if goes_on is None else goes_on):
        kept = [(k, v) for k, v in request.query_params.multi_items() if k not in ("offset", "limit", "cursor")]
        kept += [("offset", str(end)), ("limit", str(wanted.limit))]
        if last is not None:
            kept.append(("cursor", f"{end}.{last}"))
        headers["link"] = f'<{building.public_url}{request.scope["path"]}?{urlencode(kept)}>; rel="next"'
    body = shown if isinstance(shown, bytes) else encode(list(shown))
    return Response(body, headers=headers, media_type="application/json")


def of_few(request: Request, building: Building, found: Sequence[tuple[str | None, JsonObject]]) -> Response:
    """One page of a list that is short enough to be read whole; without a limit the page is as long as a page may be.

    found  each with the moment that date_from and date_to are of; what has none is outside of each window
    """
    wanted = window_asked(request, size=building.page_size_max, size_max=building.page_size_max)
    within = [one for at, one in found if not wanted.is_filtered or _is_within(at, wanted)]
    return answer(request, building, wanted, within[wanted.offset :][: wanted.limit], len(within))


def _is_within(written: str | None, wanted: Window) -> bool:
    if written is None:
        return False
    at = parse_time(written)
    return (wanted.date_from is None or at >= wanted.date_from) and (wanted.date_to is None or at < wanted.date_to)
