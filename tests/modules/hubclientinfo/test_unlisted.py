"""Parties that a hub leaves out of its whole list. OCPI 2.2.1, HubClientInfo, "Pull model"."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.behind import ABC, CLIENT_INFO, EVC, a_hub, sent, tell
from tests.objects import a_cdr, a_cdr_token, a_client_info
from tests.own import publish
from tests.partner import Caller, envelope
from tests.pull.lists import PagedList
from tests.server import Server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import JsonObject, PartyId

OWA = PartyId("NL", "OWA")
_PULL = "SELECT next_at - finished_at AS pause, wanted_full FROM pulls WHERE module = 'hubclientinfo'"


@pytest.fixture
async def hub(server: Server) -> Caller:
    return await a_hub(server)


@pytest.fixture
async def listed(server: Server, hub: Caller) -> PagedList:
    """The hub's list, fetched once: SE/EVC and DE/ABC, both eMSPs."""
    pages = PagedList(hub.partner, [a_client_info(EVC, "EMSP"), a_client_info(ABC, "EMSP")], module="hubclientinfo")
    await server.app.pulling.pull_due()
    return pages


async def crawl(server: Server, *, full: bool = True) -> None:
    answer = await server.operator.post("/api/partners/1/pull", json={"module": "hubclientinfo", "full": full})
    assert answer.status_code == 202, answer.text
    await server.app.pulling.pull_due()


async def statuses(server: Server) -> dict[str, str]:
    rows = await server.rows("SELECT party_id, status FROM partner_parties WHERE source = 'hub'")
    return {row["party_id"]: row["status"] for row in rows}


async def findings(server: Server) -> list[tuple[str, int]]:
    rows = await server.rows("SELECT ref, times FROM findings WHERE module = 'hubclientinfo' ORDER BY ref")
    return [(row["ref"], row["times"]) for row in rows]


async def events(server: Server) -> list[JsonObject]:
    rows = (await server.operator.get("/api/events?type=party.changed")).json()
    return [row["data"] for row in rows]


async def alert(server: Server) -> Any:
    return (await server.rows("SELECT alert FROM partners"))[0]["alert"]


@pytest.mark.requirement("PAG-19", "HCI-S-01")
async def test_one_whole_list_without_a_party_is_a_finding_and_is_asked_for_again(
    server: Server, listed: PagedList
) -> None:
    del listed.objects[0]

    await crawl(server)

    assert await findings(server) == [("SE*EVC/EMSP", 1)]
    assert await statuses(server) == {"EVC": "CONNECTED", "ABC": "CONNECTED"}
    (plan,) = await server.rows(_PULL)
    assert plan["wanted_full"]
    assert timedelta() < plan["pause"] <= timedelta(minutes=1)


@pytest.mark.requirement("PAG-19", "TYP-19")
async def test_who_is_listed_in_a_role_that_we_do_not_know_is_listed(server: Server, listed: PagedList) -> None:
    listed.objects.append(a_client_info(PartyId("FR", "XYZ"), "Wholesaler"))

    for _ in range(3):
        await crawl(server)

    assert await statuses(server) == {"EVC": "CONNECTED", "ABC": "CONNECTED", "XYZ": "CONNECTED"}
    assert [ref for ref, _ in await findings(server)] == ["FR*XYZ/WHOLESALER"]


@pytest.mark.requirement("PAG-19", "HCI-S-01", "HUB-29")
async def test_a_party_that_two_whole_lists_leave_out_is_told_nothing_any_more(
    server: Server, hub: Caller, listed: PagedList
) -> None:
    before = await events(server)
    del listed.objects[0]

    await crawl(server)
    await crawl(server)
    hub.partner.asked.clear()
    await publish(server)
    await server.push()

    assert await statuses(server) == {"EVC": "OFFLINE", "ABC": "CONNECTED"}
    assert {party for _, _, party in sent(hub.partner)} == {"ABC"}
    (event,) = [one for one in await events(server) if one not in before]
    assert (event["party_id"], event["status"], event["listed"]) == ("EVC", "OFFLINE", False)
    assert (await alert(server)).startswith("behind the hub: SE*EVC (EMSP) is not in the hub's full list")


@pytest.mark.requirement("HCI-R-01", "HCI-R-03")
async def test_a_party_that_is_not_listed_is_not_deleted(server: Server, hub: Caller, listed: PagedList) -> None:
    listed.objects.clear()

    await crawl(server)
    await crawl(server)

    assert (await hub.get(f"{CLIENT_INFO}/SE/EVC")).data == a_client_info(EVC, "EMSP")
    assert await statuses(server) == {"EVC": "OFFLINE", "ABC": "OFFLINE"}


@pytest.mark.requirement("HCI-R-06")
@pytest.mark.parametrize("how", ["listed", "told"])
async def test_a_party_that_is_there_again_is_told_what_it_missed(
    server: Server, hub: Caller, listed: PagedList, how: str
) -> None:
    del listed.objects[0]
    await crawl(server)
    await crawl(server)
    await server.operator.put("/api/cdrs/NL/OWA/CDR1", json=a_cdr(OWA, cdr_token=a_cdr_token(EVC)))
    await server.push()
    hub.partner.asked.clear()

    if how == "told":
        await tell(hub)
    else:
        listed.objects.append(a_client_info(EVC, "EMSP"))
        await crawl(server)
    hub.partner.asked.clear()
    await server.push()

    assert sent(hub.partner) == [("POST", "/receiver/cdrs", "EVC")]
    assert await statuses(server) == {"EVC": "CONNECTED", "ABC": "CONNECTED"}
    assert await alert(server) is None


@pytest.mark.requirement("PAG-19")
async def test_while_a_party_is_missing_whole_lists_are_fetched_but_not_sooner(
    server: Server, listed: PagedList
) -> None:
    listed.objects.pop(0)
    await crawl(server)
    await crawl(server)
    (missing,) = await server.rows(_PULL)
    listed.objects.append(a_client_info(EVC, "EMSP"))

    await crawl(server, full=False)

    assert missing["wanted_full"]
    assert missing["pause"] is None or missing["pause"] > timedelta(minutes=1)
    assert await statuses(server) == {"EVC": "CONNECTED", "ABC": "CONNECTED"}
    (plan,) = await server.rows(_PULL)
    assert not plan["wanted_full"]


@pytest.mark.requirement("PAG-19")
async def test_being_listed_in_between_counts(server: Server, listed: PagedList) -> None:
    evc = listed.objects.pop(0)
    await crawl(server)
    listed.objects.append(evc)
    await crawl(server)
    listed.objects.remove(evc)

    await crawl(server)

    assert await statuses(server) == {"EVC": "CONNECTED", "ABC": "CONNECTED"}
    assert await findings(server) == [("SE*EVC/EMSP", 2)]


@pytest.mark.requirement("PAG-19")
async def test_a_list_of_changes_or_one_that_ends_early_says_nothing_of_others(
    server: Server, listed: PagedList
) -> None:
    listed.objects.clear()
    listed.total = 2

    for full in (True, True, False, False):
        await crawl(server, full=full)

    assert await statuses(server) == {"EVC": "CONNECTED", "ABC": "CONNECTED"}
    assert [ref for ref, _ in await findings(server)] == ["NL*HUB/"]


@pytest.mark.requirement("PAG-19", "HCI-R-02")
async def test_a_party_that_the_hub_tells_of_while_we_fetch_its_list_is_not_missed(
    server: Server, hub: Caller, listed: PagedList
) -> None:
    async def meanwhile(request: httpx.Request) -> httpx.Response:
        await tell(hub)
        return envelope([a_client_info(ABC, "EMSP")], headers={"x-total-count": "1"})

    hub.partner.on("GET", "/sender/hubclientinfo", meanwhile)

    await crawl(server)
    await crawl(server)

    assert await findings(server) == []
    assert await statuses(server) == {"EVC": "CONNECTED", "ABC": "CONNECTED"}


@pytest.mark.requirement("HCI-R-03", "HCI-R-07", "HCI-R-08")
@pytest.mark.parametrize(("status", "found"), [("OFFLINE", True), ("PLANNED", True), ("SUSPENDED", False)])
async def test_what_the_hub_said_of_a_party_before_stays(
    server: Server, hub: Caller, listed: PagedList, status: str, *, found: bool
) -> None:
    await tell(hub, status=status)
    del listed.objects[0]

    await crawl(server)
    await crawl(server)

    assert (await statuses(server))["EVC"] == status
    assert bool(await findings(server)) is found


async def test_parties_of_the_hubs_own_credentials_are_not_in_its_list(server: Server, listed: PagedList) -> None:
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("DELETE FROM partner_parties WHERE source = 'hub'"))
    listed.objects.clear()

    await crawl(server)
    await crawl(server)

    assert await findings(server) == []
    rows = await server.rows("SELECT party_id, status FROM partner_parties")
    assert [(row["party_id"], row["status"]) for row in rows] == [("HUB", "CONNECTED")]
