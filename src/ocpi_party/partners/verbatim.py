"""Under the HTTP client: URLs are sent as they are written.

aiohttp would decode what need not be encoded. A response_url within a query, a signed Link and an id in a path are somebody
else's text, though: partners compare them letter by letter.
"""

from collections.abc import Callable
from typing import Any, cast

import aiohttp
from httpx_aiohttp import AiohttpTransport
from yarl import URL


class _AsWritten:
    """The one method of a session that the transport calls."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    def request(self, method: str, url: str, **options: Any) -> Any:
        return self.session.request(method, URL(url, encoded=True), **options)


class VerbatimTransport(AiohttpTransport):
    """session  makes the session, in the event loop that sends"""

    def __init__(self, session: Callable[[], aiohttp.ClientSession]) -> None:
        super().__init__()
        self._make = session
        self._made: _AsWritten | None = None

    def get_client(self) -> aiohttp.ClientSession:
        # Asked for each request, since what it gives is no ClientSession.
        if self._made is None:
            self._made = _AsWritten(self._make())
        return cast("aiohttp.ClientSession", self._made)

    async def aclose(self) -> None:
        if self._made is not None:
            await self._made.session.close()
