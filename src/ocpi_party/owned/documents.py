"""Stored documents as bytes, kept in the process and checked against the database's revision at each use.

A page first asks for (seq, rev) of its objects, which an index answers; only documents that are not here in that revision are
fetched. What is sent is therefore always what is stored.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Table

from ocpi_party.database import ReadTx

Fetch = Callable[[ReadTx, Sequence[int]], Awaitable[list[tuple[int, int, bytes]]]]
"""Fetches (seq, rev, document) for rows, each document from the same snapshot as its revision."""


def _id_alone(object_id: str, _type: str | None) -> list[str]:
    return [object_id]


@dataclass(frozen=True, slots=True)
class Owned:
    """Where the objects of a module lie.

    documents  fetches them as they are told
    keys       the keys that an id, and for tokens a type, may mean, the first one preferred
    """

    table: Table
    documents: Fetch
    keys: Callable[[str, str | None], list[str]] = _id_alone


_OVERHEAD = 200


class DocumentCache:
    """The most recently used documents, up to a number of bytes."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        self._kept: OrderedDict[tuple[str, int], tuple[int, bytes]] = OrderedDict()

    async def get(self, tx: ReadTx, listing: str, wanted: Sequence[tuple[int, int]], fetch: Fetch) -> list[bytes]:
        """The documents of these (seq, rev), in this order; a row that vanished meanwhile is left out."""
        found = await self.by_seq(tx, listing, wanted, fetch)
        return [found[seq] for seq, _ in wanted if seq in found]

    async def by_seq(
        self, tx: ReadTx, listing: str, wanted: Sequence[tuple[int, int]], fetch: Fetch
    ) -> dict[int, bytes]:
        """The same by seq."""
        kept = self._kept
        found: dict[int, bytes] = {}
        missing: list[int] = []
        for seq, rev in wanted:
            entry = kept.get((listing, seq))
            if entry is not None and entry[0] >= rev:
                found[seq] = entry[1]
            else:
                missing.append(seq)
        if missing:
            for seq, rev, document in await fetch(tx, missing):
                found[seq] = document
                self._keep((listing, seq), rev, document)
        return found

    def _keep(self, key: tuple[str, int], rev: int, document: bytes) -> None:
        old = self._kept.pop(key, None)
        if old is not None:
            self._size -= len(old[1]) + _OVERHEAD
        self._kept[key] = (rev, document)
        self._size += len(document) + _OVERHEAD
        while self._size > self._capacity and self._kept:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._size -= len(dropped) + _OVERHEAD
