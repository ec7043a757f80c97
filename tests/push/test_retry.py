"""When a partner is tried again. OCPI 2.2.1, Offline behaviour."""

from datetime import UTC, datetime, timedelta

import pytest

from ocpi_party.push.retry import next_attempt
from ocpi_party.settings import A_CENTURY

AT = datetime(2024, 7, 1, tzinfo=UTC)
SECOND, CENTURY = timedelta(seconds=1), timedelta(days=A_CENTURY)


@pytest.mark.parametrize("failures", [1, 2, 21, 1000])
@pytest.mark.parametrize(
    ("base", "most"), [(SECOND, 300 * SECOND), (SECOND, CENTURY), (CENTURY, CENTURY), (CENTURY, SECOND)]
)
def test_pauses_are_doubled_up_to_the_longest_whatever_is_set(base: timedelta, most: timedelta, failures: int) -> None:
    pause = next_attempt(failures, AT, base=base, most=most) - AT

    longest = min(base.total_seconds() * 2 ** min(failures - 1, 20), most.total_seconds())
    assert longest / 2 <= pause.total_seconds() <= longest
