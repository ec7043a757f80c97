"""A hub for tests: platforms register with it, and it passes on what they send. OCPI 2.2.1, Message routing; HubClientInfo."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from ocpi_party.ocpi.types import PartyId, now, wire_time
from tests.partner import FakePartner, Internet, basic, envelope

HUB = PartyId("NL", "HUB")
_JSON = {"content-type": "application/json"}
_COPIED = ("x-total-count", "x-limit", "location")


@dataclass
class Client:
    """A platform that is registered with the hub.

    ours, theirs  the credentials tokens: what the hub sends, what the platform sends
    """

    name: str
    theirs: str
    ours: str = ""
    parties: list[tuple[str, PartyId]] = field(default_factory=list)
    endpoints: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass
class Hub(FakePartner):
    """status  of the parties, CONNECTED unless said otherwise; hanging  parties that take a request and never answer

    passed  (request as it came, request as it went on)
    """

    name: str = "hub"
    host: str = "hub.example"
    roles: tuple[tuple[str, str, str], ...] = (("HUB", "NL", "HUB"),)
    internet: Internet = field(default_factory=Internet)
    clients: dict[str, Client] = field(default_factory=dict)
    status: dict[PartyId, str] = field(default_factory=dict)
    hanging: set[PartyId] = field(default_factory=set)
    passed: list[tuple[httpx.Request, httpx.Request]] = field(default_factory=list)
    callbacks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.endpoints = [*self.endpoints, ("hubclientinfo", "SENDER")]

    def invite(self, name: str) -> str:
        """The token with which a platform may register."""
        token = f"invitation.of-{name}"
        self.clients[basic(token)] = Client(name, token)
        return token

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        client = self.clients.get(request.headers.get("authorization", ""))
        if client is None:
            return envelope(code=2000, http_status=401)
        path = request.url.path
        if path.endswith("/credentials") and request.method == "POST":
            found = await self._register(client, request)
        elif "/sender/hubclientinfo" in path:
            found = self._page(request, self._infos(client))
        elif "/sender/" in path or "/receiver/" in path or path.startswith("/back/"):
            found = await self._route(client, request)
        else:
            found = await super().answer(request)
        for name in ("x-request-id", "x-correlation-id"):
            found.headers[name] = request.headers[name]
        return found

    # Registration, and who is there.

    async def _register(self, client: Client, request: httpx.Request) -> httpx.Response:
        given = json.loads(request.content)
        client.ours = given["token"]
        versions = await self._get(client, given["url"])
        details = await self._get(client, next(one["url"] for one in versions if one["version"] == "2.2.1"))
        client.endpoints = {(one["identifier"], one["role"]): one["url"] for one in details["endpoints"]}
        client.parties = [(role["role"], PartyId(role["country_code"], role["party_id"])) for role in given["roles"]]
        del self.clients[basic(client.theirs)]
        client.theirs = f"token.for-{client.name}"
        self.clients[basic(client.theirs)] = client
        for role, party in client.parties:
            await self._tell(client, role, party)
        return envelope(self.credentials(token=client.theirs))

    async def _get(self, client: Client, url: str) -> Any:
        answer = await self._send(client, "GET", url, {}, b"")
        return json.loads(answer.content)["data"]

    async def becomes(self, party: PartyId, status: str) -> None:
        """Everybody else hears that a party is there or away."""
        self.status[party] = status
        for client in list(self.clients.values()):
            for role, one in client.parties:
                if one == party:
                    await self._tell(client, role, party)

    async def _tell(self, about: Client, role: str, party: PartyId) -> None:
        body = json.dumps(self._info(role, party)).encode()
        for client in self.clients.values():
            url = client.endpoints.get(("hubclientinfo", "RECEIVER"))
            if client is not about and url is not None:
                url = f"{url}/{party.country_code}/{party.party_id}"
                answer = await self._send(client, "PUT", url, {}, body)
                assert json.loads(answer.content)["status_code"] == 1000, answer.text

    def _info(self, role: str, party: PartyId) -> dict[str, str]:
        named = {"country_code": party.country_code, "party_id": party.party_id, "role": role}
        return named | {"status": self._status(party), "last_updated": wire_time(now())}

    def _infos(self, asking: Client) -> list[dict[str, str]]:
        return [self._info(*one) for client in self.clients.values() if client is not asking for one in client.parties]

    def _status(self, party: PartyId) -> str:
        return self.status.get(party, "CONNECTED")

    # Routing.

    async def _route(self, client: Client, request: httpx.Request) -> httpx.Response:
        sender, receiver = _party(request, "from"), _party(request, "to")
        if sender not in [party for _, party in client.parties]:
            return envelope(code=2001)
        others = [(role, party) for one in self.clients.values() if one is not client for role, party in one.parties]
        role = next(role for role, party in client.parties if party == sender)
        opposite = [party for other, party in others if (other == "CPO") != (role == "CPO")]
        if receiver == HUB:
            if request.method == "GET":
                return await self._all(request, opposite)
            for party in opposite:
                await self._pass_on(request, party, HUB)
            return envelope()  # Before it is known who took it: that is how broadcasts are answered.
        if receiver is not None:
            if receiver not in [party for _, party in others]:
                return envelope(code=4001)
            return await self._pass_on(request, receiver, sender)
        found = envelope(code=4001)
        for party in opposite:
            found = await self._pass_on(request, party, sender)
            if json.loads(found.content)["status_code"] < 2000:
                break
        return found

    async def _pass_on(self, request: httpx.Request, receiver: PartyId, sender: PartyId) -> httpx.Response:
        """One party is asked; X-Request-ID is new on each hop, X-Correlation-ID the same."""
        if self._status(receiver) != "CONNECTED":
            return envelope(code=4003)
        if receiver in self.hanging:
            return envelope(code=4002)
        client = next(one for one in self.clients.values() if receiver in [party for _, party in one.parties])
        url = self._url_at(client, request)
        if url is None:
            return envelope(code=4001)
        routing = {
            "ocpi-to-country-code": receiver.country_code,
            "ocpi-to-party-id": receiver.party_id,
            "ocpi-from-country-code": sender.country_code,
            "ocpi-from-party-id": sender.party_id,
            "x-correlation-id": request.headers["x-correlation-id"],
        }
        answer = await self._send(client, request.method, url, routing, self._body(request), request)
        kept = {name: value for name, value in answer.headers.items() if name in _COPIED or name.startswith("ocpi-")}
        if "location" in kept:
            kept["location"] = f"{self.endpoint('cdrs', 'RECEIVER')}{_behind(kept['location'], '/cdrs')}"
        return httpx.Response(answer.status_code, content=answer.content, headers=kept | _JSON)

    def _url_at(self, client: Client, request: httpx.Request) -> str | None:
        path, _, query = request.url.raw_path.decode().partition("?")
        if path.startswith("/back/"):
            return self.callbacks[int(path.removeprefix("/back/"))]
        _, _, interface, module, *rest = path.removeprefix("/ocpi").split("/")
        base = client.endpoints.get((module, interface.upper()))
        return base and "/".join([base, *rest]) + (f"?{query}" if query else "")

    def _body(self, request: httpx.Request) -> bytes:
        """As it came; but results are to come back through the hub, which alone may use its token (AMB-55)."""
        if "/receiver/commands/" not in request.url.path:
            return request.content
        body = json.loads(request.content)
        self.callbacks.append(body["response_url"])
        return json.dumps(body | {"response_url": f"https://{self.host}/back/{len(self.callbacks) - 1}"}).encode()

    async def _send(
        self,
        client: Client,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes,
        came: httpx.Request | None = None,
    ) -> httpx.Response:
        sent = {"x-request-id": str(uuid.uuid4()), "x-correlation-id": str(uuid.uuid4())} | headers
        sent |= {"authorization": basic(client.ours)} | (_JSON if body else {})
        request = httpx.Request(method, url, headers=sent, content=body)
        if came is not None:
            self.passed.append((came, request))
        return await self.internet.answer(request)

    # GET All.

    async def _all(self, request: httpx.Request, parties: list[PartyId]) -> httpx.Response:
        """The lists of all parties as one."""
        found: list[Any] = []
        sender = _party(request, "from")
        assert sender is not None  # _route() has looked
        asked = dict(parse_qsl(request.url.query.decode())) | {"offset": "0", "limit": "1000"}
        whole = httpx.Request("GET", request.url.copy_with(params=asked), headers=request.headers)
        for party in parties:
            answer = await self._pass_on(whole, party, sender)
            found += json.loads(answer.content).get("data") or []
        return self._page(request, found)

    def _page(self, request: httpx.Request, found: list[Any]) -> httpx.Response:
        offset, limit = (int(request.url.params.get(name, default)) for name, default in (("offset", 0), ("limit", 50)))
        headers = {"x-total-count": str(len(found)), "x-limit": str(limit)}
        if offset + limit < len(found):
            headers["link"] = f'<{request.url.copy_merge_params({"offset": str(offset + limit)})}>; rel="next"'
        return envelope(found[offset : offset + limit], headers=headers)


def _party(request: httpx.Request, end: str) -> PartyId | None:
    named = [request.headers.get(f"ocpi-{end}-{part}") for part in ("country-code", "party-id")]
    return PartyId(*named).folded() if all(named) else None


def _behind(url: str, name: str) -> str:
    return urlsplit(url).path.partition(name)[2]
