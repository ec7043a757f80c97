"""What is billed of what was used: step_size, once per session. OCPI 2.2.1, CDRs, "step_size"."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

from ocpi_party.pricing.slices import Use
from ocpi_party.pricing.tariff import Component

TOGETHER = (("ENERGY",), ("TIME", "PARKING_TIME"))
"""`step_size` counts "once per session for ENERGY and once for PARKING_TIME and TIME combined"."""


def rounded_up(uses: Sequence[Use]) -> dict[Component, Fraction]:
    """What step_size adds to a component's quantity; uses are in the order of time.

    The last component of the session decides, and the whole amount of its dimension is rounded: 25 minutes of TIME
    before 17:00 and 10 after it make 35, and the 900 seconds of the evening's component make that 45. Charging time
    that is followed by parking is not rounded. What nothing prices is neither rounded nor counted, nor does it come
    last.
    """
    extra: dict[Component, Fraction] = {}
    for dimensions in TOGETHER:
        priced = [use for use in uses if use.component and use.dimension in dimensions and use.quantity]
        if priced and (last := priced[-1].component):
            total = sum((use.quantity for use in priced if use.dimension == last.dimension), Fraction(0))
            extra[last] = next_step(total, last) - total
    return extra


def next_step(quantity: Fraction, component: Component) -> Fraction:
    """The smallest multiple of step_size that is not less; energy that came out of the car is not rounded."""
    step = Fraction(component.step_size, 1000 if component.dimension == "ENERGY" else 1)
    return ceil(quantity / step) * step if quantity > 0 else quantity
