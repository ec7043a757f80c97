"""The parties behind a hub. Who is OFFLINE is told nothing until it is back, then what it does not know, as it stands then.

OCPI 2.2.1, HubClientInfo, "ConnectionStatus", and Offline behaviour.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from ocpi_party.database import ReadTx, Statement, WriteTx
from ocpi_party.events import repository as events
from ocpi_party.events.repository import EventType
from ocpi_party.modules.cdrs.open_business import undelivered
from ocpi_party.ocpi.client_info import ConnectionStatus
from ocpi_party.ocpi.types import JsonObject, PartyId, encode, fold, parse_time
from ocpi_party.outbox import following, lanes, marking
from ocpi_party.partners import repository as partners
from ocpi_party.partners.table import DIRECTORY

BEHIND_HUB = "behind the hub: "
"""How alerts about such a party begin."""

_NEWEST = Statement(
    """SELECT convert_to(document::text, 'UTF8') FROM partner_parties
        WHERE partner_id = :partner_id AND owner = :owner AND document IS NOT NULL ORDER BY last_updated DESC, role LIMIT 1"""
)
_KNOWN = Statement(
    """SELECT status, last_updated FROM partner_parties
        WHERE partner_id = :partner_id AND owner = :owner AND role = :role FOR UPDATE"""
)
# Whatever a party has that we did not know of it is news: it was away for ever.
_KEEP = Statement(
    """
    INSERT INTO partner_parties AS k
           (partner_id, owner, role, country_code, party_id, source, status, last_updated, document, away_since)
    VALUES (:partner_id, :owner, :role, :country_code, :party_id, 'hub', :status, :at, CAST(:document AS json), to_timestamp(0))
    ON CONFLICT (partner_id, owner, role) DO UPDATE
       SET status = excluded.status, last_updated = excluded.last_updated, document = excluded.document,
           rev = nextval('revisions'), unlisted_since = NULL,
           away_since = CASE WHEN k.status = 'CONNECTED' AND excluded.status <> 'CONNECTED'
                             THEN COALESCE(k.away_since, now()) ELSE k.away_since END
     WHERE CAST(:since AS bigint) IS NULL OR k.rev <= :since OR k.last_updated < excluded.last_updated
    RETURNING away_since
    """
)
_OVERLAP = timedelta(minutes=5)
"""What changed so shortly before a party went away, it may have missed as well."""


async def newest(tx: ReadTx, hub_id: int, party: PartyId) -> bytes | None:
    found: bytes | None = await tx.value(_NEWEST, partner_id=hub_id, owner=str(party))
    return found


async def keep(tx: WriteTx, hub_id: int, info: JsonObject, *, since: int | None = None) -> bool:
    """Store a ClientInfo, one record for each role of a party (AMB-57). True, if it is new.

    since  what has a higher rev came meanwhile, and gives way only to a newer state; None, if it gives way in any case
    """
    party = PartyId(info["country_code"], info["party_id"]).folded()
    role = fold(info["role"])
    named = {"partner_id": hub_id, "owner": str(party), "role": role}
    known = await tx.row(_KNOWN, **named)
    kept = await tx.row(
        _KEEP,
        **named,
        country_code=info["country_code"],
        party_id=info["party_id"],
        status=info["status"],
        at=parse_time(info["last_updated"]),
        document=encode(info).decode(),
        since=since,
    )
    if kept is None:
        return False
    before = known["status"] if known else None
    if before != info["status"]:
        await _changed(tx, hub_id, party, role, info["status"], before, kept["away_since"])
        await tx.notify(DIRECTORY)
    return known is None


_NOT_LISTED = """partner_id = :partner_id AND owner || '/' || role = ANY(CAST(:refs AS text[])) AND rev <= :before
                 AND source = 'hub'"""
_AWAY = Statement(
    f"""UPDATE partner_parties SET status = 'OFFLINE', away_since = COALESCE(away_since, now())
         WHERE {_NOT_LISTED} AND unlisted_since IS NOT NULL AND status = 'CONNECTED'
        RETURNING owner, role, away_since"""
)
_DOUBT = Statement(f"UPDATE partner_parties SET unlisted_since = now() WHERE {_NOT_LISTED} AND unlisted_since IS NULL")


async def unlist(tx: WriteTx, hub_id: int, refs: Sequence[str], before: int) -> bool:
    """The hub's whole list does not show these. Whom the one before did not show either is away, as if OFFLINE.

    It is not SUSPENDED, for the hub did not say so: it is told what it missed, if it is listed again.

    refs     COUNTRY*PARTY/ROLE
    before   whom the hub told of with a higher revision, it told of meanwhile
    Returns  whether some are missing for the first time
    """
    missing = {"partner_id": hub_id, "refs": list(refs), "before": before}
    for row in await tx.rows(_AWAY, **missing):
        party, status = PartyId.parse(row["owner"]), ConnectionStatus.OFFLINE
        await _changed(
            tx, hub_id, party, row["role"], status, ConnectionStatus.CONNECTED, row["away_since"], listed=False
        )
        await tx.notify(DIRECTORY)
    return await tx.run(_DOUBT, **missing) > 0


async def _changed(
    tx: WriteTx, hub_id: int, party: PartyId, role: str, status: str, before: str | None, away_since: datetime | None,
    *, listed: bool = True,
) -> None:  # fmt: skip
    await following.follow(tx, [str(party)])
    words = f"{BEHIND_HUB}{party} ({role}) "
    open_business: list[str] = []
    if status == ConnectionStatus.CONNECTED:
        if before == ConnectionStatus.OFFLINE and away_since is not None:
            hub = await partners.get(tx, hub_id)
            broadcast = hub.quirks.get("broadcast", ()) if hub else ()
            since = away_since - _OVERLAP
            await marking.mark_changed_since(tx, hub_id, str(party), role, since, broadcast)
        await lanes.wake(tx, hub_id, str(party))
        await partners.settle_alert(tx, hub_id, words)
    elif not listed:
        await _alert(tx, hub_id, f"{words}is not in the hub's full list any more, and is told nothing (OFFLINE)")
    elif status != ConnectionStatus.OFFLINE:
        given_up = await marking.give_up(tx, hub_id, str(party), role)
        open_business = await undelivered(tx, given_up)
        await _alert(tx, hub_id, words + _why(status, open_business))
    data = {"partner": hub_id, "country_code": party.country_code, "party_id": party.party_id, "role": role}
    told = data | {"status": status, "before": before, "listed": listed, "cdrs_not_delivered": open_business}
    await events.tell(tx, EventType.PARTY_CHANGED, f"partners/{hub_id}", told, partner_id=hub_id)


def _why(status: str, open_business: Sequence[str]) -> str:
    if status == ConnectionStatus.PLANNED:
        return "will be reachable soon (PLANNED): get into contact with it"
    cdrs = f": {len(open_business)} CDRs are not delivered, {', '.join(open_business[:5])} …" if open_business else ""
    return f"is gone (SUSPENDED), settle open business by other means{cdrs}"


async def _alert(tx: WriteTx, hub_id: int, text: str) -> None:
    """For people, who see the last one; another alert of this partner is more urgent and stays."""
    row = await partners.facts(tx, hub_id)
    if row is not None and (row["alert"] or BEHIND_HUB).startswith(BEHIND_HUB):
        await partners.alert(tx, hub_id, text)
