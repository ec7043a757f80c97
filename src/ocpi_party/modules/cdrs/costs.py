"""The cost fields of a CDR of ours, calculated from its tariffs and charging periods. OCPI 2.2.1, CDRs, "CDR Object"."""

from dataclasses import replace

from ocpi_party.database import ReadTx
from ocpi_party.dialects.dialect import read_own
from ocpi_party.modules.locations.facts import time_zone
from ocpi_party.ocpi.cdr import Cdr
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.types import JsonObject, fold
from ocpi_party.owned.publish import dated
from ocpi_party.partners.audience import OURS
from ocpi_party.pricing.consistency import consistency
from ocpi_party.pricing.cost_fields import PARTS, cost_fields
from ocpi_party.pricing.credit import negated
from ocpi_party.pricing.exact import Unpriceable, moment, same
from ocpi_party.pricing.periods import read_periods
from ocpi_party.pricing.priced import PricedSession
from ocpi_party.pricing.reservation import Reservation
from ocpi_party.pricing.session import price_periods
from ocpi_party.pricing.tariff import needs_time_zone

_TOTALS: JsonObject = {"total_cost": {"excl_vat": 0}, "total_energy": 0, "total_time": 0}
_COSTS = (*_TOTALS, "total_parking_time", *(f"total_{part}_cost" for part in PARTS))


async def with_costs(tx: ReadTx, owner: str, body: JsonObject) -> tuple[JsonObject, PricedSession]:
    """The CDR with its cost fields in place of those in the body, if there are any, and how they came about.

    owner   our CPO, as rows name it; its Location tells the time zone, without which tariffs with times of day have no price
    Raises  InvalidObject, also for tariffs and periods that have no price: a session that costs nothing has a tariff
            that says so ("Free of Charge"); a period beside others that names none costs nothing
    """
    given = {name: value for name, value in body.items() if name not in _COSTS}
    cdr = read_own(Cdr, dated(given) | _TOTALS)
    _must_have_its_tariffs(cdr)
    zone = await time_zone(tx, OURS, owner, cdr["cdr_location"]["id"])
    if zone is None and needs_time_zone(cdr.get("tariffs") or []):
        raise InvalidObject("/cdr_location/id", "is no Location of ours, whose time zone the tariffs need")
    try:
        start, end = moment(cdr["start_date_time"]), moment(cdr["end_date_time"])
        periods = read_periods(cdr["charging_periods"], end)
        reservation = Reservation.of_cdr(cdr, periods)
        priced = price_periods(
            cdr.get("tariffs") or [], periods, end, zone or "UTC", start=start, reservation=reservation
        )
    except Unpriceable as why:
        raise InvalidObject("/tariffs", f"have no price for these charging_periods: {why}") from why
    if not priced.tariff_ids:
        raise InvalidObject(
            "/tariffs", "has none for these charging_periods, by their tariff_id or by its type and time"
        )
    if not same(priced.currency, cdr["currency"]):
        raise InvalidObject("/currency", f"must be that of the tariffs of these charging_periods, {priced.currency}")
    fields = cost_fields(priced, cdr["currency"])
    if cdr.get("credit"):
        fields["total_cost"] = negated(fields["total_cost"])
    odd = [f"{one.field}: {one.words}" for one in consistency(cdr | fields, periods)]
    return cdr | fields, replace(priced, notes=(*priced.notes, *odd))


def _must_have_its_tariffs(cdr: JsonObject) -> None:
    known = {fold(tariff["id"]) for tariff in cdr.get("tariffs") or []}
    for number, period in enumerate(cdr["charging_periods"]):
        named = period.get("tariff_id")
        if named is not None and fold(named) not in known:
            raise InvalidObject(f"/charging_periods/{number}/tariff_id", "names a tariff that is not in tariffs")
