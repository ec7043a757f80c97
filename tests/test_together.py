"""Who asks at the same moment shares a round trip, and nobody's answer depends on who asked beside him."""

import asyncio
from collections.abc import Sequence

import pytest

from ocpi_party.together import Together


class Broken(Exception):
    pass


class Lost(Exception):
    pass


class Asked:
    """Answers with ten times the number, when it is let; keeps who came together."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, questions: Sequence[int]) -> Sequence[int]:
        self.groups.append(list(questions))
        await self.open.wait()
        if 13 in questions:
            raise Broken
        if 99 in questions:
            raise Lost
        return [10 * question for question in questions]


async def all_ask(together: Together[int, int], questions: Sequence[int]) -> list[int | BaseException]:
    return await asyncio.gather(*(together.ask(one) for one in questions), return_exceptions=True)


async def test_who_asks_at_the_same_moment_goes_together_and_who_comes_later_gathers() -> None:
    asked = Asked()
    asked.open.clear()
    together = Together(asked, lost=Lost)
    first = asyncio.create_task(all_ask(together, [1, 2, 3]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.create_task(all_ask(together, [4]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    third = asyncio.create_task(all_ask(together, [5, 6]))
    fourth = asyncio.create_task(all_ask(together, [7]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.open.set()
    assert [await first, await second, await third, await fourth] == [[10, 20, 30], [40], [50, 60], [70]]
    assert asked.groups[-1][-3:] == [5, 6, 7], "two were under way, so these waited for each other"
    assert sum(map(len, asked.groups)) == 7


async def test_who_asks_in_the_moment_in_which_the_last_group_ends_is_answered() -> None:
    asked = Asked()
    together = Together(asked, lost=Lost)

    async def again_and_again(begin: int) -> list[int]:
        return [await together.ask(begin + n) for n in range(100)]

    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(again_and_again(1000 * n) for n in range(1, 9)))
    assert answers == [[10 * (1000 * n + m) for m in range(100)] for n in range(1, 9)]


async def test_one_that_fails_fails_alone() -> None:
    asked = Asked()
    answers = await all_ask(Together(asked, lost=Lost), [1, 13, 2])
    assert [type(one) for one in answers] == [int, Broken, int]
    assert asked.groups == [[1, 13, 2], [1], [13], [2]]


async def test_what_would_fail_for_each_is_not_tried_for_each() -> None:
    asked = Asked()
    answers = await all_ask(Together(asked, lost=Lost), [1, 99, 2])
    assert [type(one) for one in answers] == [Lost, Lost, Lost]
    assert asked.groups == [[1, 99, 2]]


async def test_who_gives_up_keeps_nobody_else_from_an_answer() -> None:
    asked = Asked()
    asked.open.clear()
    together = Together(asked, lost=Lost)
    one, other = asyncio.create_task(together.ask(1)), asyncio.create_task(together.ask(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    one.cancel()
    asked.open.set()
    assert await other == 20
    with pytest.raises(asyncio.CancelledError):
        await one
