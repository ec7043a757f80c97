"""Partners for tests: Caller speaks to us, FakePartner answers us and remembers what it was asked."""

import base64
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from starlette.types import ASGIApp

from ocpi_party.ocpi.types import now, wire_time

ALL_ENDPOINTS = [
    (module, role)
    for module in ("locations", "tariffs", "sessions", "cdrs", "tokens", "commands", "chargingprofiles")
    for role in ("SENDER", "RECEIVER")
]


@dataclass
class Answer:
    """What our server answered, opened."""

    http_status: int
    headers: httpx.Headers
    body: Any

    @property
    def status_code(self) -> int:
        code: int = self.body["status_code"]
        return code

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def message(self) -> str:
        return str(self.body.get("status_message"))


def envelope(
    data: Any = None,
    code: int = 1000,
    http_status: int = 200,
    headers: Mapping[str, str] | None = None,
    message: str | None = None,
) -> httpx.Response:
    """What a partner answers."""
    body: dict[str, Any] = {"status_code": code, "timestamp": wire_time(now())}
    if data is not None:
        body["data"] = data
    if message is not None:
        body["status_message"] = message
    return httpx.Response(http_status, json=body, headers=headers)


Handler = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


@dataclass
class FakePartner:
    """A platform that answers us: a table of handlers, tried newest first, and a memory."""

    name: str = "tnm"
    host: str = "tnm.example"
    token: str = "token-b.for-tnm"
    roles: tuple[tuple[str, str, str], ...] = (("CPO", "NL", "TNM"), ("EMSP", "DE", "TNM"))
    endpoints: list[tuple[str, str]] = field(default_factory=lambda: list(ALL_ENDPOINTS))
    versions: tuple[str, ...] = ("2.2.1",)
    asked: list[httpx.Request] = field(default_factory=list)
    handlers: list[tuple[str, str, Handler]] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"https://{self.host}/ocpi"

    def credentials(self, **changes: Any) -> dict[str, Any]:
        roles = [
            {"role": role, "country_code": cc, "party_id": pid, "business_details": {"name": f"{cc}/{pid}"}}
            for role, cc, pid in self.roles
        ]
        return {"token": self.token, "url": f"{self.base}/versions", "roles": roles} | changes

    def endpoint(self, module: str, role: str) -> str:
        return f"{self.base}/2.2.1/{role.lower()}/{module}"

    def on(self, method: str, path_part: str, handler: Handler | httpx.Response) -> None:
        """Answer requests whose URL contains path_part; the newest rule wins."""
        self.handlers.insert(0, (method, path_part, handler if callable(handler) else lambda _request: handler))

    def requests(self, method: str | None = None, path_part: str = "") -> list[httpx.Request]:
        return [r for r in self.asked if (method is None or r.method == method) and path_part in str(r.url)]

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        for method, path_part, handler in self.handlers:
            if method in ("*", request.method) and path_part in str(request.url):
                found = handler(request)
                return found if isinstance(found, httpx.Response) else await found
        path = request.url.path
        if path.endswith("/ocpi/versions"):
            return envelope([{"version": v, "url": f"{self.base}/{v}"} for v in self.versions])
        if path.endswith("/ocpi/2.2.1"):
            listed = [{"identifier": m, "role": r, "url": self.endpoint(m, r)} for m, r in self.endpoints]
            listed.append({"identifier": "credentials", "role": "SENDER", "url": f"{self.base}/2.2.1/credentials"})
            return envelope({"version": "2.2.1", "endpoints": listed})
        if request.method in ("PUT", "PATCH", "POST", "DELETE"):
            return envelope()
        if path.endswith(tuple(f"/sender/{m}" for m, _ in self.endpoints)):
            return envelope([], headers={"x-total-count": "0", "x-limit": "50"})
        return envelope(code=2003, http_status=404)


@dataclass
class Internet:
    """All partners by host, and servers of ours that are called through ASGI or TCP; anything else cannot be reached."""

    partners: dict[str, FakePartner] = field(default_factory=dict)
    hosts: dict[str, ASGIApp] = field(default_factory=dict)
    networks: dict[str, httpx.AsyncBaseTransport] = field(default_factory=dict)

    def add(self, partner: FakePartner) -> FakePartner:
        self.partners[partner.host] = partner
        return partner

    async def answer(self, request: httpx.Request) -> httpx.Response:
        app = self.hosts.get(request.url.host)
        if app is not None:
            response = await httpx.ASGITransport(app).handle_async_request(request)
            return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())
        network = self.networks.get(request.url.host)
        if network is not None:
            response = await network.handle_async_request(request)
            return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())
        partner = self.partners.get(request.url.host)
        if partner is None:
            raise httpx.ConnectError("no such host", request=request)
        return await partner.answer(request)


def basic(token: str) -> str:
    """The Authorization header for a token."""
    return "Token " + base64.b64encode(token.encode()).decode()


@dataclass
class Caller:
    """A partner that calls us. address  where we listen; None for a call through ASGI"""

    app: ASGIApp
    token: str
    partner: FakePartner
    sender: tuple[str, str] | None = None
    receiver: tuple[str, str] | None = None
    side: str = "emsp"
    address: str | None = None

    def speaking(self, sender: tuple[str, str], receiver: tuple[str, str], side: str) -> "Caller":
        """The same platform, one of its parties to one of ours."""
        return replace(self, sender=sender, receiver=receiver, side=side)

    def http(self) -> httpx.AsyncClient:
        if self.address is None:
            return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="https://ours.example")
        # It speaks no TLS: to read the authorities for each request would cost more than the request.
        return httpx.AsyncClient(base_url=self.address, trust_env=False, verify=False)

    async def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        envelope: bool = True,
    ) -> Answer:
        """Ask.

        url       a path such as /ocpi/versions, an absolute URL, or one below our interface for this side
        headers   one with an empty value is left out
        envelope  False, if the body is not to be opened
        """
        url = url.removeprefix("https://ours.example")
        if not url.startswith(("http", "/ocpi")):
            url = f"/ocpi/{self.side}/2.2.1{url}"
        sent = {
            "authorization": basic(self.token),
            "x-request-id": str(uuid.uuid4()),
            "x-correlation-id": str(uuid.uuid4()),
        }
        if self.sender:
            sent |= {"ocpi-from-country-code": self.sender[0], "ocpi-from-party-id": self.sender[1]}
        if self.receiver:
            sent |= {"ocpi-to-country-code": self.receiver[0], "ocpi-to-party-id": self.receiver[1]}
        sent |= dict(headers or {})
        sent = {name: value for name, value in sent.items() if value}
        spelt = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        if body is not None and content is None:
            content = json.dumps(body, default=str).encode()
            if "content-type" not in sent:
                spelt.append((b"content-type", b"application/json"))
        async with self.http() as http:
            response = await http.request(method, url, content=content, headers=spelt, params=params)
        return Answer(response.status_code, response.headers, response.json() if envelope else response.content)

    async def get(self, url: str, **more: Any) -> Answer:
        return await self.request("GET", url, **more)

    async def put(self, url: str, body: Any, **more: Any) -> Answer:
        return await self.request("PUT", url, body, **more)

    async def patch(self, url: str, body: Any, **more: Any) -> Answer:
        return await self.request("PATCH", url, body, **more)

    async def post(self, url: str, body: Any = None, **more: Any) -> Answer:
        return await self.request("POST", url, body, **more)

    async def delete(self, url: str, **more: Any) -> Answer:
        return await self.request("DELETE", url, **more)
