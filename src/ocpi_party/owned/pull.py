"""How the objects of a partner's list are kept: a page at a time, in a few statements. OCPI 2.2.1, Client owned objects.

Whoever pulls has fetched, read and checked them; a module says where they are stored and what is particular about them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import Table

from ocpi_party.database import WriteTx
from ocpi_party.dialects.dialect import Dialect, Reading
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import House, JsonObject, encode, parse_time
from ocpi_party.owned import receive, repository
from ocpi_party.owned.repository import Told
from ocpi_party.owned.table import Ref

Name = Callable[[JsonObject], str]
"""An object's id as its owner spells it, out of its document."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object in a partner's list. reading  the whole of it, in the house form"""

    ref: Ref
    reading: Reading


@dataclass(frozen=True, slots=True)
class Refused:
    """An object that breaks a rule which only its module knows."""

    ref: Ref
    fault: InvalidObject


class Again(Enum):
    """When a whole list is fetched again: SOON, to confirm what it did not show, or at its NEXT_TIME, to see it come back."""

    SOON = "SOON"
    NEXT_TIME = "NEXT_TIME"


def by_id(document: JsonObject) -> str:
    name: str = document["id"]
    return name


@dataclass(frozen=True, slots=True)
class Pulled:
    """How the objects of a module are kept. A module with rules of its own overrides `absorb`.

    table            where they are, named like the module; a crawl of everything is compared with it.
                     None, if they are no client owned objects
    page_size        how many objects we ask for at a time; a partner may send fewer
    needs_date_from  the list cannot be asked for as a whole (SES-S-02)
    """

    kind: type[House]
    table: Table | None
    name: Name = by_id
    page_size: int = 1000
    needs_date_from: bool = False

    def read(self, spoken: Dialect, wire: object, quirks: Mapping[str, Any]) -> Reading:
        """An item of the list in the house form. quirks  what was agreed on with the partner. Raises InvalidObject"""
        return spoken.read(self.kind, wire)

    @property
    def held(self) -> str | None:
        """A query for what the whole of a list must show: ref, name and rev of what we hold. None, if nothing follows from one.

        :partner_id, :addressee  whose list it is; :owner  whose objects are in it, NULL for everybody's behind a hub
        """
        assert self.table is not None
        return f"""SELECT t.owner || '/' || t.key AS ref, t.owner || '/' || ({self.table.info["name"]}) AS name, t.rev
                     FROM {self.table} t
                    WHERE t.partner_id = :partner_id AND t.addressee = :addressee AND NOT t.gone
                      AND (CAST(:owner AS text) IS NULL OR t.owner = :owner)"""

    async def missed(
        self, tx: WriteTx, partner_id: int, addressee: str, refs: Sequence[str], before: int
    ) -> Again | None:
        """What a whole list did not show, noted as findings by now; tells whether the next list is to be whole as well.

        addressee  our party that asked for the list
        before     what has a higher rev was written meanwhile
        """
        return None

    async def absorb(
        self, tx: WriteTx, found: Sequence[Found], *, since: int, any_age: bool = False
    ) -> Sequence[Refused]:
        """Keep the objects of one page, each at most once in it; older states than ours are passed over.

        since    what has a higher rev came since the list is fetched: as it came from the partner directly, only a newer state
                 takes its place, whoever is the first to write it down
        any_age  older states are taken too
        Returns  those that cannot be kept
        """
        assert self.table is not None
        told = [
            Told(one.ref, encode(one.reading.document), parse_time(one.reading.document["last_updated"]))
            for one in found
        ]
        await self.tell(tx, found, await repository.put_many(tx, self.table, told, since=since, any_age=any_age))
        return ()

    async def tell(self, tx: WriteTx, found: Sequence[Found], changed: Sequence[tuple[Ref, bool]]) -> None:
        """The operator's systems hear what changed of what was found. changed  (object, whether it is new)"""
        assert self.table is not None
        shown = {one.ref: self.shown(one) for one in found}
        await receive.tell_many(tx, ModuleId(self.table.name), [(shown[ref], new) for ref, new in changed])

    def shown(self, one: Found) -> Ref:
        """The object as its owner spells it."""
        return one.ref._replace(key=self.name(one.reading.document))
