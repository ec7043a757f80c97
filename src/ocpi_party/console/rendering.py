"""Pages from templates. Everything that is put into one is text: markup that partners send is shown, never obeyed (TYP-21)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from jinja2 import ChainableUndefined, Environment, FileSystemLoader
from markupsafe import Markup

from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.types import encode, now, parse_time

_HERE = Path(__file__).parent


class Templates:
    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=ChainableUndefined,  # Partners leave fields out; a page must show the others.
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= _FILTERS
        self._environment.globals["here"] = here

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        return self._environment.get_template(template).render(values)


def here(*parts: object, **query: object) -> str:
    """A path of the console; each part is one segment of it."""
    path = "/".join(["/console", *(quote(str(part), safe="") for part in parts)])
    given = {name: value for name, value in query.items() if value not in (None, "", False)}
    return f"{path}?{urlencode(given)}" if given else path


def pretty(value: object) -> str:
    """JSON over several lines."""
    return msgspec.json.format(encode(value), indent=2).decode()


def _moment(given: object) -> datetime | None:
    if isinstance(given, datetime):
        return given.astimezone(UTC)
    try:
        return parse_time(given) if isinstance(given, str) else None
    except InvalidObject:
        return None


def when(given: object) -> Markup | str:
    """A moment of the wire, for people: `2026-03-01 12:00:05 UTC`."""
    at = _moment(given)
    if at is None:
        return str(given or "–")
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S} UTC")


def ago(given: object) -> Markup | str:
    """How long a moment is past, or ahead."""
    at = _moment(given)
    if at is None:
        return "never"
    seconds = (now() - at).total_seconds()
    words = f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}", words
    )


def due(given: object) -> Markup | str:
    """When something will be done; what is due waits for a worker."""
    at = _moment(given)
    return "now" if at is not None and at <= now() else ago(given)


def span(seconds: float | Decimal) -> str:
    """A length of time in its largest unit: `5 s`, `3 min`, `2 h`, `4 d`."""
    for length, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {name}"
    return f"{int(seconds)} s"


def hours(given: object) -> str:
    """A time as OCPI counts it, in hours: `1:30 h`."""
    if not isinstance(given, int | float | Decimal):
        return "–"
    minutes = round(given * 60)
    return f"{minutes // 60}:{minutes % 60:02} h"


def price(given: object, currency: object = "") -> str:
    """A Price of OCPI: with VAT if that is known."""
    if not isinstance(given, dict):
        return "–"
    with_vat = given.get("incl_vat")
    amount = with_vat if with_vat is not None else given.get("excl_vat")
    if not isinstance(amount, int | Decimal):
        return "–"
    return f"{amount:,.2f} {currency}{'' if with_vat is not None else ' excl. VAT'}"


def tone(state: object) -> str:
    """The class that gives a state its colour; the word itself always stands beside it."""
    return _TONES.get(str(state), "plain")


_TONES = {
    **dict.fromkeys(
        ("CONNECTED", "AVAILABLE", "ACCEPTED", "ALLOWED", "OK", "COMPLETED", "ACTIVE", "DELIVERED", "RESULTED"), "good"
    ),
    **dict.fromkeys(("CHARGING", "RESERVED", "INVITED", "CONNECTING", "PENDING", "WAITING", "RESERVATION"), "busy"),
    **dict.fromkeys(
        ("BLOCKED", "INOPERATIVE", "OUTOFORDER", "REFUSED", "GIVEN_UP", "REJECTED", "FAILED", "INVALID"), "bad"
    ),
    **dict.fromkeys(("TIMED_OUT", "TIMEOUT", "EXPIRED", "NOT_ALLOWED", "NO_CREDIT", "UNREGISTERED", "OFFLINE"), "bad"),
}
_FILTERS: Mapping[str, Callable[..., Any]] = {
    "pretty": pretty,
    "when": when,
    "ago": ago,
    "due": due,
    "span": span,
    "hours": hours,
    "price": price,
    "tone": tone,
}
