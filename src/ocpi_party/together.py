"""What many ask at the same moment, answered by one round trip."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

_AT_ONCE: Final = 2
"""So many groups are under way: while one waits for the disk, the next is on its way there. Who comes then, gathers."""
_MOST: Final = 100
"""So many are answered by one round trip: those at the front of a long queue need not wait for all of it."""


class Together(Generic[Q, A]):
    """One that asks alone is answered at once; of many, those who wait anyhow go together.

    run  answers questions in their order, all or none of them; one that fails for several is called for each of them alone
    """

    def __init__(self, run: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], *, lost: type[Exception]) -> None:
        """lost  what run raises where trying each alone would be in vain"""
        self._run = run
        self._lost = lost
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """Raises what run raises for this question; who asked beside it does not matter"""
        answered: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answered))
        if self._under_way < _AT_ONCE:
            self._under_way += 1
            # It begins after everybody who is ready now has asked.
            task = asyncio.create_task(self._answer())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answered

    async def _answer(self) -> None:
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]
                try:
                    await self._answer_group(group)
                finally:
                    for _, answered in group:
                        answered.cancel()  # Only what has no answer: this task was cancelled.
        finally:
            # In the same step as the last look: whoever asks from now on begins a group of his own.
            self._under_way -= 1

    async def _answer_group(self, group: Sequence[tuple[Q, "asyncio.Future[A]"]]) -> None:
        try:
            answers = await self._run([question for question, _ in group])
        except Exception as fault:
            if len(group) == 1 or isinstance(fault, self._lost):
                for _, answered in group:
                    if not answered.done():
                        answered.set_exception(fault)
            else:
                for one in group:
                    await self._answer_group([one])
            return
        for (_, answered), answer in zip(group, answers, strict=True):
            if not answered.done():
                answered.set_result(answer)
