"""How commands tell what they found: a table for people, JSON for scripts, both on stdout."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

out = Console(highlight=False)


def as_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))


def listed(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, json: bool) -> None:
    """columns  those of the table; JSON has everything"""
    if json:
        as_json(rows)
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_text(row.get(column)) for column in columns))
    out.print(table)


def shown(row: Mapping[str, Any]) -> None:
    """One thing, a line for each of its parts."""
    for name, value in row.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            out.print(f"{name}:", markup=False)
            for one in value:
                out.print(
                    "  " + " ".join(_text(part) for part in one.values() if not isinstance(part, dict)), markup=False
                )
        else:
            out.print(f"{name}: {_text(value)}", markup=False, soft_wrap=True)


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
