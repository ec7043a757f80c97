"""What was on a page of a partner's list, as far as it could be read."""

from dataclasses import dataclass, field

from ocpi_party.owned.pull import Found
from ocpi_party.owned.table import Ref
from ocpi_party.partners.findings import Note


@dataclass(slots=True)
class Page:
    """What was on a page.

    refs    of all objects that could be named, those that cannot be kept among them
    total   X-Total-Count
    shrank  it is less than on the page before
    doubt   why the list may not be whole, although this was its last page
    """

    size: int
    found: dict[Ref, Found] = field(default_factory=dict)
    refs: set[str] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)
    refused: int = 0
    total: int | None = None
    shrank: bool = False
    doubt: str | None = None

    def refuse(self, ref: str, pointer: str, rule: str) -> None:
        self.notes.append(Note(ref, pointer, rule))
        self.refused += 1
