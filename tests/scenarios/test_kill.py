"""A server that is killed while it pushes loses nothing, and takes nothing back."""

import pytest
from tests.scenarios import kill


@pytest.mark.requirement("OPS-03", "OPS-07", "OWN-23")
async def test_after_each_kill_the_partner_ends_up_with_our_state(database_url: str) -> None:
    recorder = await kill.run(database_url, kills=2, seed=20260301)

    assert recorder.pushes > 3
