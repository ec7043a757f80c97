"""What an hour brings to an operator of middle size, in what order; the same for the same seed."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Hour:
    """How much there is at the operators, and how much happens in one hour.

    Taken from what CPOs publish: a thousand EVSEs with four charges a day each, half an hour long, told every few minutes.
    """

    locations: int = 200
    evses: int = 5
    tokens: int = 300
    tariffs: int = 6
    charges: int = 170
    updates: int = 10
    reports: int = 300
    tariff_changes: int = 12
    token_changes: int = 120
    swipes: int = 150
    commands: int = 60

    def part(self, size: float) -> "Hour":
        """The same on a smaller scale; what there is shrinks as well."""
        names = [name for name in self.__dataclass_fields__ if name not in ("evses", "updates")]
        return Hour(
            **{name: max(3, round(getattr(self, name) * size)) for name in names},
            evses=self.evses,
            updates=self.updates,
        )


STATUSES = ("AVAILABLE", "BLOCKED", "INOPERATIVE", "OUTOFORDER", "RESERVED", "UNKNOWN")


def moments(dice: random.Random, count: int, *, until: float = 1.0) -> list[float]:
    """Parts of the hour, in order."""
    return sorted(dice.random() * until for _ in range(count))
