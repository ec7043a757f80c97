"""What did not go on as it should have, in words, and who has to act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from ocpi_party.database import ReadTx, Statement
from ocpi_party.modules.commands.sessions import BEGAN_BY_OURS, BEGAN_BY_THEIRS
from ocpi_party.modules.oversight.shown import shown
from ocpi_party.ocpi.modules import Role
from ocpi_party.ocpi.types import JsonObject, wire_time
from ocpi_party.outbox.reach import IS_TOLD_BY_CPOS

MOST: Final = 100
"""Of each kind, the oldest first."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long something may take before somebody has to look.

    start    from an accepted START_SESSION to its session
    silence  of a session that goes on
    cdr      from the end of a session to its CDR, and from a CDR to a session that it names
    push     from a change to a partner's knowing of it, and from a CDR to somebody who can be told of it
    since    what is older than that was seen, or will never be mended
    """

    start: timedelta = timedelta(minutes=15)
    silence: timedelta = timedelta(hours=6)
    cdr: timedelta = timedelta(hours=24)
    push: timedelta = timedelta(minutes=15)
    since: timedelta = timedelta(days=30)


_COMMAND_WITHOUT_SESSION = """
    SELECT {at} AS since, r.id, r.partner_id, r.kind, NULL AS object, {own} AS own
      FROM {table} r
     WHERE r.module = 'commands' AND r.kind = 'START_SESSION' AND {accepted}
       AND {at} BETWEEN now() - CAST(:since AS interval) AND now() - CAST(:limit AS interval)
       AND r.request ->> 'authorization_reference' IS NOT NULL
       AND NOT EXISTS (SELECT FROM sessions s
                        WHERE s.authorization_reference = upper(r.request ->> 'authorization_reference')
                          AND (s.partner_id = 0) = {own} AND {began_by} = r.id)
     ORDER BY 1 LIMIT {most}"""
_OBJECT = """SELECT last_updated AS since, NULL::bigint AS id, partner_id, status AS kind,
                    owner || '/' || (document->>'id') AS object, partner_id = 0 AS own"""

_STATEMENTS: Final = {
    "command_without_session": (
        "start",
        Statement(
            _COMMAND_WITHOUT_SESSION.format(
                at="r.sent_at",
                table="outbound_requests",
                own="false",
                began_by=BEGAN_BY_OURS,
                most=MOST,
                accepted="r.results -> -1 -> 'result' ->> 'result' = 'ACCEPTED'",
            )
        ),
    ),
    "our_command_without_session": (
        "start",
        Statement(
            _COMMAND_WITHOUT_SESSION.format(
                at="r.received_at",
                table="inbound_requests",
                own="true",
                began_by=BEGAN_BY_THEIRS,
                most=MOST,
                accepted="r.state = 'RESULTED' AND r.result ->> 'result' = 'ACCEPTED'",
            )
        ),
    ),
    "silent_session": (
        "silence",
        Statement(
            f"""{_OBJECT} FROM sessions
                 WHERE status NOT IN ('COMPLETED', 'INVALID') AND NOT gone
                   AND last_updated BETWEEN now() - CAST(:since AS interval) AND now() - CAST(:limit AS interval)
                 ORDER BY 1 LIMIT {MOST}"""
        ),
    ),
    "session_without_cdr": (
        "cdr",
        Statement(
            f"""{_OBJECT} FROM sessions s
                 WHERE status = 'COMPLETED' AND NOT gone
                   AND last_updated BETWEEN now() - CAST(:since AS interval) AND now() - CAST(:limit AS interval)
                   AND NOT EXISTS (SELECT FROM cdrs c
                                    WHERE c.partner_id = s.partner_id AND c.owner = s.owner AND c.session = s.key)
                 ORDER BY 1 LIMIT {MOST}"""
        ),
    ),
    "cdr_without_session": (
        "cdr",
        Statement(
            f"""SELECT last_updated AS since, NULL::bigint AS id, partner_id, document->>'session_id' AS kind,
                       owner || '/' || (document->>'id') AS object,
                       partner_id = 0 AS own
                  FROM cdrs c
                 WHERE session IS NOT NULL AND NOT gone
                   AND last_updated BETWEEN now() - CAST(:since AS interval) AND now() - CAST(:limit AS interval)
                   AND NOT EXISTS (SELECT FROM sessions s
                                    WHERE s.partner_id = c.partner_id AND s.owner = c.owner AND s.key = c.session)
                 ORDER BY 1 LIMIT {MOST}"""
        ),
    ),
    "cdr_for_nobody": (
        "push",
        Statement(
            f"""SELECT last_updated AS since, NULL::bigint AS id, NULL::bigint AS partner_id, audience AS kind,
                       owner || '/' || (document->>'id') AS object, true AS own
                  FROM cdrs c
                 WHERE partner_id = 0 AND NOT gone
                   AND last_updated BETWEEN now() - CAST(:since AS interval) AND now() - CAST(:limit AS interval)
                   AND NOT EXISTS (SELECT FROM partner_parties q JOIN partners p ON p.id = q.partner_id
                                    WHERE q.owner = c.audience AND {IS_TOLD_BY_CPOS}
                                      AND p.status = 'CONNECTED' AND q.status IN ('CONNECTED', 'OFFLINE'))
                   AND NOT EXISTS (SELECT FROM parties o WHERE o.owner = c.audience AND o.role = '{Role.EMSP}')
                   AND NOT EXISTS (SELECT FROM cdr_urls u WHERE u.ref = c.owner || '/' || c.key)
                   AND NOT EXISTS (SELECT FROM outbox_marks m
                                    WHERE m.module = 'cdrs' AND m.ref = c.owner || '/' || c.key)
                 ORDER BY 1 LIMIT {MOST}"""
        ),
    ),
    "late_delivery": (
        "push",
        Statement(
            f"""SELECT m.marked_at AS since, m.seq AS id, m.partner_id, m.module, m.ref AS object,
                       CASE WHEN l.failures > 0 THEN l.last_error END AS kind, true AS own
                  FROM outbox_marks m JOIN outbox_lanes l USING (partner_id, party)
                 WHERE m.state = 'WAITING' AND m.marked_at < now() - CAST(:limit AS interval)
                 ORDER BY 1 LIMIT {MOST}"""
        ),
    ),
    "refused_delivery": (
        "push",
        Statement(
            f"""SELECT m.marked_at AS since, m.seq AS id, m.partner_id, m.error AS kind, m.module, m.ref AS object,
                       true AS own
                  FROM outbox_marks m
                 WHERE m.state = 'REFUSED'
                 ORDER BY 1 LIMIT {MOST}"""
        ),
    ),
    "undelivered_result": (
        "push",
        Statement(
            f"""SELECT d.settled_at AS since, d.request_id AS id, d.partner_id, d.error AS kind, r.kind AS object, true AS own
                  FROM results_due d JOIN inbound_requests r ON r.id = d.request_id
                 WHERE d.state IN ('REFUSED', 'GIVEN_UP')
                   AND d.settled_at > now() - CAST(:since AS interval) ORDER BY 1 LIMIT {MOST}"""
        ),
    ),
}

_OF_MARKS: Final = ("late_delivery", "refused_delivery")
_OURS, _THEIRS = "our own system", "the partner"


async def watch(tx: ReadTx, limits: Limits) -> list[JsonObject]:
    """Each with kind, since, words, who has to act, and ids; the longest unsettled first."""
    found: list[tuple[Any, JsonObject]] = []
    for kind, (limit, statement) in _STATEMENTS.items():
        rows: Sequence[Mapping[str, Any]] = await tx.rows(statement, limit=getattr(limits, limit), since=limits.since)
        if kind in _OF_MARKS:
            rows = await _named(tx, rows)
        found += [(row["since"], _told(kind, row)) for row in rows]
    return [told for _, told in sorted(found, key=lambda one: one[0])]


async def _named(tx: ReadTx, rows: Sequence[Mapping[str, Any]]) -> list[JsonObject]:
    names = await shown(tx, [(row["module"], row["object"]) for row in rows])
    return [dict(row) | {"object": f"{row['module']}/{names[row['module'], row['object']]}"} for row in rows]


def _told(kind: str, row: Mapping[str, Any]) -> JsonObject:
    words, who = _WORDS[kind]
    told = {
        "kind": kind.removeprefix("our_"),
        "since": wire_time(row["since"]),
        "words": words.format(object=row["object"], detail=row["kind"] or "no reason is known", id=row["id"]),
        "who": who or (_OURS if row["own"] else _THEIRS),
    }
    ids = {"partner": row["partner_id"] or None, "object": row["object"], "id": row["id"]}
    return told | {name: value for name, value in ids.items() if value is not None}


_WORDS: Final[dict[str, tuple[str, str | None]]] = {
    "command_without_session": ("{detail} {id} was accepted, and no session has come", None),
    "our_command_without_session": ("we accepted {detail} {id}, and told of no session", None),
    "silent_session": ("session {object} is {detail}, and has not changed for long", None),
    "session_without_cdr": ("session {object} is COMPLETED, and there is no CDR for it", None),
    "cdr_without_session": ("CDR {object} is for session {detail}, which is not known", None),
    "cdr_for_nobody": (
        "CDR {object} is to be paid by {detail}, whom no partner of ours reaches: nobody is told of it",
        _OURS,
    ),
    "late_delivery": ("the partner does not know the newest state of {object} yet: {detail}", _THEIRS),
    "refused_delivery": (
        "the partner refused {object}: {detail}. When it is mended: POST /api/deliveries/retry",
        f"{_OURS}, with the partner",
    ),
    "undelivered_result": (
        "the partner never got the result of {object} {id}: {detail}",
        f"{_THEIRS}: its response_url",
    ),
}
