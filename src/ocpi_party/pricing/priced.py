"""What pricing a session comes to: lines that add up, and notes."""

from dataclasses import dataclass
from fractions import Fraction

from ocpi_party.pricing.amounts import NOTHING, Amount
from ocpi_party.pricing.lines import Line


@dataclass(frozen=True)
class PricedSession:
    """
    tariff_ids     the tariffs that charging periods, or a reservation, were priced by; none if there was none for them
    lines          all that was used, priced or not; their costs add up to `total_cost`
    notes          what an operator should know about how it was calculated
    total_energy   in kWh, as measured; total_time and total_parking_time in hours, without the time of a reservation
    total_parking_time  None if no charging period tells a parking time
    """

    currency: str
    tariff_ids: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    total_energy: Fraction
    total_time: Fraction
    total_parking_time: Fraction | None

    @property
    def total_cost(self) -> Amount:
        return sum((line.cost for line in self.lines), NOTHING)

    def part(self, name: str) -> Amount | None:
        """total_{name}_cost of a CDR: fixed, energy, time, parking, reservation; None if no component was active."""
        costs = [line.cost for line in self.lines if line.part == name and line.element is not None]
        return sum(costs, NOTHING) if costs else None

    @property
    def estimated(self) -> bool:
        return any(line.estimated for line in self.lines)
