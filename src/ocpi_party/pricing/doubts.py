"""What leaves open whether a session costs what was calculated: words for an operator, who knows more."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from ocpi_party.pricing.exact import same
from ocpi_party.pricing.periods import Period
from ocpi_party.pricing.tariff import RESERVATION_EXPIRES, SESSION, Tariff


def of_choice(tariffs: Sequence[Tariff], fallback: Tariff | None, at: datetime) -> Iterator[str]:
    """fallback  of charging periods that name no tariff; at  when the tariff was agreed"""
    rivals = [one.id for one in tariffs if fallback and one.type == fallback.type and one.valid_at(at)]
    if fallback and len(rivals) > 1:
        yield f"No charging period names its tariff: {fallback.id} was taken of {', '.join(rivals)}."
    for number, one in enumerate(tariffs):
        if any(same(one.id, other.id) and one != other for other in tariffs[:number]):
            yield f"Tariff {one.id} is there more than once, and not the same: the first was taken."


def of_period(period: Period, tariff: Tariff) -> Iterator[str]:
    """What the tariff asks and the charging period, the subject of the words, does not tell."""
    elements = [one for one in tariff.only(SESSION).elements if period.quantities.keys() & one.components.keys()]
    for what, told in (("current", period.current), ("power", period.power)):
        asked = any(one.restrictions.get(f"{end}_{what}") is not None for one in elements for end in ("min", "max"))
        if asked and told is None:
            yield f"tells no {what}: elements of tariff {tariff.id} that ask for it are out."


def of_time(periods: Sequence[Period], tariffs: Sequence[Tariff]) -> Iterator[str]:
    """tariffs  that the periods are priced by"""
    if not periods or any(period.quantities.keys() & {"TIME", "PARKING_TIME"} for period in periods):
        return
    for tariff in tariffs:
        if any(tariff.only(SESSION).prices(dimension) for dimension in ("TIME", "PARKING_TIME")):
            yield f"No charging period tells TIME or PARKING_TIME, which tariff {tariff.id} prices: time costs nothing."


def of_expiry(tariff: Tariff, expired: bool, charging: Sequence[Period]) -> Iterator[str]:
    """A reservation that was not used expired, or was canceled: nothing but #NA in place of the EVSE tells the former."""
    if not expired and not charging and tariff.only(RESERVATION_EXPIRES).elements:
        yield f"The reservation did not expire, for evse_uid is not #NA: what tariff {tariff.id} asks for that is left out."


def of_limits(tariff: Tariff, limited: Sequence[str]) -> Iterator[str]:
    """limited  MIN_PRICE, MAX_PRICE: what changed the amount, with VAT"""
    for name, limit in (("MIN_PRICE", tariff.min_price), ("MAX_PRICE", tariff.max_price)):
        if name in limited and limit is not None and limit.incl_vat is None:
            yield f"{name.lower()} of tariff {tariff.id} tells no incl_vat: VAT was taken at the rate of what it limits."
