"""Whatever partners and the operator do at the same time, it is as if they had done it one after the other, in some order."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.conftest import BOTH
from tests.partner import FakePartner, envelope
from tests.scenarios.changes import OPERATOR, PARTNERS, ROUNDS, Actors, Model, Name, Step, actors_of, steps_of
from tests.server import Server

from ocpi_party.ocpi.types import JsonObject, parse_time

Line = tuple[Step, ...]
"""Steps of one actor, each begun when the one before was answered. An actor may have several lines."""


@dataclass
class Listener:
    """A partner that keeps what we tell it, and notes where that goes back in time."""

    partner: FakePartner
    known: dict[Name, JsonObject] = field(default_factory=dict)
    backwards: list[tuple[Name, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for module in ("tariffs", "tokens"):
            self.partner.on("*", f"/receiver/{module}/", self._hear)

    def _hear(self, request: httpx.Request) -> httpx.Response:
        module, country_code, party_id, key = request.url.path.rsplit("/", 4)[1:]
        name = (module, f"{country_code}*{party_id}", key)
        before = self.known.get(name)
        if request.method in ("GET", "PATCH", "DELETE") and before is None:
            return envelope(code=2003, http_status=404)
        if request.method == "GET":
            return envelope(before)
        if request.method == "DELETE":
            del self.known[name]
            return envelope()
        told = json.loads(request.content)
        if before is not None and parse_time(told["last_updated"]) < parse_time(before["last_updated"]):
            self.backwards.append((name, before["last_updated"], told["last_updated"]))
        self.known[name] = (before or {}) | told if request.method == "PATCH" else told
        return envelope()


@dataclass(frozen=True)
class Seen:
    """What came of a batch. allowed  per line, what each of its steps was answered"""

    allowed: list[list[bool]]
    held: dict[Name, JsonObject]
    events: list[tuple[str, str, str, str]]


def orders(model: Model, lines: list[Line], seen: Seen, done: tuple[int, ...]) -> Iterator[Model]:
    """The states after each order of all steps that keeps the order of each line and explains each answer."""
    if all(count == len(line) for count, line in zip(done, lines, strict=True)):
        yield model
    for number, line in enumerate(lines):
        if done[number] < len(line):
            after = model.copy()
            if after.does(line[done[number]]) is seen.allowed[number][done[number]]:
                yield from orders(after, lines, seen, (*done[:number], done[number] + 1, *done[number + 1 :]))


def explained(model: Model, lines: list[Line], seen: Seen) -> Model | None:
    """A state of the model that is what was seen, answers, objects and events in the order of each object; None: there is none."""
    ends = orders(model, lines, seen, (0,) * len(lines))
    return next(
        (one for one in ends if one.held == seen.held and _per_object(one.events) == _per_object(seen.events)), None
    )


def _per_object(events: list[tuple[str, str, str, str]]) -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for *name, kind in events:
        found.setdefault(tuple(name), []).append(kind)
    return found


def _told(model: Model, lines: list[Line], seen: Seen) -> str:
    """What no order explains, for people."""
    said = [f"before: {_short(model.held)}"]
    for line, allowed in zip(lines, seen.allowed, strict=True):
        said += [" then ".join(f"{step} → {one}" for step, one in zip(line, allowed, strict=True))]
    return "\n".join([*said, f"after: {_short(seen.held)}", *map(str, seen.events)])


def _short(held: dict[Name, JsonObject]) -> list[Any]:
    fields = ("type", "currency", "visual_number", "valid", "group_id", "last_updated")
    return [(*name, {field: one[field] for field in fields if field in one}) for name, one in held.items()]


class AtOnce:
    def __init__(self, actors: Actors) -> None:
        self.actors = actors
        self.listeners = [Listener(caller.partner) for caller in actors.callers.values()]

    async def do(self, lines: list[Line], number: int) -> Seen:
        """Do all lines at the same time, while partners are told of what has changed so far."""
        told = asyncio.create_task(self.actors.server.push())
        allowed = await asyncio.gather(*(self._line(line) for line in lines))
        await told
        held = await self.actors.held([f"A{number}", f"B{number}"])
        return Seen(allowed, held, await self._events(number))

    async def _line(self, line: Line) -> list[bool]:
        return [await self.actors.does(step) for step in line]

    async def _events(self, number: int) -> list[tuple[str, str, str, str]]:
        rows = await self.actors.server.rows(
            """SELECT data->>'module' AS module, data->>'country_code' || '*' || (data->>'party_id') AS owner,
                      split_part(data->>'id', ' ', 1) AS id, type
                 FROM events WHERE type LIKE 'object.%' AND split_part(data->>'id', ' ', 1) = ANY(:keys) ORDER BY seq""",
            keys=[f"A{number}", f"B{number}"],
        )
        return [(row["module"], row["owner"], row["id"], row["type"]) for row in rows]

    async def differences(self, ours: dict[Name, JsonObject], number: int) -> list[Any]:
        """What partners do not know as we do when they were told everything, and what went backwards on the way."""
        await self.actors.server.push()
        mine = {name: document for name, document in ours.items() if name[1] in ("NL*OWA", "NL*OWM")}
        found: list[Any] = [one for listener in self.listeners for one in listener.backwards]
        for listener in self.listeners:
            known = {name: one for name, one in listener.known.items() if name[2] in (f"A{number}", f"B{number}")}
            found += [] if known == mine else [(listener.partner.name, known, mine)]
        return found + await self.actors.server.rows("SELECT * FROM outbox_marks")


@pytest.fixture
async def at_once(server: Server) -> AtOnce:
    return AtOnce(await actors_of(server))


def _lines(module: str) -> st.SearchStrategy[list[Line]]:
    """Up to four lines with up to six steps together; most are of one owner, so that they meet."""
    own = st.sampled_from([OPERATOR, *PARTNERS]).flatmap(
        lambda actor: st.lists(
            st.lists(steps_of(module).map(lambda one: replace(one, actor=actor, owner=actor)), min_size=1, max_size=2),
            min_size=2,
            max_size=3,
        )
    )
    other = st.lists(steps_of(module).map(lambda one: [one]), max_size=1)
    return st.tuples(own, other).map(lambda both: [tuple(line) for line in both[0] + both[1]])


@BOTH
@pytest.mark.requirement("OWN-05", "OWN-08", "OWN-10", "OWN-17", "OWN-20", "OWN-23", "OPS-03", "OPS-10")
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # What depends on the moment cannot be shrunk.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(batches=st.lists(st.one_of(_lines("tariffs"), _lines("tokens")), min_size=1, max_size=4))
async def test_what_is_done_at_once_is_done_in_some_order(at_once: AtOnce, batches: list[list[Line]]) -> None:
    number = next(ROUNDS)
    model = Model()
    for batch in batches:
        lines = [tuple(replace(step, key=f"{step.key}{number}") for step in line) for line in batch]

        seen = await at_once.do(lines, number)

        after = explained(model, lines, seen)
        assert after is not None, _told(model, lines, seen)
        model = after
    assert await at_once.differences(model.held, number) == []
