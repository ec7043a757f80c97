"""What a received CDR tells otherwise than we see it."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ocpi_party.pricing.exact import decimal, shown

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Difference:
    """
    field     where it stands in the CDR, as total_cost/incl_vat
    told      by the CDR; None if it tells nothing
    computed  by us; None if there is nothing to compute
    words     for the operator
    """

    field: str
    told: Decimal | None
    computed: Decimal | None
    words: str


def compare(field: str, told: Fraction, computed: Fraction, tolerance: Decimal, words: str) -> list[Difference]:
    if abs(told - computed) <= Fraction(tolerance):
        return []
    text = f"told {shown(told)}, computed {shown(computed)}: {words}"
    return [Difference(field, decimal(told), decimal(computed), text)]
