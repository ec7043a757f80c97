"""The reference for pushing: the same requests, as bare httpx over the same aiohttp transport sends them. Runs as a process.

One request at a time to each partner, all partners at once, as the program does it.
"""

import asyncio
import json
import sys
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport

Told = tuple[str, str, list[tuple[str, str]], str]
"""Method, URL, headers and body of a request."""


async def main(requests: list[Told]) -> None:
    lanes: dict[str, list[Told]] = defaultdict(list)
    for request in requests:
        lanes[urlsplit(request[1]).netloc].append(request)
    async with httpx.AsyncClient(transport=AiohttpTransport(client=_session), timeout=30, trust_env=False) as http:
        await asyncio.gather(*(_lane(http, lane) for lane in lanes.values()))


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=20), cookie_jar=aiohttp.DummyCookieJar()
    )


async def _lane(http: httpx.AsyncClient, requests: list[Told]) -> None:
    for method, url, headers, body in requests:
        answer = await http.request(method, url, content=body.encode(), headers=headers)
        assert json.loads(answer.content)["status_code"] == 1000


if __name__ == "__main__":
    uvloop.run(main(json.loads(Path(sys.argv[1]).read_text())))
