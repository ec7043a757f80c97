"""A tariff, read for calculating: which price component is active for a dimension. OCPI 2.2.1, Tariffs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from ocpi_party.pricing.amounts import Amount, amount_of
from ocpi_party.pricing.exact import Document, exact, moment
from ocpi_party.pricing.restrictions import State, in_time, in_use, names_local_time, names_use

SESSION = None
RESERVATION = "RESERVATION"
RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


@dataclass(frozen=True)
class Component:
    """A price component and where it stands.

    element    counted from 1, as people count
    price      per kWh, per hour, or once
    step_size  in Wh or seconds; 0, as in the specification's own free tariff, means 1 (AMB-50)
    parking    its element prices nothing but parking: what is FLAT there is a cost of parking
    """

    tariff_id: str
    element: int
    dimension: str
    price: Fraction
    vat: Fraction | None
    step_size: int
    parking: bool


@dataclass(frozen=True)
class Element:
    components: dict[str, Component]
    restrictions: Document

    @property
    def reservation(self) -> str | None:
        return self.restrictions.get("reservation")


@dataclass(frozen=True)
class Tariff:
    id: str
    currency: str
    type: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    min_price: Amount | None
    max_price: Amount | None
    elements: tuple[Element, ...]

    def only(self, reservation: str | None) -> "Tariff":
        """With the elements of a session (None), of a reservation, or of one that expires."""
        return replace(self, elements=tuple(e for e in self.elements if e.reservation == reservation))

    def valid_at(self, at: datetime) -> bool:
        """end_date_time is "the time after which this tariff is no longer valid": at that time it still is."""
        return (self.starts_at is None or self.starts_at <= at) and (self.ends_at is None or at <= self.ends_at)

    def prices(self, dimension: str) -> bool:
        return any(dimension in element.components for element in self.elements)

    def active(self, dimension: str, state: State) -> Component | None:
        """The component of "the first Tariff Element in the list with matching Tariff Restrictions" that has one."""
        for element in self.with_price_for(dimension):
            if in_time(element.restrictions, state) and in_use(element.restrictions, state):
                return element.components[dimension]
        return None

    def possible(self, dimension: str, state: State) -> tuple[int, ...]:
        """The elements whose component may be active now, whatever energy, current and power are."""
        found = []
        for element in self.with_price_for(dimension):
            if in_time(element.restrictions, state):
                found.append(element.components[dimension].element)
                if not names_use(element.restrictions):
                    break  # What follows is hidden by this one.
        return tuple(found)

    def with_price_for(self, dimension: str) -> Iterable[Element]:
        return (element for element in self.elements if dimension in element.components)


def read_tariff(document: Document) -> Tariff:
    starts, ends = document.get("start_date_time"), document.get("end_date_time")
    low, high = document.get("min_price"), document.get("max_price")
    return Tariff(
        id=str(document["id"]),
        currency=str(document["currency"]),
        type=document.get("type"),
        starts_at=None if starts is None else moment(starts),
        ends_at=None if ends is None else moment(ends),
        min_price=None if low is None else amount_of(low),
        max_price=None if high is None else amount_of(high),
        elements=tuple(_element(str(document["id"]), *item) for item in enumerate(document["elements"], start=1)),
    )


def needs_time_zone(tariffs: Iterable[Document]) -> bool:
    """Whether they cost something else at another time of day or another date, which is local to the Location."""
    return any(names_local_time(one.get("restrictions") or {}) for tariff in tariffs for one in tariff["elements"])


def _element(tariff_id: str, number: int, document: Document) -> Element:
    dimensions = {component["type"] for component in document["price_components"]}
    parking = dimensions <= {"PARKING_TIME", "FLAT"} and "PARKING_TIME" in dimensions
    components: dict[str, Component] = {}
    for each in document["price_components"]:
        vat = each.get("vat")
        components.setdefault(
            each["type"],
            Component(
                tariff_id=tariff_id,
                element=number,
                dimension=each["type"],
                price=exact(each["price"]),
                vat=None if vat is None else exact(vat),
                step_size=max(1, int(exact(each.get("step_size", 1)))),
                parking=parking,
            ),
        )
    return Element(components, document.get("restrictions") or {})
