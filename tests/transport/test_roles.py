"""Which objects a party has follows from its roles. OCPI 2.2.1, Introduction, "Typical OCPI implementations per Role"."""

import pytest
from tests.behind import EVC, HUB, a_hub, tell
from tests.objects import CPO as TNM
from tests.objects import a_cdr, a_cdr_token, a_location, a_session, a_tariff, a_token
from tests.own import publish
from tests.partner import Caller, FakePartner
from tests.pull.lists import PagedList
from tests.server import Server

from ocpi_party.ocpi.types import JsonObject, PartyId

OWM = PartyId("NL", "OWM")
OF_CPO: dict[str, JsonObject] = {
    "locations": a_location(),
    "tariffs": a_tariff(),
    "sessions": a_session(cdr_token=a_cdr_token(OWM)),
}
FINDINGS = "SELECT module, ref, pointer, rule FROM findings"


async def _connect(server: Server, *roles: str) -> Caller:
    """A platform of which NL/TNM has these roles, and DE/XXX is both CPO and eMSP."""
    others = (("CPO", "DE", "XXX"), ("EMSP", "DE", "XXX"))
    return await server.connect(
        server.internet.add(FakePartner(roles=(*((role, "NL", "TNM") for role in roles), *others)))
    )


def _as_cpo(caller: Caller) -> Caller:
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


def _as_emsp(caller: Caller) -> Caller:
    return caller.speaking(("NL", "TNM"), ("NL", "OWA"), "cpo")


def _url(module: str, body: JsonObject) -> str:
    return f"/{module}/{body['country_code']}/{body['party_id']}/{body.get('id') or body['uid']}"


@pytest.mark.requirement("OWN-05")
async def test_a_token_of_a_cpo_alone_is_taken_and_noted(server: Server) -> None:
    caller = _as_emsp(await _connect(server, "CPO"))

    answer = await caller.put(_url("tokens", a_token(TNM)), a_token(TNM))

    assert answer.http_status == 201
    (found,) = await server.rows(FINDINGS)
    assert (found["module"], found["rule"]) == ("tokens", "is a party that has no tokens: its role is CPO")


@pytest.mark.requirement("OWN-05")
async def test_a_party_with_both_roles_has_both(server: Server) -> None:
    caller = await _connect(server, "EMSP", "CPO")

    for module, body in OF_CPO.items():
        assert (await _as_cpo(caller).put(_url(module, body), body)).http_status == 201
    assert (await _as_emsp(caller).put(_url("tokens", a_token(TNM)), a_token(TNM))).http_status == 201
    assert await server.rows(FINDINGS) == []


@pytest.mark.requirement("OWN-05")
@pytest.mark.parametrize("roles", [("EMSP",), ("NSP",), ("OTHER",), ("SCSP",), ("EMSP", "OTHER")])
async def test_what_is_not_usual_for_a_role_is_taken_and_noted(server: Server, roles: tuple[str, ...]) -> None:
    caller = _as_cpo(await _connect(server, *roles))
    bodies = OF_CPO | {"cdrs": a_cdr(cdr_token=a_cdr_token(OWM))}

    for module, body in OF_CPO.items():
        assert (await caller.put(_url(module, body), body)).http_status == 201
    assert (await caller.post("/cdrs", bodies["cdrs"])).http_status == 201

    found = {
        (row["module"], row["ref"], row["rule"]) for row in await server.rows(FINDINGS) if row["pointer"] == "/party_id"
    }
    named = ", ".join(sorted(roles))
    assert found == {
        (module, f"NL*TNM/{body['id']}", f"is a party that has no {module}: its role is {named}")
        for module, body in bodies.items()
    }


@pytest.mark.requirement("TYP-19", "OWN-05")
async def test_roles_that_we_do_not_know_are_nobodys_rights(server: Server) -> None:
    partner = FakePartner(roles=(("WHOLESALER", "NL", "TNM"), ("AGGREGATOR", "NL", "TNM")))
    caller = _as_cpo(await server.connect(server.internet.add(partner)))
    partner.asked.clear()

    await publish(server)
    await server.push()
    await server.app.pulling.pull_due()
    taken = await caller.put("/locations/NL/TNM/LOC1", a_location())

    assert partner.asked == []
    assert taken.http_status == 201
    (found,) = [one for one in await server.rows(FINDINGS) if one["module"] == "locations"]
    assert found["rule"] == "is a party that has no locations: its role is OTHER"


@pytest.mark.requirement("OWN-05")
async def test_a_national_access_point_passes_on_locations_and_tariffs(server: Server) -> None:
    caller = _as_cpo(await _connect(server, "NAP"))

    for module, body in OF_CPO.items():
        assert (await caller.put(_url(module, body), body)).http_status == 201

    assert [row["module"] for row in await server.rows(FINDINGS)] == ["sessions"]


@pytest.mark.requirement("OWN-06", "OWN-05")
async def test_a_hub_may_have_told_of_one_role_of_two(server: Server) -> None:
    hub = await a_hub(server)
    await tell(hub, EVC, "EMSP")
    body = a_location(EVC)

    answer = await hub.speaking(HUB, ("NL", "OWM"), "emsp").put(_url("locations", body), body)

    assert answer.http_status == 201
    (found,) = await server.rows(FINDINGS)
    assert (found["ref"], found["rule"]) == ("SE*EVC/LOC1", "is a party that has no locations: its role is EMSP")


@pytest.mark.requirement("OWN-21")
async def test_the_same_holds_for_a_list(server: Server) -> None:
    caller = await _connect(server, "EMSP")
    PagedList(caller.partner, [a_location()])

    await server.app.pulling.pull_due()

    assert [row["key"] for row in await server.rows("SELECT key FROM locations")] == ["LOC1"]
    (found,) = await server.rows(FINDINGS)
    assert (found["pointer"], found["rule"]) == ("/party_id", "is a party that has no locations: its role is EMSP")
