"""What answers GET answers HEAD: "All general-purpose servers MUST support the methods GET and HEAD" (RFC 9110, "Methods")."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Monitors read X-Total-Count so, and whether somebody is there; FastAPI, unlike Starlette, does not add HEAD to GET.

    The routes see a GET, whoever counts or keeps the request a HEAD.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def head_alone(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                # Complete with its head: a stream, which would never end, is told now that nobody reads on.
                await send({"type": "http.response.body", "body": b""})

        asked = {**scope, "method": "GET"}
        try:
            await self._app(asked, receive, head_alone)
        finally:
            scope.update(asked, method="HEAD")  # Which route it was.
