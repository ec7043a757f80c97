"""A hub tells us of the parties behind it. OCPI 2.2.1, HubClientInfo, "Receiver Interface"."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from tests.behind import ABC, CLIENT_INFO, EVC, HUB, a_hub, tell
from tests.conftest import BOTH
from tests.objects import LATER, NOON, a_client_info, a_location
from tests.own import publish
from tests.partner import Answer, Caller, FakePartner
from tests.pull.lists import PagedList
from tests.server import Server

from ocpi_party.database import Statement, WriteTx
from ocpi_party.modules.hubclientinfo.pull import PULLED, PulledParties
from ocpi_party.ocpi.client_info import ClientInfo
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import PartyId
from ocpi_party.owned.pull import Found, Refused
from ocpi_party.partners import repository

URL = f"{CLIENT_INFO}/SE/EVC"


@pytest.fixture
async def hub(server: Server) -> Caller:
    return await a_hub(server)


async def parties(server: Server) -> list[dict[str, Any]]:
    """The hub's parties as the operator sees them."""
    (shown,) = [one for one in (await server.operator.get("/api/partners")).json() if one["hub"]]
    found: list[dict[str, Any]] = [one for one in shown["roles"] if one["behind_hub"]]
    return found


async def alert(server: Server) -> str | None:
    rows = await server.rows("SELECT alert FROM partners WHERE is_hub")
    found: str | None = rows[0]["alert"]
    return found


@BOTH
@pytest.mark.requirement("HCI-R-01", "HCI-R-02", "HCI-R-05", "HUB-02", "HCI-R-12")
@pytest.mark.parametrize("side", ["cpo", "emsp"])
async def test_a_client_info_is_kept_as_it_is_told_without_routing(server: Server, hub: Caller, side: str) -> None:
    url = f"/ocpi/{side}/2.2.1/hubclientinfo/SE/EVC"
    later = a_client_info(EVC, status="OFFLINE", last_updated="2026-03-02T00:00:00Z")

    first = await hub.put(url, a_client_info(EVC))
    second = await hub.put(url, later)
    got = await hub.get(url.replace("SE/EVC", "se/evc"))
    unknown = await hub.get(url.replace("EVC", "XXX"))

    assert [(one.http_status, one.status_code) for one in (first, second, got, unknown)] == [
        (201, 1000), (200, 1000), (200, 1000), (404, 2001),
    ]  # fmt: skip
    assert got.data == later
    assert not [name for one in (first, got, unknown) for name in one.headers if name.startswith("ocpi-")]


@pytest.mark.requirement("HCI-R-02")
@pytest.mark.parametrize("changes", [{"party_id": "XXX"}, {"country_code": "NL"}, {"status": "SLEEPING"}])
async def test_what_contradicts_its_url_or_has_no_known_status_is_refused(
    server: Server, hub: Caller, changes: dict[str, str]
) -> None:
    answer = await hub.put(URL, a_client_info(EVC) | changes)

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert await parties(server) == []


@pytest.mark.requirement("HCI-R-03")
async def test_nothing_is_removed_but_by_suspended(server: Server, hub: Caller) -> None:
    await tell(hub)

    others = [await hub.post(URL, {}), await hub.patch(URL, {}), await hub.delete(URL)]
    await tell(hub, status="SUSPENDED")

    assert [one.http_status for one in others] == [405, 405, 405]
    assert (await hub.get(URL)).data["status"] == "SUSPENDED"
    assert [one["status"] for one in await parties(server)] == ["SUSPENDED"]


@pytest.mark.requirement("HCI-R-04", "HCI-S-03")
async def test_only_a_hub_has_parties_behind_it(server: Server) -> None:
    tnm = await server.connect(server.internet.add(FakePartner()))

    put, got = await tnm.put(URL, a_client_info(EVC)), await tnm.get(URL)
    details = await tnm.get("/ocpi/2.2.1")

    assert [(one.http_status, one.status_code) for one in (put, got)] == [(404, 2001)] * 2
    assert await server.rows("SELECT * FROM partner_parties WHERE source = 'hub'") == []
    assert "hubclientinfo" not in {one["identifier"] for one in details.data["endpoints"]}


@pytest.mark.requirement("HCI-S-03")
async def test_a_hub_is_offered_the_receiver_alone(hub: Caller) -> None:
    details = await hub.get("/ocpi/2.2.1")

    offered = [one for one in details.data["endpoints"] if one["identifier"] == "hubclientinfo"]
    assert [(one["role"], one["url"]) for one in offered] == [("RECEIVER", f"https://ours.example{CLIENT_INFO}")]


@pytest.mark.requirement("HCI-R-04")
async def test_two_hubs_tell_of_the_same_party_each_its_own(server: Server, hub: Caller) -> None:
    other = await a_hub(server, name="other", host="other.example", token="o.o", roles=(("HUB", "DE", "HUB"),))

    await tell(hub)
    await tell(other, status="PLANNED")

    assert [(await one.get(URL)).data["status"] for one in (hub, other)] == ["CONNECTED", "PLANNED"]


@pytest.mark.requirement("HCI-R-10", "HCI-R-01")
async def test_a_party_with_two_roles_has_two_records(server: Server, hub: Caller) -> None:
    await tell(hub, role="CPO")
    await tell(hub, role="EMSP", last_updated="2026-03-01T13:00:00Z")

    await tell(hub, role="CPO", status="OFFLINE", last_updated="2026-03-01T14:00:00Z")

    found = [(one["role"], one["status"]) for one in await parties(server)]
    assert found == [("CPO", "OFFLINE"), ("EMSP", "CONNECTED")]
    assert (await hub.get(URL)).data["role"] == "CPO"


@pytest.mark.requirement("HCI-R-11")
async def test_without_last_updated_the_time_of_receipt_counts(server: Server, hub: Caller) -> None:
    told = {name: value for name, value in a_client_info(EVC).items() if name != "last_updated"}

    await hub.put(URL, told)

    assert (await hub.get(URL)).data["last_updated"] > NOON


@pytest.mark.requirement("HCI-R-06", "OWN-06", "HUB-17")
async def test_objects_of_a_party_are_taken_as_soon_as_it_is_known(server: Server, hub: Caller) -> None:
    speaking = hub.speaking(("SE", "EVC"), ("NL", "OWM"), "emsp")
    url, location = "/locations/SE/EVC/LOC1", a_location(EVC)
    before = await speaking.put(url, location)

    await tell(hub, role="CPO")
    after = await speaking.put(url, location)

    assert (before.http_status, before.status_code, after.http_status) == (403, 2001, 201)
    assert (await speaking.get(url)).data == location


@pytest.mark.requirement("HCI-R-06", "OPS-05")
async def test_a_party_that_is_back_is_asked_for_what_changed_while_it_was_away(server: Server, hub: Caller) -> None:
    PagedList(hub.partner, [a_client_info(EVC, "CPO")], module="hubclientinfo")
    listed = PagedList(hub.partner, [a_location(EVC)])
    await server.app.pulling.pull_due()
    await tell(hub, role="CPO", status="OFFLINE")
    await _an_hour_passes(server)
    await server.app.pulling.pull_due()
    seen = len(listed.asked)

    await tell(hub, role="CPO")
    (plan,) = await server.rows(
        """SELECT next_at <= now() + interval '1 minute' AS soon, good_until < now() - interval '55 minutes' AS reaches_back
             FROM pulls WHERE module = 'locations'"""
    )
    tokens = await server.rows(
        "SELECT next_at > now() + interval '2 minutes' AS later FROM pulls WHERE module = 'tokens'"
    )

    assert seen == 1
    assert plan == {"soon": True, "reaches_back": True}
    assert tokens == [{"later": True}]


@pytest.mark.requirement("HCI-S-01", "HCI-R-06", "HUB-16")
async def test_a_party_that_the_list_shows_for_the_first_time_is_asked_for_everything(
    server: Server, hub: Caller
) -> None:
    listed = PagedList(hub.partner, [a_client_info(ABC, "CPO")], module="hubclientinfo")
    await server.app.pulling.pull_due()
    listed.objects.append(a_client_info(EVC, "CPO"))
    (shown,) = await server.rows("SELECT partner_id FROM pulls WHERE module = 'hubclientinfo'")

    await server.operator.post(
        f"/api/partners/{shown['partner_id']}/pull", json={"module": "hubclientinfo", "full": True}
    )
    await server.app.pulling.pull_due()

    assert [one["party_id"] for one in await parties(server)] == ["ABC", "EVC"]
    (plan,) = await server.rows(
        "SELECT good_until, next_at < now() + interval '2 minutes' AS soon FROM pulls WHERE module = 'locations'"
    )
    assert plan == {"good_until": None, "soon": True}


async def _an_hour_passes(server: Server) -> None:
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE partner_parties SET away_since = away_since - interval '1 hour'"))


@pytest.mark.requirement("HCI-R-08")
async def test_a_planned_party_is_told_to_the_operator_once(server: Server, hub: Caller) -> None:
    for _ in range(3):
        await tell(hub, status="PLANNED")

    planned = await alert(server)
    events = await server.rows("SELECT data->>'status' AS status FROM events WHERE type = 'party.changed'")
    await tell(hub)

    assert planned == "behind the hub: SE*EVC (EMSP) will be reachable soon (PLANNED): get into contact with it"
    assert [one["status"] for one in events] == ["PLANNED"]
    assert await alert(server) is None


@pytest.mark.requirement("HCI-R-08")
async def test_an_alert_about_the_connection_itself_is_not_displaced(server: Server, hub: Caller) -> None:
    async with server.app.building.database.write() as tx:
        await repository.alert(tx, 1, "the partner does not accept our credentials token")

    await tell(hub, status="PLANNED")

    assert await alert(server) == "the partner does not accept our credentials token"


@pytest.mark.requirement("HCI-R-06", "HUB-29")
async def test_the_operator_sees_who_is_behind_a_hub(server: Server, hub: Caller) -> None:
    await tell(hub, status="OFFLINE")
    (shown,) = (await server.operator.get("/api/partners")).json()

    one = (await server.operator.get(f"/api/partners/{shown['id']}")).json()

    roles = [(role["role"], role["party_id"], role["status"], role["behind_hub"]) for role in one["roles"]]
    assert roles == [("HUB", HUB[1], "CONNECTED", False), ("EMSP", "EVC", "OFFLINE", True)]


@pytest.mark.requirement("HCI-R-14", "OWN-06")
@pytest.mark.parametrize("owner", [PartyId("NL", "TNM"), PartyId("NL", "OWA")], ids=["direct", "ours"])
async def test_a_hub_does_not_speak_for_direct_parties_nor_for_ours(
    server: Server, hub: Caller, owner: PartyId
) -> None:
    await server.connect(server.internet.add(FakePartner()))
    await tell(hub, owner, "CPO")
    speaking = hub.speaking(HUB, ("NL", "OWM"), "emsp")

    answer = await speaking.put(f"/locations/{owner.country_code}/{owner.party_id}/LOC1", a_location(owner))

    assert (answer.http_status, answer.status_code) == (404, 2001)
    assert await server.rows("SELECT * FROM locations") == []


@pytest.mark.requirement("OWN-06", "HUB-21")
@pytest.mark.parametrize(
    ("quirks", "owner", "allowed"),
    [({"any_party": True}, EVC, True), ({"any_party": True}, PartyId("NL", "TNM"), False),
     ({"any_party": True, "over_direct": True}, PartyId("NL", "TNM"), True)],
    ids=["unknown party", "direct party", "direct party, configured"],
)  # fmt: skip
async def test_a_hub_without_this_module_may_be_trusted_by_configuration(
    server: Server, quirks: dict[str, bool], owner: PartyId, allowed: bool
) -> None:
    hub = await a_hub(server)
    await server.connect(server.internet.add(FakePartner()))
    await server.operator.patch("/api/partners/1", json={"quirks": quirks})
    speaking = hub.speaking((owner.country_code, owner.party_id), ("NL", "OWM"), "emsp")

    answer = await speaking.put(f"/locations/{owner.country_code}/{owner.party_id}/LOC1", a_location(owner))

    assert answer.http_status == (201 if allowed else 404)


@pytest.mark.requirement("CRE-32", "OWN-05", "HCI-R-04")
async def test_a_platform_that_is_no_hub_any_more_speaks_for_itself_alone(server: Server, hub: Caller) -> None:
    await tell(hub, role="CPO")
    await tell(hub)
    hub.partner.roles = (("CPO", "NL", "HUB"),)

    hub.token = (await hub.put("/ocpi/2.2.1/credentials", hub.partner.credentials())).data["token"]
    hub.partner.asked.clear()
    await publish(server)
    await server.push()

    cpo = hub.speaking(("SE", "EVC"), ("NL", "OWM"), "emsp")
    assert (await cpo.put("/locations/SE/EVC/LOC1", a_location(EVC))).http_status in (403, 404)
    assert [one.method for one in hub.partner.asked if one.method != "GET"] == []
    (shown,) = (await server.operator.get("/api/partners")).json()
    assert [(one["role"], one["party_id"]) for one in shown["roles"]] == [("CPO", "HUB")]


@pytest.mark.requirement("HCI-R-02", "HCI-S-01")
async def test_a_hub_that_tells_of_a_party_while_its_list_is_fetched_is_taken_at_both_words(
    server: Server, hub: Caller
) -> None:
    told: list[asyncio.Task[Answer]] = []

    @dataclass(frozen=True, slots=True)
    class Telling(PulledParties):
        """While the page with a party is kept, the hub tells of it, and waits for the list to be free."""

        async def absorb(
            self, tx: WriteTx, found: Sequence[Found], *, since: int, any_age: bool = False
        ) -> Sequence[Refused]:
            told.append(asyncio.create_task(tell(hub, status="OFFLINE", last_updated=LATER)))
            while not await tx.value(Statement("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")):
                await asyncio.sleep(0.01)
            return await PulledParties.absorb(self, tx, found, since=since, any_age=any_age)

    PagedList(hub.partner, [a_client_info(EVC, "EMSP")], module="hubclientinfo")
    pulled = {**server.app.pulling.pulled}
    pulled[ModuleId.HUB_CLIENT_INFO] = Telling(ClientInfo, None, PULLED.name)
    server.app.pulling.pulled = pulled

    await server.operator.post("/api/partners/1/pull", json={"module": "hubclientinfo", "full": True})
    await server.app.pulling.pull_due()

    await asyncio.gather(*told)
    assert len(told) == 1
    assert [one["status"] for one in await parties(server)] == ["OFFLINE"]
    assert await server.rows("SELECT error FROM pulls WHERE module = 'hubclientinfo' AND error IS NOT NULL") == []
