"""What was counted, line by line, and whether it agrees."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """what  is compared; agrees  as it must; notes  what explains it, or what is wrong with it"""

    what: str
    one: int | str
    other: int | str
    agrees: bool
    notes: tuple[str, ...] = ()


@dataclass
class Table:
    rows: list[Row] = field(default_factory=list)

    def equal(self, what: str, one: int, other: int, *notes: str) -> None:
        self.rows.append(Row(what, one, other, one == other, notes))

    def none(self, what: str, wrong: list[str], of: int | str, *notes: str) -> None:
        """Nothing of this may be there. of  how much was looked at"""
        self.rows.append(Row(what, of, len(wrong), not wrong, (*notes, *wrong[:5])))

    def told(self, what: str, one: int | str, other: int | str, *notes: str) -> None:
        """For information: nothing is demanded of it."""
        self.rows.append(Row(what, one, other, True, notes))

    @property
    def agrees(self) -> bool:
        return all(row.agrees for row in self.rows)

    def text(self) -> str:
        lines = []
        for row in self.rows:
            lines.append(f"{'ok   ' if row.agrees else 'WRONG'} {row.what:<78} {row.one!s:>9} {row.other!s:>9}")
            lines += [f"        {note}" for note in row.notes]
        return "\n".join(lines)
