"""The words beside an amount, so that an operator can follow it with pencil and paper."""

from collections.abc import Sequence
from fractions import Fraction

from ocpi_party.pricing.amounts import Amount
from ocpi_party.pricing.exact import shown
from ocpi_party.pricing.slices import Use
from ocpi_party.pricing.tariff import Component

NAMES = {"FLAT": "Fixed fee", "ENERGY": "Energy", "TIME": "Charging time", "PARKING_TIME": "Parking time"}
RESERVED = {"FLAT": "Reservation fee", "TIME": "Reservation"}
PER = {"ENERGY": "kWh", "TIME": "hour", "PARKING_TIME": "hour"}


def reason(group: Sequence[Use], used: Fraction, billed: Fraction, amount: Amount, reserved: bool) -> str:
    """One line of a bill in a sentence.

    group         the uses of one component, or of none, in one dimension
    used, billed  in kWh or seconds, before and after step_size
    """
    dimension, component, tariff = group[0].dimension, group[0].component, group[0].tariff
    name = (RESERVED if reserved else NAMES)[dimension]
    told = measure(dimension, used)
    if component is None:
        return f"{name}: {told} without cost, no element of tariff {tariff.id} prices it then"
    where = f"{_vat(component)}, element {component.element} of tariff {component.tariff_id}"
    if dimension == "FLAT":
        return f"{name}: {shown(component.price)} once, {where}"
    step = _step(component, billed) if billed != used else ""
    price = f"{shown(component.price)} per {PER[dimension]}"
    return f"{name}: {told}{step} at {price}, {where}: {shown(amount.excl_vat)}{_guess(group)}"


def measure(dimension: str, quantity: Fraction) -> str:
    return f"{shown(quantity)} kWh" if dimension == "ENERGY" else f"{shown(quantity / 60)} min"


def _step(component: Component, billed: Fraction) -> str:
    unit = "Wh" if component.dimension == "ENERGY" else "s"
    size = f"step_size {component.step_size} {unit} on the total of the session"
    return f", billed {measure(component.dimension, billed)} ({size})"


def _vat(component: Component) -> str:
    return "no VAT" if component.vat is None else f"{shown(component.vat)} % VAT"


def _guess(group: Sequence[Use]) -> str:
    periods = sorted({use.period for use in group if use.estimated})
    if not periods:
        return ""
    crossed = ", ".join(map(str, periods))
    return f"; an estimate: charging period {crossed} crosses a change of price and was split evenly"
