"""Checking a received CDR: what it tells against what its own tariffs and charging periods come to. OCPI 2.2.1, CDRs.

Nothing is rejected here: a difference is for an operator to see, and for the two parties to talk about.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from ocpi_party.pricing.amounts import NOTHING, Amount, amount_of, minor_unit
from ocpi_party.pricing.consistency import UNKNOWN, consistency
from ocpi_party.pricing.cost_fields import PARTS
from ocpi_party.pricing.credit import takes_back_unsaid
from ocpi_party.pricing.difference import CENT, Difference, compare
from ocpi_party.pricing.exact import Document, Unpriceable, moment, same
from ocpi_party.pricing.leniency import as_meant
from ocpi_party.pricing.lines import LIMIT, Line
from ocpi_party.pricing.periods import Period, read_periods
from ocpi_party.pricing.priced import PricedSession
from ocpi_party.pricing.reservation import Reservation
from ocpi_party.pricing.session import price_periods
from ocpi_party.pricing.tariff import needs_time_zone


def check_cdr(cdr: Document, time_zone: str | None = None, tolerance: Decimal = CENT) -> list[Difference]:
    """All in which a CDR differs from what we compute; an empty list if nothing does.

    time_zone  of the Location: a CDR does not carry it. Without one we calculate in UTC and say so
    tolerance  per price component, and never less than the minor unit of the currency
    """
    try:
        return _differences(cdr, time_zone, tolerance)
    except Unpriceable as why:
        return [Difference("", None, None, f"cannot be recomputed: {why}")]


def _differences(cdr: Document, time_zone: str | None, tolerance: Decimal) -> list[Difference]:
    meant, found = as_meant(cdr)
    periods = read_periods(meant["charging_periods"], moment(meant["end_date_time"]))
    if not needs_time_zone(meant.get("tariffs") or []):
        time_zone = None  # Some Locations name one that there is not, as UTC+1; here nothing hangs on it.
    priced = _price(meant, periods, time_zone or "UTC")
    found += consistency(meant, periods)
    found += _tariffs(meant, priced)
    found += _sign(meant, priced)
    unsure = _unsure(meant, priced, time_zone)
    least = max(tolerance, Decimal(1).scaleb(-minor_unit(str(meant["currency"]))))
    return found + list(_costs(meant, priced, least, unsure))


def _price(cdr: Document, periods: list[Period], time_zone: str) -> PricedSession:
    start, end = moment(cdr["start_date_time"]), moment(cdr["end_date_time"])
    return price_periods(
        cdr.get("tariffs") or [],
        periods,
        end,
        time_zone,
        start=None if start < UNKNOWN else start,
        reservation=Reservation.of_cdr(cdr, periods),
    )


def _tariffs(cdr: Document, priced: PricedSession) -> Iterator[Difference]:
    if not cdr.get("tariffs"):
        yield Difference("tariffs", None, None, "no tariffs: its costs cannot be recomputed")
    elif not same(priced.currency, cdr["currency"]):
        words = f"the CDR is in {cdr['currency']}, its tariff in {priced.currency}: amounts are compared as they stand"
        yield Difference("currency", None, None, words)
    if priced.estimated:
        words = "a charging period crosses a change of price; a new one SHALL start there: " + _words(priced.lines)
        yield Difference("charging_periods", None, None, words)


def _sign(cdr: Document, priced: PricedSession) -> Iterator[Difference]:
    """There are tariffs with negative prices."""
    if takes_back_unsaid(cdr) and priced.total_cost.excl_vat >= 0:
        yield Difference("total_cost", None, None, "is negative, but this is no Credit CDR")


def _unsure(cdr: Document, priced: PricedSession, time_zone: str | None) -> str:
    blind = time_zone is None and needs_time_zone(cdr.get("tariffs") or [])
    in_utc = ["Calculated in UTC, for the time zone of the Location was not given."] if blind else []
    return "".join(f" {note}" for note in [*priced.notes, *in_utc])


def _costs(cdr: Document, priced: PricedSession, tolerance: Decimal, unsure: str) -> Iterator[Difference]:
    if not cdr.get("tariffs"):
        return
    lines = priced.lines
    total = list(_compare("total_cost", cdr["total_cost"], priced.total_cost, lines, tolerance, unsure))
    yield from total or _sum(cdr, priced, tolerance)
    for name in PARTS:
        told = cdr.get(f"total_{name}_cost")
        if told is not None:
            part = [line for line in lines if line.part == name]
            computed = priced.part(name) or NOTHING
            yield from _compare(f"total_{name}_cost", told, computed, part, tolerance, unsure)


def _sum(cdr: Document, priced: PricedSession, tolerance: Decimal) -> Iterator[Difference]:
    """The total against the parts that the CDR tells, if these are all and nothing limits their sum.

    Each of them may have been rounded, by half of what is tolerated.
    """
    told = {name: amount_of(cdr[field]) for name in PARTS if cdr.get(field := f"total_{name}_cost") is not None}
    needed = {line.part for line in priced.lines if line.cost.excl_vat}
    if not told or not needed <= told.keys():
        return
    total, parts = amount_of(cdr["total_cost"]), sum(told.values(), NOTHING)
    allowed = tolerance * (len(told) + 1) / 2
    words = f"total_cost against the sum of {', '.join(f'total_{name}_cost' for name in told)}"
    yield from compare("total_cost/excl_vat", total.excl_vat, parts.excl_vat, allowed, words)
    if total.incl_vat is not None and all(part.incl_vat is not None for part in told.values()):
        yield from compare("total_cost/incl_vat", total.incl_vat, parts.gross(), allowed, words)


def _compare(
    field: str, told: Document, computed: Amount, lines: list[Line] | tuple[Line, ...], tolerance: Decimal, unsure: str
) -> Iterator[Difference]:
    """A Price without incl_vat does not tell it; it does not say that there is none."""
    price, words = amount_of(told), _words(lines) + unsure
    allowed = tolerance * _components(lines, limited=lambda cost: cost.excl_vat)
    yield from compare(f"{field}/excl_vat", price.excl_vat, computed.excl_vat, allowed, words)
    if price.incl_vat is not None:
        allowed = tolerance * _components(lines, limited=lambda cost: cost.incl_vat) * _with_vat(lines)
        yield from compare(f"{field}/incl_vat", price.incl_vat, computed.gross(), allowed, words)


def _components(lines: Sequence[Line], limited: Callable[[Amount], Fraction | None]) -> int:
    """How many price components make up an amount, at least one: each may have been rounded by itself (AMB-50).

    Those of a tariff whose minimum or maximum price sets the amount count as one: that price is told in the tariff.
    """
    fixed = {line.tariff_id for line in lines if line.part == LIMIT and limited(line.cost)}
    return max(1, len(fixed) + sum(1 for line in lines if line.element is not None and line.tariff_id not in fixed))


def _with_vat(lines: Sequence[Line]) -> Decimal:
    """What their VAT makes of an amount at most: who computes it of a rounded amount multiplies the rounding too."""
    return 1 + max((line.vat or Decimal(0) for line in lines), default=Decimal(0)) / 100


def _words(lines: list[Line] | tuple[Line, ...]) -> str:
    return "; ".join(line.words for line in lines) + "." if lines else "nothing in the charging periods has a price."
