"""We fetch the tokens of an eMSP."""

import pytest
from tests.objects import LATER, a_token
from tests.partner import FakePartner
from tests.pull.lists import PagedList
from tests.server import Server

from ocpi_party.ocpi.types import JsonObject, PartyId

TNM = PartyId("DE", "TNM")
ROLES = (("EMSP", "DE", "TNM"),)


async def tokens(server: Server) -> list[JsonObject]:
    found: list[JsonObject] = (await server.operator.get("/api/tokens?own=false")).json()
    return found


@pytest.mark.requirement("TOK-S-02", "TOK-R-02")
async def test_known_tokens_are_updated_and_new_ones_added(server: Server) -> None:
    partner = server.internet.add(FakePartner(roles=ROLES, endpoints=[("tokens", "SENDER")]))
    card, app = a_token(TNM), a_token(TNM, type="APP_USER")
    listed = PagedList(partner, [card, app], module="tokens")
    caller = (await server.connect(partner)).speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")
    await caller.put("/tokens/DE/TNM/012345678", card)
    await caller.put("/tokens/DE/TNM/OLD", a_token(TNM, uid="OLD"))
    blocked = card | {"valid": False, "last_updated": LATER}
    listed.objects[0] = blocked

    await server.app.pulling.pull_due()

    assert await tokens(server) == [blocked, a_token(TNM, uid="OLD"), app]
    findings = await server.rows("SELECT ref, pointer FROM findings WHERE module = 'tokens' ORDER BY ref")
    assert [tuple(finding.values()) for finding in findings] == [
        ("DE*TNM/012345678 APP_USER", "/whitelist"),
        ("DE*TNM/OLD RFID", ""),
    ]
