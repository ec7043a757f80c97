"""What the notes of a run say about each requirement row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.rows import not_applicable, requirements


@dataclass(frozen=True)
class Summary:
    """Rows by what became of them.

    shown           by a test that passed, and by none that failed
    not_applicable  with the reason
    failing         named by a test that failed; they count as open
    contradictions  shown, although they are said not to apply
    """

    shown: list[str] = field(default_factory=list)
    not_applicable: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)


def summary(notes: Mapping[str, Mapping[str, Any]]) -> Summary:
    """notes  by test: its rows, and whether it passed, failed or was skipped"""
    outcomes: dict[str, set[str]] = {}
    for note in notes.values():
        for row in note["rows"]:
            outcomes.setdefault(row, set()).add(note["outcome"])
    reasons = not_applicable()
    found = Summary(not_applicable=reasons, contradictions=sorted(set(outcomes) & set(reasons)))
    for row in requirements():
        seen = outcomes.get(row, set())
        if "failed" in seen:
            found.failing.append(row)
        if row in reasons:
            continue
        (found.shown if "passed" in seen and "failed" not in seen else found.open).append(row)
    return found


def text(found: Summary) -> str:
    """Per module what is shown, what does not apply and what is open; the numbers stand in the last line."""
    rows, lines = requirements(), []
    for module in dict.fromkeys(row.module for row in rows.values()):
        mine = {row for row in rows if rows[row].module == module}
        shown, open_ = [r for r in found.shown if r in mine], [r for r in found.open if r in mine]
        lines.append(f"{module}: {len(shown)} of {len(mine)} shown")
        lines += [f"  shown           {' '.join(shown)}"] if shown else []
        lines += [f"  not applicable  {r}: {why}" for r, why in found.not_applicable.items() if r in mine]
        lines += [f"  open            {' '.join(f'{r} ({rows[r].level})' for r in open_)}"] if open_ else []
    lines += [f"failing: {' '.join(found.failing)}"] if found.failing else []
    lines += [f"shown, but said not to apply: {' '.join(found.contradictions)}"] if found.contradictions else []
    lines.append(f"shown {len(found.shown)}, not applicable {len(found.not_applicable)}, open {len(found.open)}")
    return "\n".join(lines)
