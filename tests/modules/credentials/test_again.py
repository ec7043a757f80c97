"""A platform that registers again after an end goes on with what it told us: each object stays one. OCPI 2.2.1, Credentials."""

from typing import Any

import pytest
from tests.behind import EVC, a_hub, tell
from tests.modules.cdrs.test_receiver import ours
from tests.modules.credentials.conftest import CREDENTIALS
from tests.objects import LATER, NOON, a_location, a_session, a_tariff, a_token
from tests.partner import Caller, FakePartner, envelope
from tests.pull.lists import PagedList
from tests.server import Server

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import PartyId

TNM = PartyId("DE", "TNM")


def as_cpo(caller: Caller) -> Caller:
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


def as_emsp(caller: Caller) -> Caller:
    return caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")


async def tell_all(caller: Caller, at: str = NOON) -> None:
    """The platform tells one object of each kind, and two CDRs."""
    cpo, emsp = as_cpo(caller), as_emsp(caller)
    told = [
        await cpo.put("/locations/NL/TNM/LOC1", a_location(last_updated=at)),
        await cpo.put("/tariffs/NL/TNM/T1", a_tariff(id="T1", last_updated=at)),
        await cpo.put("/sessions/NL/TNM/S1", a_session(id="S1", last_updated=at)),
        await cpo.post("/cdrs", ours(id="C1")),
        await cpo.post("/cdrs", ours(id="C2")),
        await emsp.put("/tokens/DE/TNM/012345678", a_token(TNM, last_updated=at)),
    ]
    assert {answer.status_code for answer in told} == {1000}, told


async def leave(server: Server, caller: Caller, by: str) -> None:
    if by == "us":
        (partner,) = await server.rows("SELECT id FROM partners WHERE status = 'CONNECTED' AND name = :name",
                                       name=caller.partner.name)  # fmt: skip
        assert (await server.operator.delete(f"/api/partners/{partner['id']}")).status_code == 200
    else:
        assert (await caller.delete(CREDENTIALS)).status_code == 1000


async def listed(server: Server, module: str, **only: Any) -> tuple[list[Any], str]:
    """What the operator sees of the partners' objects, and how many he is told there are."""
    answer = await server.operator.get(f"/api/{module}", params={"own": "false"} | only)
    return answer.json(), answer.headers["x-total-count"]


async def told(server: Server) -> list[tuple[str, str]]:
    rows = await server.rows(
        "SELECT type, subject FROM events WHERE type LIKE 'cdr.%' OR type LIKE 'object.%' ORDER BY seq"
    )
    return [(row["type"], row["subject"]) for row in rows]


@pytest.mark.parametrize("by", ["us", "them"])
async def test_each_object_stays_one(server: Server, registered: Caller, tnm: FakePartner, by: str) -> None:
    await tell_all(registered)
    await leave(server, registered, by)
    again = await server.connect(tnm)
    before = await told(server)

    await tell_all(again, LATER)

    for module, count in {"locations": 1, "tariffs": 1, "sessions": 1, "tokens": 1, "cdrs": 2}.items():
        found, total = await listed(server, module)
        assert (len(found), total) == (count, str(count)), module
        assert (await listed(server, module, partner="2"))[1] == str(count), module
    assert (await server.operator.get("/api/locations/NL/TNM/LOC1")).json()["last_updated"] == LATER
    news = (await told(server))[len(before) :]
    assert {kind for kind, _ in news} == {"object.changed"}


async def test_what_a_list_shows_again_is_no_news(server: Server, registered: Caller, tnm: FakePartner) -> None:
    cdrs, locations = [ours(id="C1"), ours(id="C2")], [a_location()]
    PagedList(tnm, cdrs, module="cdrs", most=10)
    PagedList(tnm, locations, most=10)
    await server.app.pulling.pull_due()
    await leave(server, registered, "us")
    before = await told(server)
    await server.connect(tnm)

    await server.app.pulling.pull_due()

    assert [kind for kind, _ in before] == ["object.received", "cdr.received", "cdr.received"]
    assert await told(server) == before
    assert [cdr["id"] for cdr in (await listed(server, "cdrs"))[0]] == ["C1", "C2"]


async def test_the_platform_has_what_it_told_before(server: Server, registered: Caller, tnm: FakePartner) -> None:
    await tell_all(registered)
    await leave(server, registered, "them")

    again = as_cpo(await server.connect(tnm))

    assert (await again.get("/cdrs/NL/TNM/C1")).data["id"] == "C1"
    patched = await again.patch("/locations/NL/TNM/LOC1", {"name": "New", "last_updated": LATER})
    assert patched.status_code == 1000
    assert (await server.operator.get("/api/locations/NL/TNM/LOC1")).json()["name"] == "New"


async def test_it_goes_on_when_we_are_the_one_who_calls(server: Server, registered: Caller, tnm: FakePartner) -> None:
    await tell_all(registered)
    await leave(server, registered, "us")
    tnm.on("POST", "/credentials", lambda _request: envelope(tnm.credentials()))

    body = {"name": "tnm", "versions_url": f"{tnm.base}/versions", "credentials_token": "token-a"}
    done = await server.operator.post("/api/partners", json=body)

    assert done.status_code == 201, done.text
    for module in ("locations", "tariffs", "sessions", "tokens", "cdrs"):
        assert {row["partner_id"] for row in await server.rows(f"SELECT partner_id FROM {module}")} == {2}, module


async def test_of_several_ended_connections_the_newest_state_stays(
    server: Server, registered: Caller, tnm: FakePartner
) -> None:
    await tell_all(registered, LATER)
    # As it was left before platforms went on with what they had: an older state, under a connection that ended later.
    async with server.app.building.database.write() as tx:
        for table, stamp in (("locations", ", stamp"), ("tokens", ""), ("cdrs", "")):
            columns = f"addressee, owner, key, last_updated, document{stamp}"
            early = columns.replace("last_updated", "last_updated - interval '1 day'")
            await tx.run(Statement(f"INSERT INTO {table} (partner_id, {columns}) SELECT 2, {early} FROM {table}"))
    await leave(server, registered, "us")
    second = await server.connect(tnm)
    await leave(server, second, "us")

    await server.connect(tnm)

    for table, count in {"locations": 1, "tokens": 1, "cdrs": 2}.items():
        rows = await server.rows(f"SELECT partner_id, last_updated::text AS at FROM {table}")
        assert [row["partner_id"] for row in rows] == [3] * count, table
    assert (await server.operator.get("/api/locations/NL/TNM/LOC1")).json()["last_updated"] == LATER


async def test_a_platform_that_only_has_the_name_gets_nothing(server: Server, registered: Caller) -> None:
    await tell_all(registered)
    await leave(server, registered, "us")
    other = FakePartner(host="other.example", token="token-b.of-other", roles=(("CPO", "NL", "XXX"),))

    await server.connect(server.internet.add(other))

    assert {row["partner_id"] for row in await server.rows("SELECT partner_id FROM locations")} == {1}


@pytest.mark.parametrize(
    ("roles", "goes_on"),
    [
        ((("cpo", "nl", "tnm"),), ["NL*TNM"]),
        ((("EMSP", "DE", "TNM"),), ["DE*TNM"]),
        ((("EMSP", "NL", "TNM"),), []),
        ((("CPO", "NL", "XXX"),), []),
    ],
)
async def test_a_party_goes_on_in_the_role_that_it_had(
    server: Server, registered: Caller, roles: tuple[tuple[str, str, str], ...], goes_on: list[str]
) -> None:
    await tell_all(registered)
    await leave(server, registered, "them")
    other = FakePartner(name="other", host="other.example", token="token-b.of-other", roles=roles)

    await server.connect(server.internet.add(other))

    owners = "SELECT owner FROM locations WHERE partner_id = 2 UNION SELECT owner FROM tokens WHERE partner_id = 2"
    rows = await server.rows(owners)
    assert [row["owner"] for row in rows] == goes_on


async def test_a_connection_that_lives_loses_nothing(server: Server, registered: Caller) -> None:
    await tell_all(registered)
    roles = (("EMSP", "NL", "TNM"), ("CPO", "DE", "TNM"))  # The same parties, in other roles.
    other = FakePartner(name="other", host="other.example", token="token-b.of-other", roles=roles)

    await server.connect(server.internet.add(other))

    for table in ("locations", "tokens", "cdrs"):
        assert {row["partner_id"] for row in await server.rows(f"SELECT partner_id FROM {table}")} == {1}


async def test_a_hub_goes_on_with_what_those_behind_it_told(server: Server) -> None:
    hub = await a_hub(server)
    await tell(hub, EVC, "CPO")
    url = "/locations/SE/EVC/LOC1"
    assert (await hub.speaking(("SE", "EVC"), ("NL", "OWM"), "emsp").put(url, a_location(EVC))).status_code == 1000
    await leave(server, hub, "them")

    again = await a_hub(server)
    await tell(again, EVC, "CPO")
    told_again = await again.speaking(("SE", "EVC"), ("NL", "OWM"), "emsp").put(
        url, a_location(EVC, last_updated=LATER)
    )

    assert told_again.http_status == 200  # It is not new.
    assert (await listed(server, "locations"))[1] == "1"


async def test_a_platform_of_two_roles_is_followed_by_one_for_each(server: Server) -> None:
    both = FakePartner(roles=(("CPO", "NL", "TNM"), ("EMSP", "NL", "TNM")))
    caller = await server.connect(server.internet.add(both))
    await caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp").put("/locations/NL/TNM/LOC1", a_location())
    token = a_token(PartyId("NL", "TNM"))
    await caller.speaking(("NL", "TNM"), ("NL", "OWA"), "cpo").put("/tokens/NL/TNM/012345678", token)
    await leave(server, caller, "them")

    for number, role in enumerate(("EMSP", "CPO")):
        follower = FakePartner(name=role, host=f"{role}.example".lower(), token=f"token-b.{number}")
        follower.roles = ((role, "NL", "TNM"),)
        await server.connect(server.internet.add(follower))

    told = {table: await server.rows(f"SELECT partner_id FROM {table}") for table in ("tokens", "locations")}
    assert told == {"tokens": [{"partner_id": 2}], "locations": [{"partner_id": 3}]}


async def test_a_party_in_a_role_that_nobody_knows_goes_on_too(server: Server) -> None:
    odd = FakePartner(roles=(("ROAMER", "NL", "TNM"),))
    caller = await server.connect(server.internet.add(odd))
    await as_cpo(caller).put("/locations/NL/TNM/LOC1", a_location())
    await leave(server, caller, "them")

    await server.connect(odd)

    assert await server.rows("SELECT partner_id FROM locations") == [{"partner_id": 2}]


@pytest.mark.requirement("PAG-19")
async def test_what_the_list_shows_no_more_is_noted(server: Server, registered: Caller, tnm: FakePartner) -> None:
    await tell_all(registered)
    await leave(server, registered, "them")
    PagedList(tnm, [a_location(id="LOC2")], most=10)
    await server.connect(tnm)

    await server.app.pulling.pull_due()

    noted = "SELECT ref, rule FROM findings WHERE partner_id = 2 AND module = 'locations'"
    assert await server.rows(noted) == [{"ref": "NL*TNM/LOC1", "rule": "is not in the partner's full list"}]
    assert (await listed(server, "locations"))[1] == "2"


async def test_what_the_driver_prefers_stays_with_the_session(
    server: Server, registered: Caller, tnm: FakePartner
) -> None:
    await tell_all(registered)
    preferred = (
        "INSERT INTO charging_preferences (session_seq, document, result) SELECT seq, '{}', 'ACCEPTED' FROM sessions"
    )
    async with server.app.building.database.write() as tx:
        await tx.run(Statement(preferred))
    await leave(server, registered, "us")

    await server.connect(tnm)

    url = "/api/sessions/NL/TNM/S1/charging_preferences"
    seen = [(await server.operator.get(url, params={"partner": number})).status_code for number in ("1", "2")]
    assert seen == [404, 200]
