"""Partners read our Tariffs."""

import pytest
from tests.objects import a_tariff
from tests.partner import Answer, Caller, FakePartner
from tests.server import Server

from ocpi_party.modules.tariffs.expiry import withdraw_expired
from ocpi_party.ocpi.types import PartyId

OWA = PartyId("NL", "OWA")


@pytest.fixture
async def msp(server: Server) -> Caller:
    """The eMSP DE/TNM, calling our CPO."""
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")


async def publish(server: Server, tariff_id: str, *, audience: str | None = None, **changes: object) -> None:
    answer = await server.operator.put(
        f"/api/tariffs/NL/OWA/{tariff_id}",
        json=a_tariff(OWA, id=tariff_id, **changes),
        params={"audience": audience} if audience else None,
    )
    assert answer.status_code in (200, 201), answer.text


def ids(answer: Answer) -> list[str]:
    return [tariff["id"] for tariff in answer.data]


@pytest.mark.requirement("TAR-S-01", "PAG-01")
async def test_the_list_holds_what_is_valid_now_or_will_be(server: Server, msp: Caller) -> None:
    await publish(server, "always")
    await publish(server, "future", start_date_time="2099-01-01T00:00:00Z")
    await publish(server, "ends", end_date_time="2099-01-01T00:00:00Z")
    await publish(server, "over", end_date_time="2020-01-01T00:00:00.500Z")
    await publish(server, "deleted")
    await server.operator.delete("/api/tariffs/NL/OWA/deleted")

    async with server.app.building.database.write() as tx:
        await withdraw_expired(tx)
    answer = await msp.get("/tariffs")

    assert (answer.http_status, answer.status_code) == (200, 1000)
    assert ids(answer) == ["always", "future", "ends"]
    assert answer.headers["x-total-count"] == "3"
    assert answer.data[0] == a_tariff(OWA, id="always")


@pytest.mark.requirement("TAR-S-01", "PAG-04", "PAG-07")
async def test_pages_and_windows_count_only_what_is_listed(server: Server, msp: Caller) -> None:
    for day in range(1, 5):
        over = {"end_date_time": "2020-01-01T00:00:00Z"} if day == 2 else {}
        await publish(server, f"T{day}", last_updated=f"2026-03-0{day}T12:00:00Z", **over)

    async with server.app.building.database.write() as tx:
        await withdraw_expired(tx)
    first = await msp.get("/tariffs", params={"limit": "2"})
    rest = await msp.get(first.headers["link"].partition(">")[0][1:])
    window = await msp.get("/tariffs", params={"date_from": "2026-03-01T12:00:00Z", "date_to": "2026-03-04T12:00:00Z"})
    edge = await msp.get("/tariffs", params={"date_from": "2026-03-02T06:00:00Z", "date_to": "2026-03-02T18:00:00Z"})

    assert (ids(first), ids(rest)) == (["T1", "T3"], ["T4"])
    assert (first.headers["x-total-count"], rest.headers["x-total-count"]) == ("3", "3")
    assert (ids(window), window.headers["x-total-count"]) == (["T1", "T3"], "2")
    assert (ids(edge), edge.headers["x-total-count"]) == ([], "0")


@pytest.mark.requirement("TAR-S-02", "OWN-07")
async def test_there_is_only_the_list(server: Server, msp: Caller) -> None:
    await publish(server, "12")

    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await msp.request(method, "/tariffs", a_tariff(OWA))
        assert (answer.http_status, answer.status_code, answer.headers["allow"]) == (405, 2000, "GET, HEAD"), method
    assert (await msp.get("/tariffs/12")).http_status == 404
    assert ids(await msp.get("/tariffs")) == ["12"]


@pytest.mark.requirement("TAR-S-04")
async def test_a_tariff_for_one_party_is_shown_to_nobody_else(server: Server, msp: Caller) -> None:
    other = server.internet.add(FakePartner("abc", "abc.example", "token-of-abc", roles=(("EMSP", "DE", "ABC"),)))
    abc = (await server.connect(other)).speaking(("DE", "ABC"), ("NL", "OWA"), "cpo")
    await publish(server, "everybody")
    await publish(server, "special", audience="DE*ABC")
    await publish(server, "secret", audience="-")

    assert ids(await msp.get("/tariffs")) == ["everybody"]
    assert ids(await abc.get("/tariffs")) == ["everybody", "special"]
