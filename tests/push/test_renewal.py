"""Credentials are renewed on their own: when they grow old, and when what we offer changed."""

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

    renewed = await server.app.renewing.renew_due()

    (put,) = tnm.requests("PUT", "/credentials")
    roles = [(role["role"], role["party_id"]) for role in json.loads(put.content)["roles"]]
    assert renewed == 1
    assert ("CPO", "OWB") in roles
    assert [request.method for request in tnm.asked] == ["GET", "GET", "PUT"]


@pytest.mark.requirement("VER-12")
async def test_other_modules_for_a_partner_are_announced(server: Server, tnm: FakePartner) -> None:
    await server.operator.patch("/api/partners/1", json={"modules": ["locations"]})

    assert await server.app.renewing.renew_due() == 1
    assert len(tnm.requests("PUT", "/credentials")) == 1


@pytest.mark.requirement("CRE-25")
async def test_old_tokens_are_renewed_and_young_ones_are_not(server: Server, tnm: FakePartner) -> None:
    young = await server.app.renewing.renew_due()
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE partners SET renew_at = renew_at - interval '31 days'"))

    old = await server.app.renewing.renew_due()

    assert (young, old) == (0, 1)
    assert await server.app.renewing.renew_due() == 0


async def test_a_renewal_that_fails_leaves_the_old_tokens_and_an_alert(server: Server, tnm: FakePartner) -> None:
    tnm.on("PUT", "/credentials", envelope(code=3000))
    await server.operator.patch("/api/partners/1", json={"modules": None})

    renewed = await server.app.renewing.renew_due()

    partner = (await server.operator.get("/api/partners/1")).json()
    assert renewed == 0
    assert (partner["status"], "credentials" in partner["alert"]) == ("CONNECTED", True)
