"""Credentials are renewed on their own: when they grow old, and when what we offer changed."""

import asyncio
import json

import httpx
import pytest
from tests.partner import FakePartner, envelope
from tests.server import Server

from ocpi_party.database import Statement


def _takes_credentials(partner: FakePartner) -> None:
    def take(request: httpx.Request) -> httpx.Response:
        partner.token = json.loads(request.content)["token"]
        return envelope(partner.credentials(token=f"renewed-{len(partner.asked)}"))

    partner.on("PUT", "/credentials", take)


async def _renew_due(server: Server) -> int:
    """Renew what is due to the end; tells how many partners that were."""
    worker, claimed = server.app.renewing, 0
    while found := await worker.start():
        claimed += found
        await asyncio.gather(*worker.hands.busy)
    return claimed


@pytest.fixture
async def tnm(server: Server) -> FakePartner:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.asked.clear()
    _takes_credentials(partner)
    return partner


@pytest.mark.requirement("VER-12", "OPS-16")
async def test_a_new_party_of_ours_is_announced_with_put_credentials(server: Server, tnm: FakePartner) -> None:
    body = {"country_code": "NL", "party_id": "OWB", "role": "CPO", "business_details": {"name": "Second"}}
    await server.operator.post("/api/parties", json=body)

    renewed = await _renew_due(server)

    (put,) = tnm.requests("PUT", "/credentials")
    roles = [(role["role"], role["party_id"]) for role in json.loads(put.content)["roles"]]
    assert renewed == 1
    assert ("CPO", "OWB") in roles
    assert [request.method for request in tnm.asked] == ["GET", "GET", "PUT"]


@pytest.mark.requirement("VER-12")
async def test_other_modules_for_a_partner_are_announced(server: Server, tnm: FakePartner) -> None:
    await server.operator.patch("/api/partners/1", json={"modules": ["locations"]})

    assert await _renew_due(server) == 1
    assert len(tnm.requests("PUT", "/credentials")) == 1


@pytest.mark.requirement("CRE-25")
async def test_old_tokens_are_renewed_and_young_ones_are_not(server: Server, tnm: FakePartner) -> None:
    young = await _renew_due(server)
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE partners SET renew_at = renew_at - interval '31 days'"))

    old = await _renew_due(server)

    assert (young, old) == (0, 1)
    assert await _renew_due(server) == 0


async def test_a_renewal_that_fails_leaves_the_old_tokens_and_an_alert(server: Server, tnm: FakePartner) -> None:
    tnm.on("PUT", "/credentials", envelope(code=3000))
    await server.operator.patch("/api/partners/1", json={"modules": ["locations"]})

    assert await _renew_due(server) == 1

    partner = (await server.operator.get("/api/partners/1")).json()
    assert (partner["status"], "credentials" in partner["alert"]) == ("CONNECTED", True)


async def test_a_partner_that_hangs_does_not_hold_up_the_renewal_of_others(server: Server, tnm: FakePartner) -> None:
    other = server.internet.add(FakePartner("other", "other.example", "token-b.for-other", (("EMSP", "DE", "OTH"),)))
    await server.connect(other)
    _takes_credentials(other)
    asked, told = asyncio.Event(), asyncio.Event()

    async def hang(_: httpx.Request) -> httpx.Response:
        asked.set()
        await told.wait()
        return envelope(code=3000)

    tnm.on("PUT", "/credentials", hang)
    await server.operator.patch("/api/partners/1", json={"modules": ["locations"]})
    await server.operator.patch("/api/partners/2", json={"modules": ["locations"]})
    work = asyncio.create_task(server.app.renewing.run())
    async with asyncio.timeout(20):
        await asked.wait()
        while not other.requests("PUT", "/credentials"):
            await asyncio.sleep(0.01)
    assert [len(one.requests("PUT", "/credentials")) for one in (tnm, other)] == [1, 1]
    told.set()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
