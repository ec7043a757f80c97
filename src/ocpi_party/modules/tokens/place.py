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


def folded(ids: Any) -> list[str]:
    return [fold(one) for one in ids or ()]
