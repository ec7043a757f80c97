"""Partners and our own parties in the database."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.events import repository as events
from ocpi_party.events.repository import EventType
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role
from ocpi_party.ocpi.types import PartyId
from ocpi_party.partners.partner import Partner, PartnerStatus, Party

DIRECTORY = "directory"
"""The channel on which every process hears that parties, partners or tokens changed."""

_OWN: Statement = Statement("SELECT country_code, party_id, role, business_details FROM parties ORDER BY id")
_PARTNER = """
SELECT p.*,
       (SELECT json_agg(json_build_array(e.module, e.interface, e.url))
          FROM partner_endpoints e WHERE e.partner_id = p.id) AS endpoints,
       (SELECT json_agg(json_build_object('country_code', q.country_code, 'party_id', q.party_id, 'role', q.role,
                        'status', q.status, 'business_details', q.business_details, 'source', q.source,
                        'elsewhere', q.source = 'hub' AND EXISTS (
                            SELECT FROM partner_parties d JOIN partners dp ON dp.id = d.partner_id AND dp.status = 'CONNECTED'
                             WHERE d.owner = q.owner AND d.role = q.role AND d.source = 'credentials'
                             UNION ALL SELECT FROM parties o WHERE o.owner = q.owner AND o.role = q.role))
                        ORDER BY q.owner, q.role)
          FROM partner_parties q WHERE q.partner_id = p.id) AS roles
  FROM partners p
"""
_BY_ID = Statement(_PARTNER + " WHERE p.id = :id")
_BY_DIGEST = Statement(
    """
    SELECT t.digest, t.partner_id, t.state, t.first_used_at
      FROM credentials_tokens t
     WHERE t.digest = ANY(:digests) AND (t.expires_at IS NULL OR t.expires_at > now())
    """
)
_ALL = Statement(_PARTNER + " ORDER BY p.id")
_CONNECTED = Statement(_PARTNER + " WHERE p.status = 'CONNECTED' ORDER BY p.id")


async def own_parties(tx: ReadTx) -> tuple[Party, ...]:
    """Our own parties, oldest first."""
    rows = await tx.rows(_OWN)
    return tuple(
        Party(r["country_code"], r["party_id"], Role(r["role"]), json.loads(r["business_details"])) for r in rows
    )


async def add_party(tx: WriteTx, party: Party) -> bool:
    """Add one of our own parties. False, if we have it already in this role."""
    added = await tx.run(
        Statement(
            """INSERT INTO parties (country_code, party_id, role, owner, business_details)
               VALUES (:country_code, :party_id, :role, :owner, :details) ON CONFLICT DO NOTHING"""
        ),
        country_code=party.country_code,
        party_id=party.party_id,
        role=party.role,
        owner=str(party.key),
        details=json.dumps(party.business_details),
    )
    await tx.notify(DIRECTORY)
    return added == 1


def _role(name: str) -> Role:
    # A role of a newer version is kept, but gives no rights (AMB-32).
    return Role(name) if name in set(Role) else Role.OTHER


def _partner(row: Row) -> Partner:
    roles = json.loads(row["roles"] or "[]")
    known = set(ModuleId)
    return Partner(
        id=row["id"],
        name=row["name"],
        status=PartnerStatus(row["status"]),
        version=row["version"],
        versions_url=row["versions_url"],
        is_hub=row["is_hub"],
        token_sent=row["token_sent"],
        token_encoding=row["token_encoding"],
        quirks=json.loads(row["quirks"]),
        modules=_names(row["modules"]),
        agreed=_names(row["parties"]),
        push=row["push"],
        pull=row["pull"],
        parties=tuple(
            Party(
                r["country_code"],
                r["party_id"],
                _role(r["role"]),
                r["business_details"],
                r["status"],
                r["source"] == "hub",
                r["elsewhere"],
            )
            for r in roles
        ),
        endpoints={
            (ModuleId(module), InterfaceRole(interface)): url
            for module, interface, url in json.loads(row["endpoints"] or "[]")
            if module in known
        },
    )


def _names(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(json.loads(text))


async def get(tx: ReadTx, partner_id: int) -> Partner | None:
    row = await tx.row(_BY_ID, id=partner_id)
    return _partner(row) if row else None


async def every(tx: ReadTx) -> list[Partner]:
    """All partners ever, oldest first, those that are unregistered included."""
    return [_partner(row) for row in await tx.rows(_ALL)]


async def connected(tx: ReadTx) -> list[Partner]:
    return [_partner(row) for row in await tx.rows(_CONNECTED)]


async def facts(tx: ReadTx, partner_id: int) -> Row | None:
    """The row as it stands, with the dates and the alert that a Partner does not carry."""
    return await tx.row(Statement("SELECT * FROM partners WHERE id = :id"), id=partner_id)


async def lock(tx: WriteTx, partner_id: int) -> Partner | None:
    """The partner, nobody else changing it until the transaction ends."""
    await tx.row(Statement("SELECT id FROM partners WHERE id = :id FOR UPDATE"), id=partner_id)
    return await get(tx, partner_id)


async def create(tx: WriteTx, name: str, status: PartnerStatus, *, versions_url: str | None = None) -> int:
    """Add a partner and tell its id."""
    partner_id: int = await tx.value(
        Statement("INSERT INTO partners (name, status, versions_url) VALUES (:name, :status, :url) RETURNING id"),
        name=name,
        status=status,
        url=versions_url,
    )
    return partner_id


async def change(tx: WriteTx, partner_id: int, **columns: Any) -> None:
    """Set columns of a partner; dicts and lists become JSON."""
    values = {name: json.dumps(v) if isinstance(v, dict | list) else v for name, v in columns.items()}
    assignments = ", ".join(f"{name} = :{name}" for name in values)
    await tx.run(Statement(f"UPDATE partners SET {assignments} WHERE id = :id"), id=partner_id, **values)
    await tx.notify(DIRECTORY)


_CLAIM_RENEWAL = Statement(
    """UPDATE partners SET renew_at = now() + :again_after
        WHERE id = (SELECT id FROM partners WHERE status = 'CONNECTED' AND renew_at <= now()
                     ORDER BY renew_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING id"""
)
_CHANGED_OFFER = Statement(
    """UPDATE partners SET renew_at = now()
        WHERE status = 'CONNECTED' AND (parties IS NULL OR parties::jsonb ? :owner)"""
)


async def claim_renewal(tx: WriteTx, again_after: timedelta) -> Partner | None:
    """A partner whose credentials are to be renewed now, for whoever asks first.

    again_after  when it is due again, if the renewal does not come about
    """
    partner_id = await tx.value(_CLAIM_RENEWAL, again_after=again_after)
    return await get(tx, partner_id) if partner_id is not None else None


async def announce(tx: WriteTx, owner: str) -> None:
    """Partners that deal with this party of ours are to hear what we offer now. owner  COUNTRY*PARTY"""
    await tx.run(_CHANGED_OFFER, owner=owner)


async def delete(tx: WriteTx, partner_id: int) -> None:
    """Forget a partner with whom nothing was ever exchanged."""
    await tx.run(Statement("DELETE FROM partners WHERE id = :id"), id=partner_id)
    await tx.notify(DIRECTORY)


async def replace_roles(tx: WriteTx, partner_id: int, roles: Iterable[Mapping[str, Any]]) -> None:
    """The roles of the partner's credentials take the place of those it had; parties behind a hub stay."""
    await tx.run(
        Statement("DELETE FROM partner_parties WHERE partner_id = :id AND source = 'credentials'"), id=partner_id
    )
    await tx.run_many(
        Statement(
            """INSERT INTO partner_parties (partner_id, owner, role, country_code, party_id, business_details, source)
               VALUES (:id, :owner, :role, :country_code, :party_id, :details, 'credentials')
               ON CONFLICT (partner_id, owner, role) DO UPDATE
               SET business_details = excluded.business_details, source = 'credentials', status = 'CONNECTED'"""
        ),
        [
            {
                "id": partner_id,
                "owner": str(PartyId(role["country_code"], role["party_id"]).folded()),
                "role": role["role"],
                "country_code": role["country_code"],
                "party_id": role["party_id"],
                "details": json.dumps(role["business_details"], default=str),
            }
            for role in roles
        ],
    )


async def replace_endpoints(tx: WriteTx, partner_id: int, endpoints: Mapping[tuple[str, str], str]) -> None:
    """endpoints  (module, SENDER or RECEIVER) → URL, as the version details told them"""
    await tx.run(Statement("DELETE FROM partner_endpoints WHERE partner_id = :id"), id=partner_id)
    await tx.run_many(
        Statement(
            "INSERT INTO partner_endpoints (partner_id, module, interface, url) VALUES (:id, :module, :interface, :url)"
        ),
        [{"id": partner_id, "module": m, "interface": i, "url": url} for (m, i), url in endpoints.items()],
    )


async def taken_roles(tx: WriteTx, partner_id: int, roles: Iterable[Mapping[str, Any]]) -> list[str]:
    """Which of these roles another direct connection, or one of our own parties, has already: `NL*TNM CPO`.

    Nobody else can take roles until the transaction ends: of two platforms that claim one at once, the second sees the first.
    """
    await tx.row(Statement("SELECT pg_advisory_xact_lock(hashtext('partner_parties'))"))
    wanted = [f"{PartyId(r['country_code'], r['party_id']).folded()} {r['role']}" for r in roles]
    rows = await tx.rows(
        Statement(
            """SELECT q.owner || ' ' || q.role AS taken FROM partner_parties q JOIN partners p ON p.id = q.partner_id
                WHERE q.source = 'credentials' AND p.status = 'CONNECTED' AND p.id <> :id
                  AND q.owner || ' ' || q.role = ANY(:wanted)
               UNION SELECT owner || ' ' || role FROM parties WHERE owner || ' ' || role = ANY(:wanted)"""
        ),
        id=partner_id,
        wanted=wanted,
    )
    return [row["taken"] for row in rows]


_DIRECT = Statement(
    """SELECT DISTINCT q.owner FROM partner_parties q JOIN partners p ON p.id = q.partner_id
        WHERE p.status = 'CONNECTED' AND NOT p.is_hub AND q.source = 'credentials'
       UNION SELECT owner FROM parties"""
)
_WAY_TO = Statement(
    """SELECT p.id FROM partner_parties q JOIN partners p ON p.id = q.partner_id
        WHERE q.owner = :owner AND q.role = :role AND q.status = 'CONNECTED' AND p.status = 'CONNECTED'
        ORDER BY p.quirks->>'over_direct' IS DISTINCT FROM 'true', q.source <> 'credentials', p.id LIMIT 1"""
)


async def reached_directly(tx: ReadTx) -> frozenset[str]:
    """The parties of direct connections and our own, COUNTRY*PARTY."""
    return frozenset(row["owner"] for row in await tx.rows(_DIRECT))


async def way_to(tx: ReadTx, owner: str, role: Role) -> Partner | None:
    """The partner through which a party in a role is reached: directly, else through a hub that says it is connected.

    A hub with the quirk `over_direct` is preferred.

    owner  COUNTRY*PARTY in upper case
    """
    partner_id = await tx.value(_WAY_TO, owner=owner, role=role)
    return await get(tx, partner_id) if partner_id is not None else None


async def token_states(tx: ReadTx, digests: list[bytes]) -> list[Row]:
    """The tokens among these that are valid now: digest, partner_id, state, first_used_at."""
    return await tx.rows(_BY_DIGEST, digests=digests)


async def issue_token(tx: WriteTx, partner_id: int, digest: bytes, state: str) -> None:
    """Make a token valid that this partner will send. state  INVITATION, OFFERED or ISSUED"""
    await tx.run(
        Statement("INSERT INTO credentials_tokens (digest, partner_id, state) VALUES (:digest, :id, :state)"),
        digest=digest,
        id=partner_id,
        state=state,
    )
    await tx.notify(DIRECTORY)


async def settle_offer(tx: WriteTx, digest: bytes) -> None:
    """Our own PUT or POST was answered: the token that it offered counts as issued from now on."""
    await tx.run(
        Statement(
            "UPDATE credentials_tokens SET state = 'ISSUED', issued_at = clock_timestamp() WHERE digest = :digest"
        ),
        digest=digest,
    )
    await tx.notify(DIRECTORY)


async def withdraw_token(tx: WriteTx, digest: bytes) -> None:
    await tx.run(Statement("DELETE FROM credentials_tokens WHERE digest = :digest"), digest=digest)
    await tx.notify(DIRECTORY)


async def withdraw_tokens(tx: WriteTx, partner_id: int, *, state: str | None = None) -> int:
    """Withdraw all tokens of a partner, or those in one state; tells how many there were."""
    count = await tx.run(
        Statement(
            "DELETE FROM credentials_tokens WHERE partner_id = :id AND (CAST(:state AS text) IS NULL OR state = :state)"
        ),
        id=partner_id,
        state=state,
    )
    await tx.notify(DIRECTORY)
    return count


async def expire_older_tokens(tx: WriteTx, partner_id: int, than: bytes, at: datetime) -> None:
    """The tokens issued before this one end at the given time, if nobody uses the new one first (AMB-02)."""
    await tx.run(
        Statement(
            """UPDATE credentials_tokens SET expires_at = :at
                WHERE partner_id = :id AND state = 'ISSUED' AND expires_at IS NULL AND digest <> :than"""
        ),
        id=partner_id,
        than=than,
        at=at,
    )


async def first_use(tx: WriteTx, partner_id: int, digest: bytes) -> None:
    """A token is used for the first time: it works, so those issued before it end now (AMB-02).

    A token of our own request that is still open stays: the partner may store it after this one.
    """
    issued = await tx.value(
        Statement(
            """UPDATE credentials_tokens SET first_used_at = now() WHERE digest = :digest AND first_used_at IS NULL
               RETURNING CASE state WHEN 'ISSUED' THEN issued_at END"""
        ),
        digest=digest,
    )
    if issued is not None:
        await tx.run(
            Statement(
                """DELETE FROM credentials_tokens
                    WHERE partner_id = :id AND state = 'ISSUED' AND digest <> :digest AND issued_at < :issued"""
            ),
            id=partner_id,
            digest=digest,
            issued=issued,
        )
    await tx.notify(DIRECTORY)


async def touch(tx: WriteTx, partner_ids: list[int]) -> None:
    """We heard of these partners just now."""
    await tx.run(Statement("UPDATE partners SET last_contact_at = now() WHERE id = ANY(:ids)"), ids=partner_ids)


_NOTE = Statement(
    """INSERT INTO findings (partner_id, module, ref, pointer, rule, times)
       SELECT :partner_id, CAST(:module AS text), ref, pointer, rule, count(*)
         FROM unnest(CAST(:refs AS text[]), CAST(:pointers AS text[]), CAST(:rules AS text[])) AS n(ref, pointer, rule)
        GROUP BY ref, pointer, rule ORDER BY ref, pointer, rule
       ON CONFLICT ON CONSTRAINT findings_key DO UPDATE SET times = findings.times + excluded.times, last_at = now()
       RETURNING ref, pointer, rule, xmax = 0 AS new"""
)


class Note(NamedTuple):
    """Where an object deviates. ref  OWNER/id…; pointer  a JSON Pointer; rule  in words"""

    ref: str
    pointer: str
    rule: str


async def note_many(tx: WriteTx, partner_id: int, module: str, notes: Collection[Note]) -> None:
    """Keep where a partner's objects deviate from the specification; what is new is an event."""
    if not notes:
        return
    rows = await tx.rows(
        _NOTE,
        partner_id=partner_id,
        module=module,
        refs=[one.ref for one in notes],
        pointers=[one.pointer for one in notes],
        rules=[one.rule for one in notes],
    )
    await tell_findings(tx, partner_id, module, [Note(r["ref"], r["pointer"], r["rule"]) for r in rows if r["new"]])


async def tell_findings(tx: WriteTx, partner_id: int, module: str, notes: Iterable[Note]) -> None:
    """Events for findings that were not there before."""
    about = [
        (f"{module}/{n.ref}", {"module": module, "object": n.ref, "pointer": n.pointer, "rule": n.rule}) for n in notes
    ]
    await events.tell_many(tx, EventType.FINDING_RECORDED, about, partner_id=partner_id)


async def note(tx: WriteTx, partner_id: int, module: str, ref: str, findings: Iterable[tuple[str, str]]) -> None:
    """Keep where a partner deviates from the specification.

    findings  (JSON Pointer, rule in words)
    """
    await note_many(tx, partner_id, module, [Note(ref, pointer, rule) for pointer, rule in findings])


_ALERT = Statement("UPDATE partners SET alert = :alert WHERE id = :id AND alert IS DISTINCT FROM :alert")
_SETTLED = Statement("UPDATE partners SET alert = NULL WHERE id = :id AND starts_with(alert, :kind)")


async def alert(tx: WriteTx, partner_id: int, text: str) -> None:
    """Tell the operator what only people can mend."""
    await tx.run(_ALERT, id=partner_id, alert=text)


async def settle_alert(tx: WriteTx, partner_id: int, kind: str) -> None:
    """An alert that begins with these words is over."""
    await tx.run(_SETTLED, id=partner_id, kind=kind)


_ONLY = """(CAST(:partner AS bigint) IS NULL OR partner_id = :partner) AND (CAST(:module AS text) IS NULL OR module = :module)
           AND last_at >= COALESCE(:date_from, '-infinity'::timestamptz)
           AND last_at < COALESCE(:date_to, 'infinity'::timestamptz)"""
_FINDINGS = Statement(
    f"""SELECT id, partner_id AS partner, module, ref AS object, pointer, rule, times, first_at, last_at FROM findings
         WHERE {_ONLY} ORDER BY last_at DESC, id DESC OFFSET :offset LIMIT :limit"""
)
_FINDINGS_COUNT = Statement(f"SELECT count(*) FROM findings WHERE {_ONLY}")


async def findings(
    tx: ReadTx,
    partner: int | None,
    module: str | None,
    date_from: datetime | None,
    date_to: datetime | None,
    *,
    offset: int,
    limit: int,
) -> tuple[list[Row], int]:
    """Where partners deviate, what was seen last first, and how much that is."""
    only = {"partner": partner, "module": module, "date_from": date_from, "date_to": date_to}
    return await tx.rows(_FINDINGS, **only, offset=offset, limit=limit), await tx.value(_FINDINGS_COUNT, **only)
