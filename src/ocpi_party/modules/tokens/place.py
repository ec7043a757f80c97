"""Where a driver stands: LocationReferences, if they are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ocpi_party.ocpi.types import JsonObject, fold


@dataclass(frozen=True, slots=True)
class Place:
    """document  LocationReferences as they came"""

    document: JsonObject

    @property
    def location(self) -> str:
        """As ids are compared."""
        return fold(self.document["location_id"])

    @property
    def evses(self) -> list[str]:
        """As ids are compared; none means: anywhere at the Location."""
        return folded(self.document.get("evse_uids"))

    def only(self, evses: Sequence[str]) -> JsonObject:
        """The same with these EVSEs alone, spelt as they came. evses  folded"""
        kept = [uid for uid in self.document["evse_uids"] if fold(uid) in evses]
        return self.document | {"evse_uids": kept}

    def part(self, named: JsonObject) -> JsonObject | None:
        """What of it lies within LocationReferences; None, if nothing does."""
        within = folded(named.get("evse_uids"))
        if fold(named["location_id"]) != self.location:
            return None
        if not within:
            return self.document
        if not self.evses:
            return self.document | {"evse_uids": named["evse_uids"]}
        kept = [uid for uid in self.evses if uid in within]
        return self.only(kept) if kept else None


def folded(ids: Any) -> list[str]:
    return [fold(one) for one in ids or ()]
