"""The platforms of the network: our CPO and eMSP, and the sandboxes that are their partners, each with a fault of its own."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from ocpi_party.cli.demo.platform import Platform, Side, free_port
from ocpi_party.cli.demo.program import Program
from ocpi_party.embedded import EmbeddedPostgres
from ocpi_party.sandbox.faults import Fault
from tests.network import consumer
from tests.network.witness import Witness

STOP_SECONDS = 10
_SETTINGS = {
    "OCPI_REQUEST_TIMEOUT_SECONDS": "3",
    "OCPI_PUSH_LEASE_SECONDS": "10",
    "OCPI_COMMAND_TIMEOUT_SECONDS": "15",
    "OCPI_AUTHORIZE_TIMEOUT_SECONDS": "3",
    "OCPI_LOG_LEVEL": "info",
}
SLOW_SECONDS = 5.0
"""Longer than anybody waits."""


@dataclass
class Consumer(Program):
    """The operator's system beside a member. notes  what it was told"""

    notes: Path = Path()

    def told_events(self) -> list[dict[str, Any]]:
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [json.loads(line) for line in lines]


@dataclass
class Member(Platform):
    """One of the two whom the network is about.

    public       its address at the witness
    partner_ids  of its partners, by their names
    since        seq of the last event that its consumer is not told
    """

    public: str = ""
    partner_ids: dict[str, int] = field(default_factory=dict)
    consumer: Consumer | None = None
    since: int = 0
    secrets: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.side.name

    async def prepare(self) -> None:
        """`api` and `worker` leave it to `migrate` to make the database."""
        if self.commands[0] != ("serve",):
            self.directory.mkdir(mode=0o711, exist_ok=True)
            migrate = Program(
                [sys.executable, "-m", "ocpi_party", "migrate"], self.environment(), self.log, self.directory
            )
            migrate.start()
            while migrate.runs():
                await asyncio.sleep(0.05)

    async def add_party(self) -> None:
        country_code, party_id = self.side.country_code, self.side.party_id
        details = {"name": self.side.operator}
        party = {
            "country_code": country_code,
            "party_id": party_id,
            "role": self.side.role,
            "business_details": details,
        }
        await self.call("POST", "/parties", party)

    async def told_up_to(self) -> int:
        """seq of the last event that its consumer was told."""
        [webhook] = [one for one in await self.get("/webhooks") if one["answers"] is None]
        found: int = webhook["delivered_up_to"]
        return found

    async def have_consumer(self) -> None:
        """A consumer that is told every event, and answers whether drivers may charge."""
        port, notes, secrets = free_port(), self.directory / "told", self.directory / "secrets"
        paths: dict[str, dict[str, Any]] = {"/events": {}, "/authorization": {"answers": "authorization"}}
        kept = {}
        for path, wanted in paths.items():
            answer = (await self.call("POST", "/webhooks", {"url": f"http://127.0.0.1:{port}{path}"} | wanted)).json()
            kept[path] = answer["secret"]
            self.since = answer["delivered_up_to"] if path == "/events" else self.since
        secrets.touch(mode=0o600)
        secrets.write_text(json.dumps(kept))
        self.secrets += kept.values()
        command = [sys.executable, str(Path(consumer.__file__)), str(port), str(notes), str(secrets)]
        self.consumer = Consumer(command, self.environment(), self.directory / "consumer.log", notes=notes)
        self.consumer.start()


@dataclass
class Sandbox(Platform):
    """A partner of one member, with a fault that is switched on and off."""

    fault: Fault = Fault.SLOW
    member: Member = field(kw_only=True)

    @property
    def name(self) -> str:
        return self.side.name

    def token(self) -> str:
        found = re.findall(r"^token +(\S+)", self.log.read_text(), re.MULTILINE)
        return str(found[-1])

    async def have(self, *faults: Fault) -> None:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as http:
            body = {"faults": list(faults), "seconds": SLOW_SECONDS}
            (await http.put("/sandbox/faults", json=body)).raise_for_status()


@asynccontextmanager
async def database(platform: Platform) -> AsyncIterator[Any]:
    """A connection to the platform's own database."""
    postgres = EmbeddedPostgres(platform.directory / "data")
    url = await asyncio.to_thread(postgres.start)
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
        await asyncio.to_thread(postgres.stop)


async def open_members(stack: AsyncExitStack, witness: Witness, directory: Path) -> tuple[Member, Member]:
    """Our CPO, in two processes, and our eMSP, in one; they know each other."""
    cpo = Member(
        Side("CPO", "CPO", "NL", "TNM", "Test Charge Points"), directory / "cpo", commands=(("api",), ("worker",))
    )
    emsp = Member(Side("eMSP", "EMSP", "DE", "ABC", "Test Mobility"), directory / "emsp")
    await asyncio.gather(*(_open_member(stack, witness, member) for member in (cpo, emsp)))
    invitation = (await cpo.call("POST", "/partners", {"name": emsp.name})).json()
    cpo.partner_ids[emsp.name] = invitation["id"]
    emsp.partner_ids[cpo.name] = await _connect(emsp, cpo.name, cpo.public, invitation["credentials_token"])
    return cpo, emsp


async def _open_member(stack: AsyncExitStack, witness: Witness, member: Member) -> None:
    member.public = await stack.enter_async_context(witness.before(member.name, member.port))
    member.settings = _SETTINGS | {"OCPI_PUBLIC_URL": member.public}
    stack.push_async_callback(member.stop)
    await member.prepare()
    await member.start()
    member.secrets.append(member.key_file.read_text().strip())
    await member.add_party()
    await member.have_consumer()
    assert member.consumer is not None
    stack.callback(member.consumer.stop, STOP_SECONDS)


async def open_sandbox(
    stack: AsyncExitStack, witness: Witness, directory: Path, member: Member, fault: Fault, number: int
) -> Sandbox:
    """A partner of this member in the other role."""
    role = "EMSP" if member.side.role == "CPO" else "CPO"
    party_id = f"S{role[0]}{number}"
    side = Side(f"{role.lower()} {fault}", role, "XX", party_id, "Sandbox")
    sandbox = Sandbox(side, directory / party_id.lower(), fault=fault, member=member)
    public = await stack.enter_async_context(witness.before(sandbox.name, sandbox.port))
    words = ["sandbox", "--role", role.lower(), "--port", str(sandbox.port), "--public-url", public]
    words += ["--party-id", party_id, "--data-dir", str(sandbox.directory / "data")]
    sandbox.commands = (words,)
    sandbox.settings = _SETTINGS | ({"OCPI_PAGE_SIZE_MAX": "2"} if fault is Fault.SHRINKING_LIST else {})
    stack.push_async_callback(sandbox.stop)
    await sandbox.start()
    member.partner_ids[sandbox.name] = await _connect(member, sandbox.name, public, sandbox.token())
    return sandbox


async def _connect(member: Member, name: str, address: str, token: str) -> int:
    body = {"name": name, "versions_url": f"{address}/ocpi/versions", "credentials_token": token}
    found: int = (await member.call("POST", "/partners", body)).json()["id"]
    return found
