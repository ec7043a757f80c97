"""The parties behind a hub. What is not to be reached is not told, and not queued; when it is back, it is told what changed.

OCPI 2.2.1, HubClientInfo, "ConnectionStatus", and Offline behaviour.
"""

from collections.abc import Iterable

from ocpi_party.database import ReadTx, Statement, WriteTx
from ocpi_party.ocpi.client_info import ConnectionStatus
from ocpi_party.ocpi.types import JsonObject, PartyId, encode, parse_time
from ocpi_party.outbox import repository as outbox
from ocpi_party.partners import repository as partners

_NEWEST = Statement(
    """SELECT convert_to(document::text, 'UTF8') FROM partner_parties
        WHERE partner_id = :partner_id AND owner = :owner AND document IS NOT NULL ORDER BY last_updated DESC, role LIMIT 1"""
)
_KNOWN = Statement(
    """SELECT status, source, last_updated FROM partner_parties
        WHERE partner_id = :partner_id AND owner = :owner AND role = :role FOR UPDATE"""
)
_KEEP = Statement(
    """
    INSERT INTO partner_parties (partner_id, owner, role, country_code, party_id, source, status, last_updated, document)
    VALUES (:partner_id, :owner, :role, :country_code, :party_id, 'hub', :status, :at, CAST(:document AS json))
    ON CONFLICT (partner_id, owner, role) DO UPDATE
       SET status = excluded.status, last_updated = excluded.last_updated, document = excluded.document
    """
)


async def newest(tx: ReadTx, hub_id: int, party: PartyId) -> bytes | None:
    found: bytes | None = await tx.value(_NEWEST, partner_id=hub_id, owner=str(party))
    return found


async def keep(tx: WriteTx, hub_id: int, info: JsonObject) -> bool:
    """Store a ClientInfo, one record for each role of a party (AMB-57). True, if it is new."""
    party = PartyId(info["country_code"], info["party_id"]).folded()
    named = {"partner_id": hub_id, "owner": str(party), "role": info["role"]}
    before = await tx.row(_KNOWN, **named)
    await tx.run(
        _KEEP,
        **named,
        country_code=info["country_code"],
        party_id=info["party_id"],
        status=info["status"],
        at=parse_time(info["last_updated"]),
        document=encode(info).decode(),
    )
    connected = info["status"] == ConnectionStatus.CONNECTED
    if before is not None and before["status"] == ConnectionStatus.CONNECTED and not connected:
        # Nothing is queued for a party that cannot be reached.
        await outbox.forget(tx, hub_id, str(party))
    elif before is not None and before["status"] == ConnectionStatus.OFFLINE and connected:
        await outbox.mark_changed_since(tx, hub_id, str(party), info["role"], before["last_updated"])
    if info["status"] in (ConnectionStatus.PLANNED, ConnectionStatus.SUSPENDED):
        await _tell_operator(
            tx, hub_id, party, info["status"], known=before is not None and before["status"] == info["status"]
        )
    await tx.notify(partners.DIRECTORY)
    return before is None


async def keep_all(tx: WriteTx, hub_id: int, infos: Iterable[JsonObject]) -> None:
    for info in infos:
        await keep(tx, hub_id, info)


async def _tell_operator(tx: WriteTx, hub_id: int, party: PartyId, status: str, *, known: bool) -> None:
    if not known:
        words = (
            "will be reachable soon"
            if status == ConnectionStatus.PLANNED
            else "is gone: settle open business by other means"
        )
        await partners.change(tx, hub_id, alert=f"{party} {words} ({status})")
