"""The lines of a bill: quantity, what is billed of it, price, VAT, and words that tell an operator why."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ocpi_party.pricing.amounts import NOTHING, Amount, cost
from ocpi_party.pricing.exact import HOUR, decimal
from ocpi_party.pricing.slices import Use
from ocpi_party.pricing.steps import rounded_up
from ocpi_party.pricing.tariff import Component
from ocpi_party.pricing.words import reason

FIXED, ENERGY, TIME, PARKING, RESERVATION, LIMIT = "fixed", "energy", "time", "parking", "reservation", "limit"
PARTS = {"FLAT": FIXED, "ENERGY": ENERGY, "TIME": TIME, "PARKING_TIME": PARKING}
UNITS = {"ENERGY": "kWh", "TIME": "h", "PARKING_TIME": "h", "FLAT": ""}


@dataclass(frozen=True)
class Line:
    """
    part       the cost field of a CDR that it belongs to: total_{part}_cost; "limit" belongs to the total only
    dimension  TariffDimensionType, or MIN_PRICE, MAX_PRICE
    element    of the tariff, counted from 1; None where no component prices the quantity, and for limits
    quantity, billed_quantity   in `unit`: kWh, h, or times; billed is after step_size
    price      per unit, excluding VAT; vat in percent, None where it does not apply
    estimated  the quantity had to be guessed: a charging period crosses a change of price
    """

    part: str
    dimension: str
    tariff_id: str
    element: int | None
    quantity: Decimal
    billed_quantity: Decimal
    unit: str
    price: Decimal | None
    vat: Decimal | None
    cost: Amount
    estimated: bool
    words: str


def lines_of(uses: Sequence[Use], part: str | None = None) -> list[Line]:
    """One line per component, in the order in which they became active, and one per dimension for what nothing prices.

    part  for all lines, if not the one of their dimension
    """
    extra = rounded_up(uses)
    groups: dict[tuple[str, str, int | None], list[Use]] = {}
    for use in uses:
        key = (use.dimension, use.tariff.id, use.component.element if use.component else None)
        groups.setdefault(key, []).append(use)
    return [_line(group, extra, part) for group in groups.values() if group[0].component or _total(group)]


def _total(group: Sequence[Use]) -> Fraction:
    return sum((use.quantity for use in group), Fraction(0))


def _line(group: Sequence[Use], extra: dict[Component, Fraction], part: str | None) -> Line:
    first, component, used = group[0], group[0].component, _total(group)
    billed = used + extra.get(component, Fraction(0)) if component else Fraction(0)
    size = HOUR if UNITS[first.dimension] == "h" else 1
    amount = cost(billed / size * component.price, component.vat) if component else NOTHING
    parking_fee = first.dimension == "FLAT" and component and component.parking
    return Line(
        part=part or (PARKING if parking_fee else PARTS[first.dimension]),
        dimension=first.dimension,
        tariff_id=first.tariff.id,
        element=component.element if component else None,
        quantity=decimal(used / size),
        billed_quantity=decimal(billed / size),
        unit=UNITS[first.dimension],
        price=decimal(component.price) if component else None,
        vat=decimal(component.vat) if component and component.vat is not None else None,
        cost=amount,
        estimated=any(use.estimated for use in group),
        words=reason(group, used, billed, amount, reserved=part == RESERVATION),
    )
