"""Changes that partners and the operator make, done for real and in a plain model."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import httpx
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
ROUNDS = count(1)


Name = tuple[str, str, str]
"""module, owner, key"""


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


def steps_of(module: str) -> st.SearchStrategy[Step]:
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

    taken   last_updated of what the operator took away, which partners may still know
    held    (module, owner, key) → document
    events  what the operator's systems hear, in order: (module, owner, key, kind)
    """

    held: dict[Name, JsonObject] = field(default_factory=dict)
    events: list[tuple[str, str, str, str]] = field(default_factory=list)
    taken: dict[Name, datetime] = field(default_factory=dict)

    def copy(self) -> "Model":
        return Model(dict(self.held), list(self.events), dict(self.taken))

    def does(self, step: Step) -> bool:
        """Do it. Whether it was allowed"""
        name = (step.module, str(owner_of(step)), step.key)
        known = self.held.get(name)
        if step.actor != step.owner or (known is None and step.method != "PUT"):
            return False
        if step.method == "DELETE":
            if step.actor == OPERATOR:
                self.taken[name] = parse_time(self.held[name]["last_updated"])
            del self.held[name]
            self._tell(step, "removed")
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
        if known is None and name in self.taken:
            moment = _later(moment, self.taken[name])
        self.held[name] = wanted | {"last_updated": wire_time(moment)}
        self._tell(step, "received" if known is None else "changed")
        return True

    def _tell(self, step: Step, kind: str) -> None:
        if step.actor != OPERATOR:
            self.events.append((step.module, str(owner_of(step)), step.key, f"object.{kind}"))


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

    async def held(self, keys: list[str]) -> dict[Name, JsonObject]:
        found = {}
        for module in METHODS:
            rows = await self.server.rows(f"SELECT owner, document::text AS document FROM {module} WHERE NOT gone")
            for row in rows:
                document = json.loads(row["document"])
                key = document.get("id") or document["uid"]
                if key in keys:
                    found[module, row["owner"], key] = document
        return found


async def actors_of(server: Server) -> Actors:
    """Two partners, each a CPO and an eMSP, and the operator."""
    callers = {}
    for name, party in PARTNERS.items():
        roles = tuple((role, party.country_code, party.party_id) for role in ("CPO", "EMSP"))
        partner = server.internet.add(FakePartner(name, f"{name}.example", f"token.of-{name}", roles=roles))
        callers[name] = await server.connect(partner)
    return Actors(server, callers)
