"""A PostgreSQL that hangs: it takes connections and what is sent on them, and says nothing more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from urllib.parse import parse_qs, urlsplit, urlunsplit


class Line:
    """The way to a PostgreSQL. url  of a database, through here"""

    def __init__(self, url: str) -> None:
        self.url = url
        self._flows = asyncio.Event()
        self._flows.set()

    def stall(self) -> None:
        """Forward nothing, in either direction, on connections there are and on those to come."""
        self._flows.clear()

    def flow(self) -> None:
        self._flows.set()

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):
            while part := await reader.read(2**16):
                await self._flows.wait()
                writer.write(part)


@asynccontextmanager
async def stalling(database_url: str) -> AsyncIterator[Line]:
    """The same database, on a line that can be stalled."""
    there = urlsplit(database_url)
    sockets = parse_qs(there.query).get("host")
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if sockets:
            back, on = await asyncio.open_unix_connection(f"{sockets[0]}/.s.PGSQL.{there.port or 5432}")
        else:
            back, on = await asyncio.open_connection(there.hostname, there.port or 5432)
        for way in (line.forward(reader, on), line.forward(back, writer)):
            tasks.add(asyncio.create_task(way))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    here = f"{there.netloc.rpartition('@')[0]}@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    line = Line(urlunsplit(there._replace(netloc=here, query="sslmode=disable")))
    try:
        yield line
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
