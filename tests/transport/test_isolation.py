"""What belongs to one relation is not seen in another: partners, parties behind a hub, and our own parties. AMB-18, AMB-19."""

from dataclasses import dataclass, field

import pytest
from tests.behind import EVC, a_hub, tell
from tests.objects import a_cdr, a_cdr_token, a_location, a_session, a_tariff, a_token
from tests.own import publish
from tests.partner import Answer, Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWA, OWM, OWN, OWB = (PartyId("NL", party_id) for party_id in ("OWA", "OWM", "OWN", "OWB"))
MODULES = ["locations", "tariffs", "sessions", "tokens", "cdrs"]


@dataclass
class Relation:
    """A party that is both CPO and eMSP, the way it speaks to us, and its objects here by module: URLs of our Receiver."""

    party: PartyId
    caller: Caller
    urls: dict[str, str] = field(default_factory=dict)

    def as_cpo(self, ours: PartyId = OWM) -> Caller:
        return self.caller.speaking(self._spelt(self.party), self._spelt(ours), "emsp")

    def as_emsp(self, ours: PartyId = OWA) -> Caller:
        return self.caller.speaking(self._spelt(self.party), self._spelt(ours), "cpo")

    def to(self, module: str) -> Caller:
        return self.as_emsp() if module == "tokens" else self.as_cpo()

    @staticmethod
    def _spelt(party: PartyId) -> tuple[str, str]:
        return party.country_code, party.party_id

    async def fill(self) -> None:
        """Push one object of each module."""
        where = f"{self.party.country_code}/{self.party.party_id}"
        bodies = {
            "locations": a_location(self.party),
            "tariffs": a_tariff(self.party),
            "sessions": a_session(self.party, cdr_token=a_cdr_token(OWM)),
            "tokens": a_token(self.party),
        }
        for module, body in bodies.items():
            self.urls[module] = f"/{module}/{where}/{body.get('id') or body['uid']}"
            assert (await self.to(module).put(self.urls[module], body)).http_status == 201, module
        posted = await self.as_cpo().post("/cdrs", a_cdr(self.party, cdr_token=a_cdr_token(OWM)))
        assert posted.status_code == 1000, posted
        self.urls["cdrs"] = posted.headers["location"]


@pytest.fixture
async def relations(server: Server) -> list[Relation]:
    """Two platforms that are connected directly, and a party behind a hub."""
    found = []
    for name, party in (("tnm", PartyId("NL", "TNM")), ("ccc", PartyId("FR", "CCC"))):
        roles = tuple((role, party.country_code, party.party_id) for role in ("CPO", "EMSP"))
        partner = server.internet.add(FakePartner(name, f"{name}.example", f"token.of-{name}", roles=roles))
        found.append(Relation(party, await server.connect(partner)))
    hub = await a_hub(server)
    for role in ("CPO", "EMSP"):
        await tell(hub, EVC, role)
    found.append(Relation(EVC, hub))
    for relation in found:
        await relation.fill()
    return found


def _nothing(answer: Answer) -> bool:
    return answer.http_status in (403, 404) and "data" not in answer.body


@pytest.mark.requirement("OPS-10", "OWN-05", "OWN-06")
@pytest.mark.parametrize("module", MODULES)
async def test_a_partner_finds_its_own_objects_and_nobody_elses(relations: list[Relation], module: str) -> None:
    seen = {
        (asking.party.party_id, of.party.party_id): await asking.to(module).get(of.urls[module])
        for asking in relations
        for of in relations
    }

    own = {pair for pair in seen if pair[0] == pair[1]}
    assert [seen[pair].http_status for pair in sorted(own)] == [200, 200, 200]
    assert {pair: _nothing(answer) for pair, answer in seen.items() if pair not in own} == dict.fromkeys(
        seen.keys() - own, True
    )


@pytest.mark.requirement("OPS-10", "OWN-05", "OWN-06")
async def test_a_partner_changes_nothing_of_anybody_else(server: Server, relations: list[Relation]) -> None:
    changes = {"last_updated": "2099-01-01T00:00:00Z", "valid": False, "name": "Mine", "kwh": 99}
    for asking in relations:
        for of in relations:
            for module in MODULES[:-1]:
                if asking is not of:
                    way, url = asking.to(module), of.urls[module]
                    answer = await (way.delete(url) if module == "tariffs" else way.patch(url, changes))
                    assert _nothing(answer), (asking.party, of.party, module)

    for module in MODULES:
        rows = await server.rows(f"SELECT last_updated FROM {module}")
        assert {row["last_updated"].year for row in rows} == {2026}, module


@pytest.mark.requirement("OPS-10", "SES-S-04")
async def test_what_is_meant_for_one_party_is_not_listed_to_another(server: Server, relations: list[Relation]) -> None:
    for of in relations:
        name = of.party.party_id
        token = {"cdr_token": a_cdr_token(of.party)}
        for module, body in (
            ("sessions", a_session(OWA, id=f"S{name}", **token)),
            ("cdrs", a_cdr(OWA, id=f"C{name}", **token)),
        ):
            put = await server.operator.put(f"/api/{module}/NL/OWA/{body['id']}", json=body)
            assert put.status_code == 201, put.text

    for asking in relations:
        for module in ("sessions", "cdrs"):
            answer = await asking.as_emsp().get(f"/{module}?date_from=2020-01-01T00:00:00Z")
            assert [one["id"] for one in answer.data] == [f"{module[0].upper()}{asking.party.party_id}"]
            assert answer.headers["x-total-count"] == "1"


@pytest.mark.requirement("OPS-10", "HUB-24")
async def test_a_partner_sees_only_our_parties_that_it_deals_with(server: Server, relations: list[Relation]) -> None:
    await server.add_party("NL", "OWB", "CPO")
    await publish(server, "A1")
    await publish(server, "B1", OWB)
    tnm = relations[0]
    await server.operator.patch("/api/partners/1", json={"parties": ["NL*OWA", "NL*OWM"]})

    other = await tnm.as_emsp(OWB).get("/locations")
    unnamed = await tnm.as_emsp().get("/locations", headers={"ocpi-to-country-code": "", "ocpi-to-party-id": ""})
    one = await tnm.as_emsp().get("/locations/B1")

    assert (other.http_status, other.status_code, one.http_status) == (404, 4001, 404)
    assert [location["id"] for location in unnamed.data] == ["A1"]


@pytest.mark.requirement("OWN-22", "OPS-10")
@pytest.mark.parametrize("module", ["locations", "tariffs", "sessions"])
async def test_each_of_our_emsps_has_its_own_variant_of_an_object(
    server: Server, relations: list[Relation], module: str
) -> None:
    await server.add_party("NL", "OWN", "EMSP")
    tnm = relations[0]
    change = {"locations": {"name": "for OWN"}, "tariffs": {"currency": "USD"}, "sessions": {"currency": "USD"}}[module]
    mine = (await tnm.as_cpo(OWM).get(tnm.urls[module])).data
    absent = await tnm.as_cpo(OWN).get(tnm.urls[module])

    put = await tnm.as_cpo(OWN).put(tnm.urls[module], mine | change)

    assert (absent.http_status, put.http_status) == (404, 201)
    assert (await tnm.as_cpo(OWM).get(tnm.urls[module])).data == mine
    assert (await tnm.as_cpo(OWN).get(tnm.urls[module])).data == mine | change
