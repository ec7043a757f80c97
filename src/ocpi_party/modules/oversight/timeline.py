"""Everything that belongs to one charge on one line: authorization, command, session, CDRs, and the messages behind them."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ocpi_party.database import ReadTx, Row, Statement
from ocpi_party.modules.commands.sessions import BEGAN_BY_OURS, BEGAN_BY_THEIRS
from ocpi_party.ocpi.command import CommandType
from ocpi_party.ocpi.types import JsonObject, decode, document_of, fold, parse_time, wire_time

_MOST: Final = 1000

_REQUESTS: Final = """SELECT '{direction}' AS direction, id, module, kind, partner_id, ref, request, response, state, {columns}
                         FROM {table}
                        WHERE id = :id OR upper(request ->> 'authorization_reference') = ANY(:references)
                           OR (module IN ('commands', 'chargingprofiles') AND ref = ANY(:sessions))
                        ORDER BY id LIMIT 1000"""
_INBOUND = Statement(
    _REQUESTS.format(
        direction="inbound",
        table="inbound_requests",
        columns="received_at AS at, result, resulted_at, NULL AS results, NULL AS error",
    )
)
_OUTBOUND = Statement(
    _REQUESTS.format(
        direction="outbound",
        table="outbound_requests",
        columns="sent_at AS at, NULL AS result, NULL AS resulted_at, results, error",
    )
)
_SESSIONS = Statement(
    f"""SELECT s.seq, s.partner_id, s.owner, s.key, s.authorization_reference AS reference, s.document,
               CASE WHEN s.partner_id = 0 THEN {BEGAN_BY_THEIRS} ELSE {BEGAN_BY_OURS} END AS command
          FROM sessions s
         WHERE s.key = ANY(:sessions) AND (CAST(:owner AS text) IS NULL OR s.owner = :owner)
            OR s.authorization_reference = ANY(:references)
         ORDER BY s.seq LIMIT 1000"""
)
_PREFERENCES = Statement(
    """SELECT p.given_at AS at, p.result, s.owner, s.document->>'id' AS id, s.partner_id
         FROM charging_preferences p JOIN sessions s ON s.seq = p.session_seq WHERE p.session_seq = ANY(:seqs)"""
)
_AUTHORIZATIONS = Statement(
    """SELECT at, as_emsp, partner_id, cpo, allowed, source, why, reference, correlation_id FROM authorizations
        WHERE reference = ANY(:references) ORDER BY at LIMIT 1000"""
)
_CDRS = Statement(
    """WITH of_session AS (
           SELECT c.partner_id, c.owner, c.key, c.credits, c.document
             FROM unnest(CAST(:partners AS bigint[]), CAST(:owners AS text[]), CAST(:keys AS text[])) s(partner_id, owner, key)
             JOIN cdrs c ON c.partner_id = s.partner_id AND c.owner = s.owner AND c.session = s.key)
       SELECT partner_id, owner, key, credits, document::text AS document FROM of_session
        UNION
       SELECT c.partner_id, c.owner, c.key, c.credits, c.document::text FROM of_session o
         JOIN cdrs c ON c.partner_id = o.partner_id AND c.owner = o.owner AND c.credits = o.key"""
)
_EVENTS = Statement(
    "SELECT seq, type, subject, partner_id, at FROM events WHERE upper(subject) = ANY(:subjects) ORDER BY seq LIMIT 1000"
)
_MESSAGES = Statement(
    """SELECT id, at, direction, partner_id, module, ref, method, http_status, ocpi_status, error, correlation_id FROM messages
        WHERE correlation_id = ANY(:correlations)
           OR (ref IS NOT NULL AND upper(ref) COLLATE "C" = ANY(:refs)
               AND module IN ('sessions', 'cdrs', 'commands', 'chargingprofiles'))
        ORDER BY id LIMIT 1000"""
)


@dataclass(slots=True)
class Sought:
    """What is known of a charge; more is found as its parts are looked up.

    owner  of the session, None if it does not matter
    """

    command: int = 0
    owner: str | None = None
    sessions: set[str] = field(default_factory=set)
    references: set[str] = field(default_factory=set)

    def arguments(self) -> dict[str, Any]:
        spelt = {spelling for one in self.references for spelling in (one, one.upper(), one.lower())}
        return {"id": self.command, "sessions": sorted(self.sessions), "references": sorted(spelt)}


def sought(session: str | None, command: int | None, reference: str | None) -> Sought:
    """session  its id, or COUNTRY*PARTY/id"""
    found = Sought(command or 0)
    if session is not None:
        owner, slash, key = fold(session).partition("/")
        found.owner = owner if slash else None
        found.sessions.add(key if slash else owner)
    if reference is not None:
        found.references.add(reference)
    return found


async def timeline(tx: ReadTx, wanted: Sought) -> list[JsonObject]:
    """Everything that is known, the oldest first; each with at, kind, words, and ids."""
    named = frozenset(wanted.sessions)
    # A command leads to a session by its reference, and a session to its commands likewise: twice around finds all.
    for _ in range(2):
        requests = [
            *await tx.rows(_INBOUND, **_for_requests(wanted)),
            *await tx.rows(_OUTBOUND, **_for_requests(wanted)),
        ]
        wanted.references |= {one for row in requests if (one := _reference(row["request"]))}
        given = wanted.arguments()
        sessions = await tx.rows(
            _SESSIONS, sessions=given["sessions"], references=given["references"], owner=wanted.owner
        )
        requests, sessions = _of_one_charge(wanted.command, named, requests, sessions)
        wanted.sessions |= {row["key"] for row in sessions}
        wanted.references |= {one for row in sessions if (one := _reference(row["document"]))}
    found = [entry for row in requests for entry in _of_request(row)]
    allowed = await tx.rows(_AUTHORIZATIONS, references=wanted.arguments()["references"])
    found += [_of_authorization(row) for row in allowed]
    found += [_of_preferences(row) for row in await tx.rows(_PREFERENCES, seqs=[row["seq"] for row in sessions])]
    cdrs = await tx.rows(
        _CDRS,
        partners=[row["partner_id"] for row in sessions],
        owners=[row["owner"] for row in sessions],
        keys=[row["key"] for row in sessions],
    )
    found += [_of_cdr(row) for row in cdrs]
    found += [_of_session(row) for row in sessions]
    found += [_of_event(row) for row in await tx.rows(_EVENTS, subjects=_subjects(requests, sessions, cdrs))]
    correlations = sorted({row["correlation_id"] for row in allowed if row["correlation_id"]})
    refs = _refs(requests, sessions, cdrs)
    found += [_of_message(row) for row in await tx.rows(_MESSAGES, correlations=correlations, refs=refs)]
    return [entry | {"at": wire_time(entry["at"])} for entry in sorted(found, key=lambda entry: entry["at"])[:_MOST]]


def _of_one_charge(
    command: int, named: Collection[str], requests: list[Row], sessions: list[Row]
) -> tuple[list[Row], list[Row]]:
    """Requests and sessions without those of further charges that began with the same authorization_reference.

    A charge are the START_SESSION that led to a session, that session, and those before it that led to none.

    command  that is looked for, 0 for none; named  the sessions that are looked for
    """
    led = {row["command"] for row in sessions}
    charges: dict[int, tuple[str, int]] = {}
    done: Counter[str] = Counter()
    for row in sorted(requests, key=lambda row: row["id"]):
        if row["kind"] == CommandType.START_SESSION:
            reference = fold(_reference(row["request"]) or "")
            charges[row["id"]] = reference, done[reference]
            done[reference] += row["id"] in led
    sought = {command, *(row["command"] for row in sessions if row["key"] in named)} & charges.keys()
    if not sought:
        return requests, sessions
    kept = {charges[one] for one in sought}
    return (
        [row for row in requests if row["id"] not in charges or charges[row["id"]] in kept],
        [row for row in sessions if row["key"] in named or charges.get(row["command"]) in kept],
    )


def _for_requests(wanted: Sought) -> dict[str, Any]:
    given = wanted.arguments()
    return given | {"references": [one for one in given["references"] if one == one.upper()]}


def _reference(text: str) -> str | None:
    reference: str | None = document_of(text).get("authorization_reference")
    return reference


def _entry(at: datetime, kind: str, words: str, **ids: Any) -> JsonObject:
    return {"at": at, "kind": kind, "words": words} | {name: value for name, value in ids.items() if value is not None}


def _of_request(row: Row) -> Iterator[JsonObject]:
    ids = {"id": row["id"], "partner": row["partner_id"], "direction": row["direction"]}
    kind = "command" if row["module"] == "commands" else "charging_profile"
    asked = "asked of us" if row["direction"] == "inbound" else "asked of the partner"
    answered = document_of(row["response"])["result"] if row["response"] else row["error"] or "no answer"
    yield _entry(row["at"], kind, f"{row['kind']} {asked}; answered: {answered}", state=row["state"], **ids)
    if row["result"]:
        told = document_of(row["result"])["result"]
        yield _entry(row["resulted_at"], f"{kind}.result", f"{row['kind']}: {told}", **ids)
    for one in _results(row):
        at = parse_time(one["at"])
        yield _entry(at, f"{kind}.result", f"{row['kind']}: {one['result']['result']}", **ids)


def _results(row: Row) -> list[JsonObject]:
    found = decode(row["results"].encode()) if row["results"] else []
    assert isinstance(found, list)
    return found


def _of_authorization(row: Row) -> JsonObject:
    who = "a CPO asked us" if row["as_emsp"] else "we decided"
    words = f"{who}: {row['allowed']}, {row['why']}"
    return _entry(
        row["at"], "authorization", words,
        partner=row["partner_id"], authorization_reference=row["reference"], correlation_id=row["correlation_id"],
    )  # fmt: skip


def _of_session(row: Row) -> JsonObject:
    document = document_of(row["document"])
    words = f"session {document['id']} began; it is {document['status']} now, with {document.get('kwh')} kWh"
    at = parse_time(document["start_date_time"])
    return _entry(at, "session", words, object=f"{row['owner']}/{document['id']}", partner=row["partner_id"] or None)


def _of_preferences(row: Row) -> JsonObject:
    words = f"charging preferences: {row['result']}"
    object_ = f"{row['owner']}/{row['id']}"
    return _entry(row["at"], "charging_preferences", words, object=object_, partner=row["partner_id"] or None)


def _of_cdr(row: Row) -> JsonObject:
    document = document_of(row["document"])
    cost = f"{document['total_cost']['excl_vat']} {document['currency']} without VAT"
    words = f"CDR {document['id']}: {cost}"
    if row["credits"]:
        words = f"Credit CDR {document['id']} takes back {document['credit_reference_id']}: {cost}"
    kind = "credit" if row["credits"] else "cdr"
    at = parse_time(document["last_updated"])
    return _entry(at, kind, words, object=f"{row['owner']}/{document['id']}", partner=row["partner_id"] or None)


def _of_event(row: Row) -> JsonObject:
    return _entry(row["at"], "event", f"{row['type']}: {row['subject']}", id=row["seq"], partner=row["partner_id"])


def _of_message(row: Row) -> JsonObject:
    said = f", OCPI {row['ocpi_status']}" if row["ocpi_status"] is not None else ""
    came = row["error"] or f"HTTP {row['http_status']}{said}"
    who = "they" if row["direction"] == "inbound" else "we"
    words = f"{who} asked: {row['method']} {row['module']} {row['ref'] or ''}".rstrip() + f" → {came}"
    return _entry(
        row["at"], "message", words, id=row["id"], partner=row["partner_id"], correlation_id=row["correlation_id"]
    )


def _subjects(requests: Iterable[Row], sessions: Iterable[Row], cdrs: Iterable[Row]) -> list[str]:
    """Of events, in upper case."""
    found = [f"{row['module']}/{row['id']}" for row in requests]
    found += [f"sessions/{row['owner']}/{row['key']}" for row in sessions]
    return [fold(one) for one in (*found, *(f"cdrs/{row['owner']}/{row['key']}" for row in cdrs))]


def _refs(requests: Iterable[Row], sessions: Iterable[Row], cdrs: Iterable[Row]) -> list[str]:
    """As messages name them, in upper case."""
    found = [fold(f"{row['kind']}/{row['id']}") for row in requests]
    for row in sessions:
        found += [f"{row['owner']}/{row['key']}", row["key"], f"{row['key']}/CHARGING_PREFERENCES"]
    return found + [f"{row['owner']}/{row['key']}" for row in cdrs]
