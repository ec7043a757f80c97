"""The requirement rows: their ids, and the reasons why some do not apply to us."""

import csv
import tomllib
from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent


class Requirement(NamedTuple):
    """level  MUST, SHOULD, MAY; DER if it follows from the text; POL if the specification leaves us the choice"""

    id: str
    module: str
    level: str


def requirements() -> dict[str, Requirement]:
    """All rows by id, in their order."""
    with (_HERE / "rows.tsv").open(newline="") as file:
        rows = [Requirement(row["id"], row["module"], row["level"]) for row in csv.DictReader(file, delimiter="\t")]
    return {row.id: row for row in rows}


def not_applicable() -> dict[str, str]:
    """The reason by row. Raises ValueError for a row that there is not"""
    reasons: dict[str, str] = tomllib.loads((_HERE / "not_applicable.toml").read_text())["rows"]
    unknown = sorted(set(reasons) - set(requirements()))
    if unknown:
        raise ValueError(f"not_applicable.toml names no requirement: {', '.join(unknown)}")
    return reasons
