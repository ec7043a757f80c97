"""The partners in the database: who they are, where they are reached, what only people can mend."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role
from ocpi_party.partners.partner import Partner, PartnerStatus, Party
from ocpi_party.partners.table import DIRECTORY

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
_ALL = Statement(_PARTNER + " ORDER BY p.id")
_CONNECTED = Statement(_PARTNER + " WHERE p.status = 'CONNECTED' ORDER BY p.id")


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


async def known(tx: ReadTx, partner_id: int) -> Partner:
    """Raises UnknownObject"""
    partner = await get(tx, partner_id)
    if partner is None:
        raise UnknownObject(f"partner {partner_id}")
    return partner


async def every(tx: ReadTx) -> list[Partner]:
    """All partners ever, oldest first, those that are unregistered included."""
    return [_partner(row) for row in await tx.rows(_ALL)]


async def connected(tx: ReadTx) -> list[Partner]:
    return [_partner(row) for row in await tx.rows(_CONNECTED)]


_FACTS = Statement("SELECT * FROM partners WHERE id = :id")


async def facts(tx: ReadTx, partner_id: int) -> Row | None:
    """The row as it stands, with the dates and the alert that a Partner does not carry."""
    return await tx.row(_FACTS, id=partner_id)


_LOCK = Statement("SELECT id FROM partners WHERE id = :id FOR NO KEY UPDATE")


async def lock(tx: WriteTx, partner_id: int) -> Partner | None:
    """The partner, nobody else changing it until the transaction ends; what refers to it is written all the same."""
    await tx.row(_LOCK, id=partner_id)
    return await get(tx, partner_id)


_CREATE = Statement("INSERT INTO partners (name, status, versions_url) VALUES (:name, :status, :url) RETURNING id")


async def create(tx: WriteTx, name: str, status: PartnerStatus, *, versions_url: str | None = None) -> int:
    """Add a partner and tell its id."""
    partner_id: int = await tx.value(_CREATE, name=name, status=status, url=versions_url)
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


_DELETE = Statement("DELETE FROM partners WHERE id = :id")


async def delete(tx: WriteTx, partner_id: int) -> None:
    """Forget a partner with whom nothing was ever exchanged."""
    await tx.run(_DELETE, id=partner_id)
    await tx.notify(DIRECTORY)


_DROP_ENDPOINTS = Statement("DELETE FROM partner_endpoints WHERE partner_id = :id")
_ADD_ENDPOINT = Statement(
    "INSERT INTO partner_endpoints (partner_id, module, interface, url) VALUES (:id, :module, :interface, :url)"
)


async def replace_endpoints(tx: WriteTx, partner_id: int, endpoints: Mapping[tuple[str, str], str]) -> None:
    """endpoints  (module, SENDER or RECEIVER) → URL, as the version details told them"""
    await tx.run(_DROP_ENDPOINTS, id=partner_id)
    await tx.run_many(
        _ADD_ENDPOINT,
        [{"id": partner_id, "module": m, "interface": i, "url": url} for (m, i), url in endpoints.items()],
    )


_WAY_TO = Statement(
    """SELECT p.id FROM partner_parties q JOIN partners p ON p.id = q.partner_id
        WHERE q.owner = :owner AND q.role = :role AND q.status = 'CONNECTED' AND p.status = 'CONNECTED'
        ORDER BY p.quirks->>'over_direct' IS DISTINCT FROM 'true', q.source <> 'credentials', p.id LIMIT 1"""
)


async def way_to(tx: ReadTx, owner: str, role: Role) -> Partner | None:
    """The partner through which a party in a role is reached: directly, else through a hub that says it is connected.

    A hub with the quirk `over_direct` is preferred.

    owner  COUNTRY*PARTY in upper case
    """
    partner_id = await tx.value(_WAY_TO, owner=owner, role=role)
    return await get(tx, partner_id) if partner_id is not None else None


_TOUCH = Statement("UPDATE partners SET last_contact_at = now() WHERE id = ANY(:ids)")


async def touch(tx: WriteTx, partner_ids: list[int]) -> None:
    """We heard of these partners just now."""
    await tx.run(_TOUCH, ids=partner_ids)


_ALERT = Statement("UPDATE partners SET alert = :alert WHERE id = :id AND alert IS DISTINCT FROM :alert")
_SETTLED = Statement("UPDATE partners SET alert = NULL WHERE id = :id AND starts_with(alert, :kind)")


async def alert(tx: WriteTx, partner_id: int, text: str) -> None:
    """Tell the operator what only people can mend."""
    await tx.run(_ALERT, id=partner_id, alert=text)


_ALERTS = Statement("SELECT id, alert FROM partners WHERE alert IS NOT NULL")


async def alerts(tx: ReadTx) -> dict[int, str]:
    """What an operator must look at, by partner."""
    return {row["id"]: row["alert"] for row in await tx.rows(_ALERTS)}


async def settle_alert(tx: WriteTx, partner_id: int, kind: str) -> None:
    """An alert that begins with these words is over."""
    await tx.run(_SETTLED, id=partner_id, kind=kind)


UNFINISHED_FOR = timedelta(hours=1)
"""So long no handshake lasts."""

_UNFINISHED = Statement(
    """DELETE FROM partners WHERE status = 'CONNECTING' AND created_at < now() - CAST(:lasts AS interval)
        RETURNING id, name"""
)


async def forget_unfinished(tx: WriteTx) -> list[Row]:
    """Forget platforms with which we were connecting when our process vanished, and the tokens that they were offered."""
    rows = await tx.rows(_UNFINISHED, lasts=UNFINISHED_FOR)
    if rows:
        await tx.notify(DIRECTORY)
    return rows
