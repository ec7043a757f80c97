"""Leases of a worker that is broken off, by its database or by the end of its process: who held one knows best that it is over."""

import asyncio
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
        """While work on it lasts: what is broken off is taken up by us or by another worker, and not only when the lease ends."""
        try:
            yield
        except (DatabaseUnavailable, asyncio.CancelledError):
            self._left.append(one)
            raise

    async def let_go(self) -> None:
        """Call it before claiming, and when the worker has ended. Raises DatabaseUnavailable"""
        if left := tuple(self._left):
            async with self._database.write() as tx:
                await self._let_go(tx, left)
            del self._left[: len(left)]
