"""Who speaks for which party in which role: our own parties, and those of partners."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ocpi_party.database import ReadTx, Statement, WriteTx
from ocpi_party.ocpi.modules import Role
from ocpi_party.ocpi.types import PartyId, fold
from ocpi_party.partners.partner import Party
from ocpi_party.partners.table import DIRECTORY

_OWN = Statement("SELECT country_code, party_id, role, business_details, created_at FROM parties ORDER BY id")


async def own_parties(tx: ReadTx) -> tuple[Party, ...]:
    """Our own parties, oldest first."""
    return tuple(party for _, party in await parties_added(tx))


async def parties_added(tx: ReadTx) -> list[tuple[datetime, Party]]:
    """Our own parties, oldest first, and when each was added."""
    return [
        (
            r["created_at"],
            Party(r["country_code"], r["party_id"], Role(r["role"]), json.loads(r["business_details"])),
        )
        for r in await tx.rows(_OWN)
    ]


_ADD = Statement(
    """INSERT INTO parties (country_code, party_id, role, owner, business_details)
        VALUES (:country_code, :party_id, :role, :owner, :details) ON CONFLICT DO NOTHING"""
)


async def add_party(tx: WriteTx, party: Party) -> bool:
    """Add one of our own parties. False, if we have it already in this role."""
    added = await tx.run(
        _ADD,
        country_code=party.country_code,
        party_id=party.party_id,
        role=party.role,
        owner=str(party.key),
        details=json.dumps(party.business_details),
    )
    await tx.notify(DIRECTORY)
    return added == 1


_DROP_ROLES = Statement(
    "DELETE FROM partner_parties WHERE partner_id = :id AND (source = 'credentials' OR NOT CAST(:is_hub AS boolean))"
)
_ADD_ROLE = Statement(
    """INSERT INTO partner_parties (partner_id, owner, role, country_code, party_id, business_details, source)
        VALUES (:id, :owner, :role, :country_code, :party_id, :details, 'credentials')
        ON CONFLICT (partner_id, owner, role) DO UPDATE
        SET business_details = excluded.business_details, source = 'credentials', status = 'CONNECTED'"""
)


async def replace_roles(tx: WriteTx, partner_id: int, roles: Collection[Mapping[str, Any]], *, is_hub: bool) -> None:
    """The roles of the partner's credentials take the place of those it had; parties behind a hub stay as long as it is one."""
    await tx.run(_DROP_ROLES, id=partner_id, is_hub=is_hub)
    await tx.run_many(
        _ADD_ROLE,
        [
            {
                "id": partner_id,
                "owner": str(PartyId(role["country_code"], role["party_id"]).folded()),
                "role": fold(role["role"]),
                "country_code": role["country_code"],
                "party_id": role["party_id"],
                "details": json.dumps(role["business_details"], default=str),
            }
            for role in roles
        ],
    )


_ALONE = Statement("SELECT pg_advisory_xact_lock(hashtext('partner_parties'))")
_TAKEN = Statement(
    """SELECT q.owner || ' ' || q.role AS taken FROM partner_parties q JOIN partners p ON p.id = q.partner_id
         WHERE q.source = 'credentials' AND p.status = 'CONNECTED' AND p.id <> :id
           AND q.owner || ' ' || q.role = ANY(:wanted)
        UNION SELECT owner || ' ' || role FROM parties WHERE owner || ' ' || role = ANY(:wanted)"""
)


async def taken_roles(tx: WriteTx, partner_id: int, roles: Iterable[Mapping[str, Any]]) -> list[str]:
    """Which of these roles another direct connection, or one of our own parties, has already: `NL*TNM CPO`.

    Nobody else can take roles until the transaction ends: of two platforms that claim one at once, the second sees the first.
    """
    await tx.row(_ALONE)
    wanted = [f"{PartyId(r['country_code'], r['party_id']).folded()} {fold(r['role'])}" for r in roles]
    rows = await tx.rows(_TAKEN, id=partner_id, wanted=wanted)
    return [row["taken"] for row in rows]


@dataclass(frozen=True, slots=True)
class Ended:
    """A party in a role, over a connection that ended.

    partner_id  of the partner that it was then
    owner       COUNTRY*PARTY; None for a hub: over its connection came what belongs to others
    role        as it was told, in upper case: it need not be one of OCPI's
    roles       all those that the party had there
    """

    partner_id: int
    owner: str | None
    role: str
    roles: frozenset[str]


_ENDED = Statement(
    """SELECT e.partner_id, e.owner, e.role, array_agg(a.role) AS roles
         FROM partner_parties n JOIN partner_parties e ON (e.owner, e.role) = (n.owner, n.role)
         JOIN partners p ON p.id = e.partner_id
         JOIN partner_parties a ON (a.partner_id, a.owner) = (e.partner_id, e.owner)
        WHERE n.partner_id = :id AND p.status = 'UNREGISTERED'
          AND n.source = 'credentials' AND e.source = 'credentials' AND a.source = 'credentials'
        GROUP BY e.partner_id, e.owner, e.role"""
)


async def ended_connections(tx: ReadTx, partner_id: int) -> list[Ended]:
    """Where parties of this partner were in the same roles before."""
    return [
        Ended(
            row["partner_id"],
            row["owner"] if row["role"] != Role.HUB else None,
            row["role"],
            frozenset(row["roles"]),
        )
        for row in await tx.rows(_ENDED, id=partner_id)
    ]


_DIRECT = Statement(
    """SELECT DISTINCT q.owner FROM partner_parties q JOIN partners p ON p.id = q.partner_id
        WHERE p.status = 'CONNECTED' AND NOT p.is_hub AND q.source = 'credentials'
       UNION SELECT owner FROM parties"""
)


async def reached_directly(tx: ReadTx) -> frozenset[str]:
    """The parties of direct connections and our own, COUNTRY*PARTY."""
    return frozenset(row["owner"] for row in await tx.rows(_DIRECT))
