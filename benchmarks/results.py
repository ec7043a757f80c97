"""What was measured: one line each in a table, one object each in benchmarks/results/latest.json."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.load import Measured

LATEST = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True, slots=True)
class Result:
    """One number.

    reference  what it is compared with, in the same unit; None, if it is only told
    ratio      value / reference as the median of pairs measured one after the other
    """

    name: str
    value: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return f"≤ {self.at_most:g}" if self.at_most is not None else ""

    @property
    def reached(self) -> bool:
        if self.ratio is None:
            return True
        return self.ratio >= (self.at_least or 0) and (self.at_most is None or self.ratio <= self.at_most)


def rate(
    name: str, measured: Sequence[Measured], kind: str, reference: str, *, at_least: float | None = None
) -> Result:
    """How many a second, against the reference measured beside it."""
    ours, theirs = _rates(measured, kind), _rates(measured, reference)
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    return Result(name, median(ours), "1/s", median(theirs), ratio, at_least=at_least)


def cost(name: str, measured: Sequence[Measured], kind: str, reference: str, *, at_most: float) -> Result:
    """What one costs, against the reference measured beside it, in microseconds."""
    ours, theirs = _rates(measured, kind), _rates(measured, reference)
    ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
    return Result(name, 1e6 / median(ours), "µs", 1e6 / median(theirs), ratio, at_most=at_most)


def _rates(measured: Sequence[Measured], kind: str) -> list[float]:
    found = [part for part in measured if part.kind == kind]
    refused = sum(part.refused for part in found)
    if refused:
        raise RuntimeError(f"{refused} requests of {kind} were refused: nothing was measured")
    return [part.per_second for part in found]


def show(results: Iterable[Result]) -> None:
    table = Table("name", "value", "unit", "reference", "ratio", "target", "")
    for result in results:
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        verdict = "" if not result.target else "reached" if result.reached else "MISSED"
        table.add_row(
            result.name, _number(result.value), result.unit, _number(result.reference), ratio, result.target, verdict
        )
    Console().print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def write(results: Iterable[Result]) -> None:
    """Keep name, value, unit, reference and ratio of each."""
    told = [
        {name: value for name, value in asdict(result).items() if name not in ("at_least", "at_most")}
        for result in results
    ]
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(told, indent=2) + "\n")
