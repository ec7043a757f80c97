"""What a version of OCPI is to the rest of us: a value that turns its spelling into the house form and back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ocpi_party.dialects import tolerance
from ocpi_party.dialects.tolerance import Finding, Reading, read_own, read_published
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import VersionNumber
from ocpi_party.ocpi.types import House, JsonObject, decode, encode

__all__ = ["Dialect", "Finding", "Reading", "read_own", "read_published"]

Respell = Callable[[JsonObject], JsonObject]
"""Has to cope with parts of an object, as a PATCH has them, and with nonsense: it runs before anything is checked."""


@dataclass(frozen=True)
class Dialect:
    """A version of OCPI.

    readers  from the wire to the house form, for the objects that this version spells differently
    writers  from the house form to the wire, for the same
    """

    version: VersionNumber
    readers: Mapping[type[House], Respell] = field(default_factory=dict)
    writers: Mapping[type[House], Respell] = field(default_factory=dict)

    def read(self, kind: type[House], wire: object) -> Reading:
        """A partner's object in the house form, and where it strayed from the specification.

        Raises InvalidObject, naming the first field that no leniency covers
        """
        return tolerance.read(kind, self._in_house(kind, wire))

    def read_body(self, kind: type[House], body: bytes) -> Reading:
        """The same from the JSON text, which is faster than decoding it before.

        Raises InvalidObject, and UnreadableJson
        """
        return self.read(kind, decode(body)) if kind in self.readers else tolerance.read_body(kind, body)

    def changes(self, kind: type[House], wire: object) -> JsonObject:
        """The body of a PATCH in the house form, without nulls; to be merged and then checked as a whole with `read`.

        Raises InvalidObject, if it is no object
        """
        return tolerance.changes(self._in_house(kind, wire))

    def write(self, kind: type[House], document: bytes) -> bytes:
        """A stored document as this version spells it; the text itself where that is the house form."""
        writer = self.writers.get(kind)
        if writer is None:
            return document
        house = decode(document)
        if not isinstance(house, dict):
            raise InvalidObject("", "must be a JSON object")
        return encode(writer(house))

    def _in_house(self, kind: type[House], wire: object) -> object:
        reader = self.readers.get(kind)
        return reader(wire) if reader and isinstance(wire, dict) else wire


def dialect_of(dialects: Mapping[str, Dialect], version: str | None) -> Dialect:
    """That of a partner's version; the first of ours for one with which no version is agreed on."""
    return dialects.get(version or "") or next(iter(dialects.values()))
