"""Whatever is used for long is ended only if the database answers nobody."""

import asyncio
import errno
import socket
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from ocpi_party.watch import Watch


@dataclass(eq=False)
class Used:
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def terminate(self) -> None:
        self.ended.set()


@pytest.mark.parametrize(
    "fault",
    [
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        OSError(errno.EMFILE, "Too many open files"),
        socket.gaierror("no name server"),
    ],
)
async def test_what_is_used_goes_on_where_only_a_new_connection_is_not_to_be_had(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    looked = asyncio.Semaphore(0)

    async def refused(*_: Any, **__: Any) -> None:
        looked.release()
        raise fault

    monkeypatch.setattr(asyncpg, "connect", refused)
    watch, used = Watch("postgresql://", patience=0.01), Used()
    watch.begin(used)
    watch.start()
    for _ in range(2):  # The second time it looks, it has done with the first.
        await looked.acquire()
    watch.stop()

    assert not used.ended.is_set()


@pytest.mark.parametrize("fault", [TimeoutError(), ConnectionRefusedError(), OSError(errno.EHOSTUNREACH, "No route")])
async def test_what_waits_for_a_database_that_is_gone_is_ended(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    async def silent(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(asyncpg, "connect", silent)
    watch, used, done = Watch("postgresql://", patience=0.01), Used(), Used()
    watch.begin(used)
    watch.begin(done)
    watch.end(done)
    watch.start()
    await used.ended.wait()
    watch.stop()

    assert not done.ended.is_set()


async def test_who_began_while_it_was_looked_is_not_ended_with_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, old, other = Watch("postgresql://", patience=0.01), Used(), Used()

    async def silent(*_: Any, **__: Any) -> None:
        watch.begin(old)  # It came back, and was lent to somebody else.
        if not other.ended.is_set():
            raise TimeoutError
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncpg, "connect", silent)
    watch.begin(old)
    watch.begin(other)
    watch.start()
    await other.ended.wait()
    watch.stop()

    assert not old.ended.is_set()
