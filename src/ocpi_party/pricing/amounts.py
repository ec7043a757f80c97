"""Money excluding and including VAT, exact until it is rounded once. OCPI 2.2.1, Types, "Price"."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from ocpi_party.pricing.exact import Document, decimal, exact, rounded

MINOR_UNITS = {
    **dict.fromkeys(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND"], 0),
    **dict.fromkeys(["VUV", "XAF", "XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
"""Decimals of the currencies that do not have two. ISO 4217."""


def minor_unit(currency: str) -> int:
    return MINOR_UNITS.get(currency.upper(), 2)


@dataclass(frozen=True)
class Rounding:
    """How the final amount is rounded: law and contracts say, "the OCPI specification stays out of these matters".

    places  None for the minor unit of the currency
    mode    one of decimal's rounding modes
    """

    places: int | None = None
    mode: str = ROUND_HALF_UP


@dataclass(frozen=True)
class Amount:
    """incl_vat is None where VAT does not apply; a zero rate gives incl_vat equal to excl_vat."""

    excl_vat: Fraction
    incl_vat: Fraction | None = None

    def __add__(self, other: "Amount") -> "Amount":
        excl_vat = self.excl_vat + other.excl_vat
        if self.incl_vat is None and other.incl_vat is None:
            return Amount(excl_vat)
        # What VAT does not apply to costs the same with and without it.
        return Amount(excl_vat, self.gross() + other.gross())

    def gross(self) -> Fraction:
        return self.excl_vat if self.incl_vat is None else self.incl_vat

    def price(self) -> dict[str, Decimal]:
        """As an OCPI Price with all its digits."""
        exactly = {"excl_vat": decimal(self.excl_vat)}
        return exactly if self.incl_vat is None else exactly | {"incl_vat": decimal(self.incl_vat)}

    def rounded(self, currency: str, rounding: Rounding | None = None) -> dict[str, Decimal]:
        """As an OCPI Price for an invoice; each of the two amounts is rounded on its own."""
        rule = rounding or Rounding()
        places = minor_unit(currency) if rule.places is None else rule.places
        both = {"excl_vat": self.excl_vat, "incl_vat": self.incl_vat}
        return {name: rounded(value, places, rule.mode) for name, value in both.items() if value is not None}


NOTHING = Amount(Fraction(0))


def cost(excl_vat: Fraction, vat: Fraction | None) -> Amount:
    """vat  in percent; None: no VAT is applicable, which is different from 0 %"""
    return Amount(excl_vat, None if vat is None else excl_vat * (1 + vat / 100))


def amount_of(price: Document) -> Amount:
    incl_vat = price.get("incl_vat")
    return Amount(exact(price["excl_vat"]), None if incl_vat is None else exact(incl_vat))
