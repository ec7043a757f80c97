"""What a party does not know, when it is reached another way than before. OCPI 2.2.1, Message routing; HubClientInfo."""

from typing import Any

import pytest
from tests.behind import EVC, a_hub, sent, tell
from tests.objects import a_cdr, a_cdr_token
from tests.own import publish
from tests.partner import Caller, FakePartner, envelope
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWA = PartyId("NL", "OWA")
CDR = ("POST", "/receiver/cdrs", "EVC")


@pytest.fixture
async def hub(server: Server) -> Caller:
    return await a_hub(server)


def another(server: Server) -> FakePartner:
    """The party behind the hub, as a platform of its own."""
    return server.internet.add(FakePartner("evc", "evc.example", "e.e", roles=(("EMSP", "SE", "EVC"),)))


async def issue_cdr(server: Server, cdr_id: str = "CDR1") -> None:
    cdr: dict[str, Any] = a_cdr(OWA, id=cdr_id, cdr_token=a_cdr_token(EVC))
    answer = await server.operator.put(f"/api/cdrs/NL/OWA/{cdr_id}", json=cdr)
    assert answer.status_code == 201, answer.text


@pytest.mark.requirement("HUB-27", "OPS-04")
async def test_what_waited_behind_a_hub_is_told_directly(server: Server, hub: Caller) -> None:
    await tell(hub)
    await tell(hub, status="OFFLINE")
    await publish(server)
    await issue_cdr(server)
    direct = another(server)

    await server.connect(direct)
    direct.asked.clear()
    await server.push()
    await tell(hub)
    await server.push()

    assert sent(direct) == [("PUT", "/receiver/locations/NL/OWA/LOC1", "EVC"), CDR]
    assert [one for one in sent(hub.partner) if one[0] != "GET"] == []


@pytest.mark.requirement("HUB-27", "HCI-R-09", "OPS-04")
@pytest.mark.parametrize("status", ["OFFLINE", "SUSPENDED"])
async def test_what_waited_at_one_hub_is_told_through_the_next(server: Server, hub: Caller, status: str) -> None:
    other = await a_hub(server, name="other", host="other.example", token="o.o", roles=(("HUB", "DE", "HUB"),))
    await tell(hub)
    await tell(other)
    await issue_cdr(server)

    await tell(hub, status=status)
    await server.push()

    assert sent(other.partner) == [CDR]
    assert "CDR1" not in str((await server.rows("SELECT alert FROM partners ORDER BY id"))[0]["alert"])


@pytest.mark.requirement("HUB-27", "CRE-23", "OPS-04")
async def test_what_a_platform_that_leaves_did_not_know_is_told_behind_the_hub_where_it_still_is(
    server: Server, hub: Caller
) -> None:
    await tell(hub)
    direct = another(server)
    caller = await server.connect(direct)
    direct.on("*", "/receiver/", envelope(http_status=503))
    await issue_cdr(server)
    await server.push()
    hub.partner.asked.clear()

    await caller.delete("/ocpi/2.2.1/credentials")
    await server.push()

    assert sent(hub.partner) == [CDR]


@pytest.mark.requirement("HUB-27")
async def test_what_was_refused_and_what_another_party_does_not_know_stay_where_they_are(
    server: Server, hub: Caller
) -> None:
    await tell(hub)
    await tell(hub, PartyId("DE", "ABC"))
    hub.partner.on("POST", "/receiver/cdrs", envelope(code=2001))
    await issue_cdr(server)
    await server.push()
    await publish(server)
    direct = another(server)

    await server.connect(direct)

    marks = await server.rows("SELECT partner_id, party, module, state FROM outbox_marks ORDER BY module, party")
    assert [tuple(one.values()) for one in marks] == [
        (1, "SE*EVC", "cdrs", "REFUSED"),
        (1, "DE*ABC", "locations", "WAITING"),
        (2, "SE*EVC", "locations", "WAITING"),
    ]


@pytest.mark.requirement("CRE-32", "OPS-10")
async def test_a_party_that_the_partner_has_no_more_is_told_nothing_until_it_has_it_again(server: Server) -> None:
    partner = another(server)
    caller = await server.connect(partner)
    partner.on("*", "/receiver/", envelope(http_status=503))
    await issue_cdr(server)
    await server.push()
    partner.handlers.pop(0)
    roles, partner.roles = partner.roles, (("EMSP", "FR", "CCC"),)
    caller.token = (await caller.put("/ocpi/2.2.1/credentials", partner.credentials())).data["token"]
    partner.asked.clear()

    await server.push()
    without = [one for one in sent(partner) if one[0] != "GET"]
    partner.roles = roles
    await caller.put("/ocpi/2.2.1/credentials", partner.credentials())
    await server.push()

    assert without == []
    assert [one for one in sent(partner) if one[0] != "GET"] == [CDR]
