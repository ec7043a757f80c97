"""The steps of a handshake as they were taken: each request to the partner, and what came back."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ocpi_party.partners.exchange import Exchange

_steps: ContextVar[list[Exchange] | None] = ContextVar("handshake steps", default=None)


def note(exchange: Exchange) -> None:
    """For the observers of the client: keeps what is sent for the page that watches."""
    steps = _steps.get()
    if steps is not None:
        steps.append(exchange)


@contextmanager
def watched() -> Iterator[list[Exchange]]:
    """What is sent inside the block by this task, in order."""
    steps: list[Exchange] = []
    token = _steps.set(steps)
    try:
        yield steps
    finally:
        _steps.reset(token)
