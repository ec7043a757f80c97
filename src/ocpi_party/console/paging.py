"""Where a page of a list lies, and the queries of those beside it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ocpi_party.console.own_api import Answer

_NEXT = re.compile(r"<([^>]*)>")


def paging(query: Mapping[str, str], answer: Answer, filters: Iterable[str]) -> dict[str, Any]:
    """answer  of the API; the cursor in its Link keeps pages far behind as cheap as the first"""
    kept: dict[str, Any] = {name: query[name] for name in filters if query.get(name)}
    offset, limit = int(query.get("offset") or 0), int(answer.headers["x-limit"])
    found = _NEXT.match(answer.headers.get("link", ""))
    link = parse_qs(urlsplit(found[1]).query) if found else {}
    return {
        "total": answer.total,
        "first": offset + 1 if answer.data else 0,
        "last": offset + len(answer.data),
        "before": kept | {"offset": max(0, offset - limit)} if offset else None,
        "behind": kept | {name: link[name][0] for name in ("offset", "cursor") if name in link} if link else None,
    }


def by_offset(asked: Mapping[str, str], answer: Answer) -> dict[str, Any]:
    """The same where the API counts and gives no Link. asked  with an offset that the API took"""
    first, limit = int(asked["offset"] or 0), int(answer.headers["x-limit"])
    reached = first + len(answer.data)
    return {
        "total": answer.total,
        "first": first + 1 if answer.data else 0,
        "last": reached,
        "before": {**asked, "offset": max(0, first - limit)} if first else None,
        "behind": {**asked, "offset": reached} if reached < answer.total else None,
    }
