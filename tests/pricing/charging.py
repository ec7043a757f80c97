"""Tariffs, charging periods and sessions for the tests of pricing: short to write, valid, then your change."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ocpi_party.pricing.exact import decimal
from ocpi_party.pricing.priced import PricedSession
from ocpi_party.pricing.reservation import Reservation
from ocpi_party.pricing.session import price_session

EXAMPLES = Path(__file__).parents[1] / "examples" / "2.2.1"
AMSTERDAM = "Europe/Amsterdam"
MONDAY = "2019-06-17T09:30"
SATURDAY = "2019-06-22T13:30"
SHORT = {"kwh": "ENERGY", "minutes": "TIME", "parked": "PARKING_TIME", "reserved": "RESERVATION_TIME"}

Document = dict[str, Any]


def example(name: str) -> Document:
    """An official example, numbers as they stand there."""
    document: Document = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"), parse_float=Decimal)
    return document


def local(text: str, time_zone: str = AMSTERDAM) -> datetime:
    """2019-06-17T09:30 on a clock at the Location."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def a_component(dimension: str, price: str, step_size: int = 1, **changes: Any) -> Document:
    return {"type": dimension, "price": Decimal(price), "step_size": step_size} | changes


def an_element(*components: Document, **restrictions: Any) -> Document:
    return {"price_components": list(components)} | ({"restrictions": restrictions} if restrictions else {})


def a_tariff(*elements: Document, **changes: Any) -> Document:
    return {
        "country_code": "NL",
        "party_id": "TNM",
        "id": "T1",
        "currency": "EUR",
        "elements": list(elements),
    } | changes


def hours(minutes: str | int | Fraction) -> Decimal:
    return decimal(Fraction(minutes) / 60)


def a_period(start: datetime, tariff: Document | None = None, **volumes: Any) -> Document:
    """kwh, minutes (charging), parked (minutes), reserved (minutes), and any CdrDimensionType by its own name."""
    dimensions = [
        {
            "type": SHORT.get(name, name),
            "volume": hours(volume) if SHORT.get(name, "ENERGY") != "ENERGY" else as_number(volume),
        }
        for name, volume in volumes.items()
    ]
    period: Document = {"start_date_time": start.isoformat().replace("+00:00", "Z"), "dimensions": dimensions}
    return period | ({"tariff_id": tariff["id"]} if tariff else {})


def as_number(volume: Any) -> Any:
    return Decimal(volume) if isinstance(volume, str) else volume


def price(
    tariff: Document,
    *parts: Document,
    at: str = MONDAY,
    reservation: Reservation | None = None,
    time_zone: str = AMSTERDAM,
) -> PricedSession:
    """A session under one tariff; each part is a charging period: `lasts` minutes, and volumes as in `a_period`."""
    start = local(at, time_zone)
    periods, end = laid_out(tariff, parts, start)
    return price_session([tariff], periods, end, time_zone, reservation=reservation)


def laid_out(tariff: Document, parts: Sequence[Document], start: datetime) -> tuple[list[Document], datetime]:
    periods = []
    for part in parts:
        volumes = dict(part)
        lasts = volumes.pop("lasts", volumes.get("minutes", 0) + volumes.get("parked", 0) or 60)
        periods.append(a_period(start, tariff, **volumes))
        start += timedelta(minutes=lasts)
    return periods, start


def costs(priced: PricedSession) -> tuple[object, object]:
    price = priced.total_cost.price()
    return price["excl_vat"], price.get("incl_vat")


def billed(priced: PricedSession) -> list[tuple[str, object, object]]:
    """Each line as dimension, billed quantity (kWh, minutes, times) and cost without VAT."""
    return [
        (
            line.dimension,
            round(line.billed_quantity * (60 if line.unit == "h" else 1), 6),
            line.cost.price()["excl_vat"],
        )
        for line in priced.lines
    ]
