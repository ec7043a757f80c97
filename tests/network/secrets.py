"""No credentials token, key or secret that was used lies anywhere in plain, nor in an encoding that anybody could undo."""

import base64
from collections.abc import AsyncIterator, Iterator

import httpx

from tests.network.platforms import Member, Sandbox, database
from tests.network.table import Table
from tests.network.witness import Seen
from tests.stored import rows_as_text

_KNOWN = ("Test Charge Points", '"token":"***"')
"""So that a blind scan is noticed: the name of a party, and the masked token in the kept body of a handshake."""


async def scan(table: Table, members: list[Member], sandboxes: list[Sandbox], seen: list[Seen]) -> None:
    tokens = {one.token for one in seen if one.token}
    secrets = (
        tokens | {one for member in members for one in member.secrets} | {sandbox.token() for sandbox in sandboxes}
    )
    spelt = {spelling: secret for secret in secrets for spelling in _spellings(secret)}
    for member in members:
        found, size, known = [], 0, set[str]()
        async with database(member) as connection:
            async for name, text in rows_as_text(connection):
                size += len(text)
                known |= {one for one in _KNOWN if one in text}
                found += [f"{name} has {_hint(spelt[one])}" for one in spelt if one in text]
        what = f"{member.name}: words that are in its database = those of them that the scan finds"
        table.equal(what, len(_KNOWN), len(known))
        table.none(
            f"{member.name}: MB of its database / places with one of {len(secrets)} secrets", found, size // 10**6
        )
        texts = [text async for text in _api(member)]
        found = [f"its API has {_hint(spelt[one])}" for one in spelt for text in texts if one in text]
        size = sum(len(one) for one in texts)
        table.none(f"{member.name}: KB of /api/messages and /metrics / with a secret", found, size // 1000)
    places = [*(member.directory for member in members), *(sandbox.directory for sandbox in sandboxes)]
    found, size = [], 0
    for place in places:
        for path in {*place.glob("**/*.log"), *place.glob("log"), *place.glob("**/*.log.*")}:
            # A sandbox shows its invitation to whoever starts it.
            lines = [line for line in path.read_text(errors="replace").splitlines() if not line.startswith("token  ")]
            text = "\n".join(lines)
            size += len(text)
            found += [f"{path} has {_hint(spelt[one])}" for one in spelt if one in text]
    table.none("KB of all logs / places with a secret", found, size // 1000)


def _spellings(secret: str) -> Iterator[str]:
    """As it is, in Base64 of both alphabets without padding, in hexadecimal digits; those of a webhook's decoded key too."""
    raws = [secret.encode()]
    if secret.startswith("whsec_"):
        raws.append(base64.b64decode(secret.removeprefix("whsec_")))
        yield secret.removeprefix("whsec_")
    yield secret
    for raw in raws:
        yield base64.b64encode(raw).decode().rstrip("=")
        yield base64.urlsafe_b64encode(raw).decode().rstrip("=")
        yield raw.hex()


def _hint(secret: str) -> str:
    return f"{secret[:4]}… of {len(secret)} characters"


async def _api(member: Member) -> AsyncIterator[str]:
    """All of /api/messages, those of the handshakes with their bodies, and /metrics."""
    headers = {"authorization": f"Bearer {member.secrets[0]}"}
    async with httpx.AsyncClient(base_url=member.url, headers=headers, timeout=60, trust_env=False) as http:
        yield (await http.get("/metrics")).text
        url: str | None = "/api/messages?limit=1000"
        while url:
            answer = (await http.get(url)).raise_for_status()
            yield answer.text
            url = answer.links.get("next", {}).get("url")
            url = url and url.replace(member.public, "")
            for message in answer.json():
                if message["module"] == "credentials":
                    yield (await http.get(f"/api/messages/{message['id']}")).text
