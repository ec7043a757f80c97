"""What tests of hubs share: a hub that registered with us, and tells us who is behind it."""

from typing import Any

from ocpi_party.ocpi.types import PartyId
from tests.objects import a_client_info
from tests.partner import Answer, Caller, FakePartner
from tests.server import Server

HUB = ("NL", "HUB")
CLIENT_INFO = "/ocpi/cpo/2.2.1/hubclientinfo"
EVC, ABC = PartyId("SE", "EVC"), PartyId("DE", "ABC")


async def a_hub(server: Server, **changes: Any) -> Caller:
    """The hub NL/HUB, nobody behind it yet."""
    given: dict[str, Any] = {"name": "hub", "host": "hub.example", "token": "h.h", "roles": (("HUB", *HUB),)} | changes
    given.setdefault("endpoints", [*FakePartner().endpoints, ("hubclientinfo", "SENDER")])
    caller = await server.connect(server.internet.add(FakePartner(**given)))
    caller.partner.asked.clear()
    return caller


async def tell(
    hub: Caller, party: PartyId = EVC, role: str = "EMSP", status: str = "CONNECTED", **changes: Any
) -> Answer:
    """The hub tells us of a party behind it."""
    info = a_client_info(party, role, status=status, **changes)
    answer = await hub.put(f"{CLIENT_INFO}/{party.country_code}/{party.party_id}", info)
    assert answer.status_code == 1000, answer
    return answer


def sent(partner: FakePartner) -> list[tuple[str, str, str | None]]:
    """What the partner was asked: method, path behind the version, party in OCPI-to."""
    return [
        (one.method, one.url.path.partition("/2.2.1")[2], one.headers.get("ocpi-to-party-id")) for one in partner.asked
    ]
