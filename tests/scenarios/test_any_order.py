"""Whatever partners and the operator do in whatever order, what is left is what a plain dictionary would hold."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.scenarios.changes import ROUNDS, Actors, Model, Step, actors_of, steps_of
from tests.server import Server


@pytest.fixture
async def actors(server: Server) -> Actors:
    return await actors_of(server)


@pytest.mark.requirement("OWN-05", "OWN-08", "OWN-10", "OWN-17", "OWN-20", "OPS-10")
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(steps=st.lists(st.one_of(steps_of("tariffs"), steps_of("tokens")), max_size=20))
async def test_any_order_leaves_what_a_dictionary_would_hold(actors: Actors, steps: list[Step]) -> None:
    # One server for all examples: each has ids of its own.
    number = next(ROUNDS)
    model = Model()
    for step in (replace(one, key=f"{one.key}{number}") for one in steps):
        allowed = model.does(step)
        assert await actors.does(step) is allowed, step

    assert await actors.held([f"A{number}", f"B{number}"]) == model.held
