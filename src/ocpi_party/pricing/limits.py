"""min_price and max_price of a tariff. OCPI 2.2.1, Tariffs, "Tariff Object"."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from ocpi_party.pricing.amounts import NOTHING, Amount
from ocpi_party.pricing.exact import shown
from ocpi_party.pricing.lines import LIMIT, Line
from ocpi_party.pricing.tariff import Tariff


def limits(tariff: Tariff, lines: Sequence[Line]) -> list[Line]:
    """What they add to the lines of a tariff: "as a rule, they both apply", to excl_vat and to incl_vat, each alone."""
    found = []
    priced = [line.cost for line in lines if line.element is not None]
    subtotal = sum(priced, NOTHING) if priced else _nothing_priced(tariff)
    for name, limit, choose in (("MIN_PRICE", tariff.min_price, max), ("MAX_PRICE", tariff.max_price, min)):
        if limit is None:
            continue
        excl_vat = choose(subtotal.excl_vat, limit.excl_vat)
        incl_vat = subtotal.incl_vat
        if incl_vat is not None and limit.incl_vat is not None:
            incl_vat = choose(incl_vat, limit.incl_vat)
        elif incl_vat is not None:
            # A limit that tells no incl_vat is paid with VAT all the same: at the rate of what it limits, if any.
            incl_vat = excl_vat * (incl_vat / subtotal.excl_vat if subtotal.excl_vat else 1)
        if (excl_vat, incl_vat) != (subtotal.excl_vat, subtotal.incl_vat):
            found.append(_limit(tariff, name, subtotal, Amount(excl_vat, incl_vat)))
            subtotal = Amount(excl_vat, incl_vat)
    return found


def _nothing_priced(tariff: Tariff) -> Amount:
    """Nothing says that VAT does not apply, if the minimum has one."""
    with_vat = tariff.min_price is not None and tariff.min_price.incl_vat is not None
    return Amount(Fraction(0), Fraction(0) if with_vat else None)


def _limit(tariff: Tariff, name: str, before: Amount, after: Amount) -> Line:
    incl_vat = None if after.incl_vat is None or before.incl_vat is None else after.incl_vat - before.incl_vat
    change = Amount(after.excl_vat - before.excl_vat, incl_vat)
    with_vat = "" if after.incl_vat is None else f" ({shown(before.gross())} to {shown(after.gross())} incl. VAT)"
    return Line(
        part=LIMIT,
        dimension=name,
        tariff_id=tariff.id,
        element=None,
        quantity=Decimal(1),
        billed_quantity=Decimal(1),
        unit="",
        price=None,
        vat=None,
        cost=change,
        estimated=False,
        words=f"{name.lower()} of tariff {tariff.id}: {shown(before.excl_vat)} to {shown(after.excl_vat)}{with_vat}",
    )
