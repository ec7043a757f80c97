"""A worker ends when it is told to, whatever happens at that moment."""

import asyncio

import pytest

from ocpi_party.hands import Hands


@pytest.mark.parametrize("steps", range(5))
async def test_it_stops_although_it_is_woken_at_the_same_time(steps: int) -> None:
    paused = asyncio.Event()

    async def nothing_to_do() -> int:
        paused.set()
        return 0

    hands = Hands("nothing", 1)
    working = asyncio.create_task(hands.run(nothing_to_do))
    await paused.wait()
    for _ in range(5):
        await asyncio.sleep(0)

    hands.wake()
    for _ in range(steps):
        await asyncio.sleep(0)
    working.cancel()
    await asyncio.wait([working], timeout=1)

    assert working.cancelled()
