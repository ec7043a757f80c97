"""Events = changes, and everybody is told each of them, in order."""

import asyncio
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from ocpi_party.ocpi.types import fold, parse_time
from tests.network.desk import Desk
from tests.network.platforms import Member, database
from tests.network.table import Table
from tests.network.witness import Seen, Witness

_OBJECTS = ("object.received", "object.changed", "cdr.received")
_PUSH = re.compile(r"/ocpi/(?:emsp|cpo)/2\.2\.1/(locations|tariffs|sessions|cdrs|tokens)(?:/([^?]*))?")


async def consumed(table: Table, member: Member, within: float) -> None:
    """What the consumer was told = the events in the database; by webhook-id, each once, in order per subject.

    Drivers who may not charge still come to the sandboxes: an event may be younger than the moment at which all had been told.
    within  seconds that it may take until the last one is told
    """
    async with database(member) as connection:
        rows = await connection.fetch("SELECT seq, subject FROM events WHERE seq > $1 ORDER BY seq", member.since)
    last, gives_up = rows[-1]["seq"], time.monotonic() + within
    while await member.told_up_to() < last and time.monotonic() < gives_up:
        await asyncio.sleep(0.1)
    assert member.consumer is not None
    told = [one for one in member.consumer.told_events() if _seq(one) <= last]
    table.none(
        f"{member.name}: deliveries to its consumer / with a wrong signature",
        [str(one) for one in told if not one["genuine"]],
        len(told),
    )
    events = [one for one in told if _seq(one)]
    first = list(dict.fromkeys(one["webhook_id"] for one in events))
    expected = {f"evt_{row['seq']}": row["subject"] for row in rows}
    again = f"{len(events) - len(first)} were delivered more than once"
    table.equal(f"{member.name}: events in the database = told to its consumer", len(expected), len(first), again)
    table.none(
        f"{member.name}: events / told and not in the database, or not told",
        sorted(expected.keys() ^ set(first)),
        len(expected),
    )
    seqs: dict[str, list[int]] = defaultdict(list)
    for webhook_id in first:
        seqs[expected.get(webhook_id, "")].append(int(webhook_id.removeprefix("evt_")))
    wrong = [subject for subject, order in seqs.items() if order != sorted(order)]
    table.none(f"{member.name}: subjects of events / told out of order", wrong, len(seqs))


def _seq(told: dict[str, Any]) -> int:
    """Of an event; 0 for a question."""
    kind, _, rest = str(told["webhook_id"]).partition("_")
    return int(rest) if kind == "evt" else 0


async def changed(table: Table, desk: Desk, partner: Member, seen: list[Seen]) -> None:
    """The changes at the owner, what its partner was told of them, and the partner's events.

    Changes that are made while a partner is told merge: it is told the newest state (Offline behaviour). So there are at least as
    many changes as requests; and each state that was told is one that was made, none goes back, and each is one event.
    """
    owner = desk.member
    made = {_subject(path): [parse_time(at) for at in moments] for path, moments in desk.made.items()}
    parts = _with_parts(made)
    accepted: Counter[str] = Counter()
    unanswered: Counter[str] = Counter()
    invented, backwards = [], []
    last: dict[str, str] = {}
    for one in seen:
        pushed = _PUSH.match(one.path)
        if one.to != partner.name or pushed is None or not _is_push(one) or not _is_of(owner, one):
            continue
        body = json.loads(one.body)
        subject = _subject_of_push(pushed[1], pushed[2], one.path, body)
        if not one.done:
            unanswered[subject] += one.answered_at is None or (one.http_status or 500) >= 500
            continue
        accepted[subject] += 1
        at = body.get("last_updated", "")
        if not any(parse_time(at) in made[name] for name in parts.get(subject, ())):
            invented.append(f"{subject} of {at}")
        if subject in last and parse_time(at) < parse_time(last[subject]):
            backwards.append(f"{subject}: {last[subject]} → {at}")
        last[subject] = at
    async with database(partner) as connection:
        rows = await connection.fetch(
            "SELECT subject, count(*) AS n FROM events WHERE type = ANY($1) AND partner_id = $2 GROUP BY 1",
            list(_OBJECTS), partner.partner_ids[owner.name],
        )  # fmt: skip
    events = Counter({row["subject"]: row["n"] for row in rows})
    total = sum(len(one) for one in made.values())
    table.told(f"{owner.name}: changes made, told to {partner.name} in so many requests (newer ones merge)",
               total, accepted.total(), f"{desk.uncertain} answers were lost to kills, and looked up")  # fmt: skip
    table.none(f"{owner.name} → {partner.name}: states told / that were never made", invented, accepted.total())
    table.none(f"{owner.name} → {partner.name}: states told / that went back in time", backwards, accepted.total())
    missing = [f"{one}: {accepted[one]} told, {events[one]} events" for one in accepted if events[one] < accepted[one]]
    table.none(f"{partner.name}: changes told by {owner.name} / without an event", missing, accepted.total())
    more = {one: events[one] - accepted[one] for one in events if events[one] > accepted[one]}
    fetched = _fetched(seen, owner)
    wrong = [
        f"{one}: {n} more" for one, n in more.items() if n > unanswered[one] and one.partition("/")[0] not in fetched
    ]
    note = f"{sum(more.values())} more events: the answer to the change was lost, or it was fetched from a list"
    what = f"{partner.name}: events of changes of {owner.name} / without a change"
    table.none(what, wrong, events.total(), *([note] if more else []))


def _fetched(seen: list[Seen], owner: Member) -> set[str]:
    """Modules whose lists were fetched from it after the hour began."""
    lists = (_PUSH.match(one.path) for one in seen if one.to == owner.name and one.method == "GET")
    return {one[1] for one in lists if one is not None}


def _is_push(one: Seen) -> bool:
    return one.method in ("PUT", "PATCH") or (one.method == "POST" and one.path.rstrip("/").endswith("/cdrs"))


def _is_of(owner: Member, one: Seen) -> bool:
    side = owner.side
    whose = one.headers.get("ocpi-from-country-code"), one.headers.get("ocpi-from-party-id")
    return whose == (side.country_code, side.party_id)


def _subject(path: str) -> str:
    """locations/NL*TNM/L1/E1 for the operator's /locations/NL/TNM/L1/E1."""
    _, module, country_code, party_id, *ids = path.split("/")
    ids = [f"{ids[0]} RFID"] if module == "tokens" else ids
    return "/".join([module, f"{country_code}*{party_id}", *(fold(one) for one in ids)])


def _subject_of_push(module: str, rest: str | None, path: str, body: dict[str, str]) -> str:
    if module == "cdrs":
        return _subject(f"/cdrs/{body['country_code']}/{body['party_id']}/{body['id']}")
    return _subject(f"/{module}/{rest}")


def _with_parts(subjects: Iterable[str]) -> dict[str, list[str]]:
    """Each with itself and all below it: a Location is as new as its newest EVSE."""
    found: dict[str, list[str]] = defaultdict(list)
    for subject in subjects:
        found[subject].append(subject)
        if subject.count("/") > 2:
            found[subject.rpartition("/")[0]].append(subject)
    return found


async def authorizations(table: Table, emsp: Member, witness: Witness) -> None:
    """Each authorization that a CPO asked for is an event; of one without an answer nobody knows."""

    def asked() -> list[Seen]:
        return [one for one in witness.seen if one.to == emsp.name and one.taken and "/authorize" in one.path]

    # The drivers of a sandbox go on coming: who is answered before the events are counted is one of them, who asks later is none.
    answered = sum(one.done for one in asked())
    async with database(emsp) as connection:
        events = await connection.fetchval("SELECT count(*) FROM events WHERE type = 'authorization.asked'")
    most = len(asked())
    wrong = [] if answered <= events <= most else [f"{events} events"]
    table.none(f"{emsp.name}: authorizations answered ≤ events ≤ asked ({most}) / not so", wrong, answered)
