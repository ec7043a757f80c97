"""Leases of a worker that goes on while its database is away: whoever holds one knows best that it is not needed any more."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from ocpi_party.database import Database, DatabaseUnavailable, WriteTx

T = TypeVar("T")


class Leases(Generic[T]):
    """What this worker holds, and could not say the end of.

    let_go  ends leases that are still ours, as if their time had come
    """

    def __init__(self, database: Database, let_go: Callable[[WriteTx, Sequence[T]], Awaitable[None]]) -> None:
        self._database = database
        self._let_go = let_go
        self._left: list[T] = []

    @contextmanager
    def held(self, one: T) -> Iterator[None]:
        """While work on it lasts: work that the database breaks off is taken up when it is back, by us or by another worker."""
        try:
            yield
        except DatabaseUnavailable:
            self._left.append(one)
            raise

    async def let_go(self) -> None:
        """Call it before claiming. Raises DatabaseUnavailable"""
        if left := tuple(self._left):
            async with self._database.write() as tx:
                await self._let_go(tx, left)
            del self._left[: len(left)]
