"""Whatever partners and the operator do in whatever order, what is left is what a plain dictionary would hold."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.objects import a_tariff, a_token
from tests.own import at
from tests.partner import Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import JsonObject, PartyId, parse_time, wire_time

OPERATOR = "OW"
PARTNERS = {"tnm": PartyId("NL", "TNM"), "ccc": PartyId("FR", "CCC")}
METHODS = {"tariffs": ["PUT", "DELETE"], "tokens": ["PUT", "PATCH"]}
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "tariffs": {"type": st.sampled_from(["REGULAR", "AD_HOC_PAYMENT"]), "currency": st.sampled_from(["EUR", "USD"])},
    "tokens": {"visual_number": st.sampled_from(["1", "2"]), "valid": st.booleans(), "group_id": st.just("G")},
}
_ROUNDS = count(1)


@dataclass(frozen=True)
class Step:
    """actor does it to an object of owner, and says it changed at this minute of the day"""

    actor: str
    owner: str
    module: str
    method: str
    key: str
    fields: JsonObject
    minute: int


def _steps(module: str) -> st.SearchStrategy[Step]:
    actors = [*PARTNERS, OPERATOR]
    return st.builds(
        lambda actor, other, **more: Step(actor, other or actor, module, **more),
        st.sampled_from(actors),
        st.sampled_from([None, None, None, *actors]),  # Most do it to what is their own.
        method=st.sampled_from(METHODS[module]),
        key=st.sampled_from(["A", "B"]),
        fields=st.fixed_dictionaries({}, optional=FIELDS[module]),
        minute=st.integers(0, 9),
    )


def owner_of(step: Step) -> PartyId:
    ours = PartyId("NL", "OWA") if step.module == "tariffs" else PartyId("NL", "OWM")
    return PARTNERS.get(step.owner, ours)


def body_of(step: Step) -> JsonObject:
    time = {"last_updated": at(step.minute)}
    if step.method == "PATCH":
        return step.fields | time
    build, name = (a_tariff, "id") if step.module == "tariffs" else (a_token, "uid")
    return build(owner_of(step), **{name: step.key}) | step.fields | time


@dataclass
class Model:
    """Nobody changes what is not its own; nothing older takes the place of what is newer; what we change moves on in time.

    held  (module, owner, key) → document
    """

    held: dict[tuple[str, str, str], JsonObject] = field(default_factory=dict)

    def does(self, step: Step) -> bool:
        """Do it. Whether it was allowed"""
        name = (step.module, str(owner_of(step)), step.key)
        known = self.held.get(name)
        if step.actor != step.owner or (known is None and step.method != "PUT"):
            return False
        if step.method == "DELETE":
            del self.held[name]
            return True
        wanted = body_of(step) if step.method == "PUT" else (known or {}) | body_of(step)
        moment = parse_time(wanted["last_updated"])
        if known is not None:
            before = parse_time(known["last_updated"])
            if moment < before:
                return False
            if step.actor == OPERATOR:
                if known | {"last_updated": ""} == wanted | {"last_updated": ""}:
                    return True
                moment = _later(moment, before)
        self.held[name] = wanted | {"last_updated": wire_time(moment)}
        return True


def _later(moment: datetime, before: datetime) -> datetime:
    return moment if moment > before else before + timedelta(milliseconds=1)


@dataclass
class Actors:
    server: Server
    callers: dict[str, Caller]

    async def does(self, step: Step) -> bool:
        """Do it for real. Whether it was allowed"""
        owner = owner_of(step)
        path = f"/{step.module}/{owner.country_code}/{owner.party_id}/{step.key}"
        body = None if step.method == "DELETE" else body_of(step)
        if step.actor == OPERATOR:
            answer: httpx.Response = await self.server.operator.request(step.method, f"/api{path}", json=body)
            return answer.is_success
        party, caller = PARTNERS[step.actor], self.callers[step.actor]
        ours, side = ("OWM", "emsp") if step.module == "tariffs" else ("OWA", "cpo")
        speaking = caller.speaking((party.country_code, party.party_id), ("NL", ours), side)
        return (await speaking.request(step.method, path, body)).status_code == 1000

    async def held(self, keys: list[str]) -> dict[tuple[str, str, str], JsonObject]:
        found = {}
        for module in METHODS:
            rows = await self.server.rows(f"SELECT owner, document::text AS document FROM {module} WHERE NOT gone")
            for row in rows:
                document = json.loads(row["document"])
                key = document.get("id") or document["uid"]
                if key in keys:
                    found[module, row["owner"], key] = document
        return found


@pytest.fixture
async def actors(server: Server) -> Actors:
    callers = {}
    for name, party in PARTNERS.items():
        roles = tuple((role, party.country_code, party.party_id) for role in ("CPO", "EMSP"))
        partner = server.internet.add(FakePartner(name, f"{name}.example", f"token.of-{name}", roles=roles))
        callers[name] = await server.connect(partner)
    return Actors(server, callers)


@pytest.mark.requirement("OWN-05", "OWN-08", "OWN-10", "OWN-17", "OWN-20", "OPS-10")
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(steps=st.lists(st.one_of(_steps("tariffs"), _steps("tokens")), max_size=20))
async def test_any_order_leaves_what_a_dictionary_would_hold(actors: Actors, steps: list[Step]) -> None:
    # One server for all examples: each has ids of its own.
    number = next(_ROUNDS)
    model = Model()
    for step in (replace(one, key=f"{one.key}{number}") for one in steps):
        allowed = model.does(step)
        assert await actors.does(step) is allowed, step

    assert await actors.held([f"A{number}", f"B{number}"]) == model.held
