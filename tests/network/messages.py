"""Messages = requests: each request that the witness saw is one message at the one who asked, and one at who was asked.

What a kill -9 may lose: messages are written off the path of requests, a few times a second. Those of requests that were under
way, or were answered less than LOST_SECONDS before the kill, may be missing at the one who was killed; no others.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ocpi_party.cli.demo.platform import Platform
from tests.network.platforms import Member, Sandbox, database
from tests.network.table import Table
from tests.network.trouble import Kill
from tests.network.witness import Seen, Witness

LOST_SECONDS = 3.0
_MESSAGES = "SELECT at, direction, request_id, http_status, method, url, error FROM messages"


@dataclass
class Logs:
    """Ids of requests in the message logs, with how often they are there, by platform."""

    asked: dict[str, Counter[str]] = field(default_factory=dict)
    answered: dict[str, Counter[str]] = field(default_factory=dict)
    unsent: dict[str, set[str]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    async def read(self, platform: Platform) -> None:
        async with database(platform) as connection:
            rows: list[Any] = await connection.fetch(_MESSAGES)
        name = platform.side.name
        self.asked[name] = Counter(row["request_id"] for row in rows if row["direction"] == "outbound")
        self.answered[name] = Counter(row["request_id"] for row in rows if row["direction"] == "inbound")
        self.unsent[name] = {
            row["request_id"] for row in rows if row["direction"] == "outbound" and row["http_status"] is None
        }
        self.words |= {
            row["request_id"]: " ".join(
                str(row[name]) for name in ("at", "direction", "method", "url", "http_status", "error")
            )
            for row in rows
        }


async def compare(
    table: Table, members: list[Member], sandboxes: list[Sandbox], seen: list[Seen], kills: list[Kill], witness: Witness
) -> None:
    """seen  up to a moment ago: their messages are written; of requests that the witness saw since they may be, or not yet"""
    logs = Logs()
    for platform in (*members, *sandboxes):
        await logs.read(platform)
    seen_by_now = {one.request_id for one in witness.seen}
    requests = {one.request_id: one for one in seen}  # One that was repeated on the wire is still one request.
    senders = _senders(logs, seen)
    for member in members:
        mine = [one for one in kills if one.member == member.name and one.loses]
        of_server = [one for one in mine if one.what.endswith((" api", " serve"))]
        sent = {id_ for id_, one in requests.items() if senders.get(one.token) == member.name}
        _side(table, f"{member.name}: requests that it sent", sent, logs.asked[member.name], requests, mine)
        received = {id_ for id_, one in requests.items() if one.to == member.name and one.taken}
        _side(table, f"{member.name}: requests that it got", received, logs.answered[member.name], requests, of_server)
        invented = [id_ for id_ in logs.asked[member.name] if id_ not in seen_by_now]
        invented = [id_ for id_ in invented if id_ not in logs.unsent[member.name]]
        invented += [id_ for id_ in logs.answered[member.name] if id_ not in seen_by_now]
        total = sum(logs.asked[member.name].values()) + sum(logs.answered[member.name].values())
        words = [f"{id_}: {logs.words[id_]}" for id_ in invented]
        table.none(f"{member.name}: messages / of requests that nobody saw", words, total)
    strangers = [f"{one.method} {one.path} to {one.to}" for one in requests.values() if one.token not in senders]
    table.none("requests on the wire / of which nobody knows the sender", strangers, len(requests))


def _senders(logs: Logs, seen: list[Seen]) -> dict[str, str]:
    """Whose token it is: of some request with it the sender has a message."""
    whose = {id_: name for name, ids in logs.asked.items() for id_ in ids}
    return {one.token: whose[one.request_id] for one in seen if one.request_id in whose}


def _side(
    table: Table, what: str, ids: set[str], kept: Counter[str], requests: dict[str, Seen], kills: list[Kill]
) -> None:
    twice = [f"{requests[id_].method} {requests[id_].path}: {kept[id_]} messages" for id_ in ids if kept[id_] > 1]
    table.none(f"{what} / with more than one message", twice, len(ids))
    missing = [requests[id_] for id_ in ids if not kept[id_]]
    lost = [(one, min(kills, key=lambda kill: _before(one, kill), default=None)) for one in missing]
    explained = [(one, kill) for one, kill in lost if kill is not None and _before(one, kill) <= LOST_SECONDS]
    wrong = [one for one in missing if not any(one is other for other, _ in explained)]
    oldest = max((_before(one, kill) for one, kill in explained), default=0.0)
    note = f"{len(explained)} lost by {len(kills)} kills; the oldest was answered {max(oldest, 0):.2f} s before"
    table.equal(f"{what} = messages, but for those a kill took", len(ids) - len(explained), len(ids) - len(missing), note,
                *[f"missing: {one.method} {one.path} to {one.to}, {one.http_status}" for one in wrong[:5]])  # fmt: skip


def _before(one: Seen, kill: Kill) -> float:
    """Seconds from its answer until the kill; 0 for one that was under way; infinite for one that came after."""
    if one.at > kill.until:
        return float("inf")
    if one.answered_at is None or one.answered_at > kill.at:
        return 0.0
    return kill.at - one.answered_at
