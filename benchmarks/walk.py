"""The reference for pulling: fetch the same pages one after the other, follow Link, and parse them. Runs as a process.

It prints how many objects there were and how many seconds that took, as JSON.
"""

import json
import re
import sys
from time import perf_counter

import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport

_NEXT = re.compile(r"<([^>]*)>")


async def main(url: str | None, headers: dict[str, str]) -> None:
    objects, started = 0, perf_counter()
    async with httpx.AsyncClient(transport=AiohttpTransport(), timeout=60, trust_env=False, headers=headers) as http:
        while url is not None:
            answer = await http.get(url)
            answer.raise_for_status()
            objects += len(json.loads(answer.content)["data"])
            link = _NEXT.match(answer.headers.get("link", ""))
            url = link[1] if link else None
    print(json.dumps({"objects": objects, "seconds": perf_counter() - started}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], json.loads(sys.argv[2])))
