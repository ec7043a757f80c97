"""When a partner that could not be told is tried again. OCPI 2.2.1, Offline behaviour."""

import random
from datetime import datetime, timedelta


def next_attempt(
    failures: int, at: datetime, *, base: timedelta, most: timedelta, asked: timedelta | None = None
) -> datetime:
    """The moment of the next attempt: twice as long after each failure, with jitter, so that partners do not wake together.

    failures  in a row, this one included: at least 1
    most      the longest pause
    asked     what the partner asked for in Retry-After; we wait at least that, but never more than a day
    """
    longer = 2 ** min(failures - 1, 20)
    pause = base * longer if base < most / longer else most  # Days, doubled so often, would be no timedelta any more.
    pause *= random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret
    if asked is not None:
        pause = max(pause, min(asked, timedelta(days=1)))
    return at + pause
