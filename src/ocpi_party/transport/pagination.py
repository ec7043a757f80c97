"""What part of a list a request asks for. OCPI 2.2.1, Transport and format, "Pagination"."""

import re
from datetime import datetime

from fastapi import Request

from ocpi_party.ocpi.errors import InvalidObject, InvalidParameter
from ocpi_party.ocpi.types import parse_time
from ocpi_party.owned.listing import Window

MAX_NUMBER = 2**53
_CURSOR = re.compile(r"(\d{1,16})\.(\d{1,18})", re.ASCII)


def window(request: Request, *, size: int, size_max: int, date_from_required: bool = False) -> Window:
    """The window of a list request; parameters that we do not know are ignored.

    size, size_max  the limit when none is given, and the largest we grant
    Raises          InvalidParameter for a parameter that cannot be meant
    """
    asked = request.query_params
    date_from, date_to = moment(asked.get("date_from"), "date_from"), moment(asked.get("date_to"), "date_to")
    if date_from_required and date_from is None:
        raise InvalidParameter("date_from", "is required for this list")
    offset = _number(asked.get("offset"), "offset", least=0, default=0)
    limit = min(_number(asked.get("limit"), "limit", least=1, default=size), size_max)
    return Window(date_from, date_to, offset, limit, _after(asked.get("cursor"), offset))


def moment(text: str | None, name: str) -> datetime | None:
    """A moment in a URL. Raises InvalidParameter; name  of the parameter"""
    if text is None or text == "":
        return None
    try:
        return parse_time(text)
    except InvalidObject as fault:
        raise InvalidParameter(name, fault.rule) from None


def _number(text: str | None, name: str, *, least: int, default: int) -> int:
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or (not text.strip("0") and least > 0):
        raise InvalidParameter(name, f"must be a whole number of at least {least}")
    # More digits are beyond every list, and Python would refuse thousands.
    digits = text.lstrip("0")[: len(str(MAX_NUMBER)) + 1]
    return min(int(digits or "0"), MAX_NUMBER)


def _after(cursor: str | None, offset: int) -> int | None:
    """The cursor counts only for the offset it was made for: some clients keep the query and change the offset."""
    found = _CURSOR.fullmatch(cursor or "")
    return int(found[2]) if found and int(found[1]) == offset else None
