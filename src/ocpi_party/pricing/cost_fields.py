"""The cost fields of a CDR, from a priced session. OCPI 2.2.1, CDRs, "CDR Object"."""

from typing import Any

from ocpi_party.pricing.amounts import Rounding
from ocpi_party.pricing.exact import rounded
from ocpi_party.pricing.priced import PricedSession

PARTS = ("fixed", "energy", "time", "parking", "reservation")
DECIMALS = 4
"""Of numbers in OCPI, "unless mentioned otherwise". The parts keep them, only total_cost is rounded for an invoice."""


def cost_fields(priced: PricedSession, currency: str | None = None, rounding: Rounding | None = None) -> dict[str, Any]:
    """`currency`, all fields `total_*` that have something to tell, and `total_cost`, with Decimal numbers.

    currency  of the CDR, where no tariff tells one
    """
    money = currency or priced.currency
    parts = {f"total_{name}_cost": priced.part(name) for name in PARTS}
    fields: dict[str, Any] = {
        "currency": money,
        "total_cost": priced.total_cost.rounded(money, rounding),
        "total_energy": rounded(priced.total_energy, DECIMALS),
        "total_time": rounded(priced.total_time, DECIMALS),
    }
    if priced.total_parking_time is not None:
        fields["total_parking_time"] = rounded(priced.total_parking_time, DECIMALS)
    return fields | {name: part.rounded(money, Rounding(DECIMALS)) for name, part in parts.items() if part is not None}
