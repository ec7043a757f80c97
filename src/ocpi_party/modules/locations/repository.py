"""Locations and their EVSEs in the database. Whoever changes an EVSE has locked its Location before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ocpi_party.database import ReadTx, Row, Statement, WriteTx
from ocpi_party.ocpi.types import JsonObject, document_of, encode, fold
from ocpi_party.owned.repository import Put
from ocpi_party.owned.table import Ref

_WHOLE = """left(l.document::text, -1) || COALESCE(',"evses":[' || (
                SELECT string_agg(e.document::text, ',' ORDER BY e.place, e.pk)
                  FROM evses e WHERE e.location_seq = l.seq AND NOT e.gone) || ']', '')
            || ',"last_updated":"' || l.stamp || '"}'"""
_THIS = "l.partner_id = :partner_id AND l.addressee = :addressee AND l.owner = :owner AND l.key = :key AND NOT l.gone"

_DOCUMENTS = Statement(
    f"SELECT l.seq, l.rev, convert_to({_WHOLE}, 'UTF8') AS document FROM locations l WHERE l.seq = ANY(:seqs)"
)
_LOCATION = Statement(f"SELECT convert_to({_WHOLE}, 'UTF8') FROM locations l WHERE {_THIS}")
_EVSE = Statement(
    f"""SELECT convert_to(e.document::text, 'UTF8') FROM locations l
          JOIN evses e ON e.location_seq = l.seq AND e.key = :evse AND NOT e.gone WHERE {_THIS}"""
)
_OWN = """FROM locations l WHERE l.partner_id = 0 AND l.addressee = '' AND l.owner = ANY(:owners) AND l.key = :key
            AND l.audience = ANY(:audiences) AND NOT l.gone"""
_OWN_LOCATION = Statement(f"SELECT convert_to({_WHOLE}, 'UTF8') AS document {_OWN}")
_OWN_EVSE = Statement(
    f"""SELECT convert_to(e.document::text, 'UTF8') AS document {
        _OWN.replace(
            "FROM locations l WHERE",
            "FROM locations l JOIN evses e ON e.location_seq = l.seq AND e.key = :evse AND NOT e.gone WHERE",
        )
    }"""
)


async def documents(tx: ReadTx, seqs: Sequence[int]) -> list[tuple[int, int, bytes]]:
    """(seq, rev, document) of whole Locations."""
    rows = await tx.rows(_DOCUMENTS, seqs=list(seqs))
    return [(r["seq"], r["rev"], r["document"]) for r in rows]


async def location(tx: ReadTx, ref: Ref) -> bytes | None:
    """A whole Location, its EVSEs in it."""
    found: bytes | None = await tx.value(_LOCATION, **ref._asdict())
    return found


async def evse(tx: ReadTx, ref: Ref, evse_uid: str) -> bytes | None:
    found: bytes | None = await tx.value(_EVSE, **ref._asdict(), evse=fold(evse_uid))
    return found


async def own(
    tx: ReadTx, location_id: str, evse_uid: str | None, owners: Sequence[str], audiences: Sequence[str]
) -> list[bytes]:
    """Our own Locations with this id, or their EVSEs with this uid: at most one for each owner (AMB-09)."""
    asked = {"key": fold(location_id), "owners": list(owners), "audiences": list(audiences)}
    rows = await (
        tx.rows(_OWN_LOCATION, **asked) if evse_uid is None else tx.rows(_OWN_EVSE, **asked, evse=fold(evse_uid))
    )
    return [row["document"] for row in rows]


_NEWEST_EVSE = Statement(
    """SELECT convert_to(e.document::text, 'UTF8') FROM locations l
         JOIN evses e ON e.location_seq = l.seq AND e.key = :evse AND NOT e.gone
        WHERE l.owner = :owner AND l.key = :key AND NOT l.gone
          AND (CAST(:partner AS bigint) IS NULL OR l.partner_id = :partner)
          AND (CAST(:addressee AS text) IS NULL OR l.addressee = :addressee)
        ORDER BY l.partner_id <> 0, l.last_updated DESC LIMIT 1"""
)


async def newest_evse(
    tx: ReadTx, owner: str, location_id: str, evse_uid: str, partner: int | None, addressee: str | None = None
) -> bytes | None:
    """An EVSE of ours, else the newest that a partner, or this partner, told us, or this party of ours."""
    found: bytes | None = await tx.value(
        _NEWEST_EVSE,
        owner=owner,
        key=fold(location_id),
        evse=fold(evse_uid),
        partner=partner,
        addressee=addressee and fold(addressee),
    )
    return found


def connector_of(evse_document: bytes, connector_id: str) -> bytes | None:
    """One connector out of an EVSE."""
    connectors = document_of(evse_document)["connectors"]
    return next((encode(c) for c in connectors if fold(c["id"]) == fold(connector_id)), None)


@dataclass(frozen=True, slots=True)
class LockedLocation:
    seq: int
    last_updated: datetime
    audience: str
    stamp: str
    document: JsonObject
    """Without evses and last_updated."""


@dataclass(frozen=True, slots=True)
class KnownEvse:
    last_updated: datetime
    document: JsonObject


_LOCK = Statement(
    f"SELECT l.seq, l.last_updated, l.audience, l.stamp, l.document FROM locations l WHERE {_THIS} FOR UPDATE"
)
_KNOWN = Statement("SELECT last_updated, document FROM evses WHERE location_seq = :seq AND key = :key AND NOT gone")
_ALL_KNOWN = Statement(
    "SELECT last_updated, document FROM evses WHERE location_seq = :seq AND NOT gone ORDER BY place, pk"
)


async def lock(tx: WriteTx, ref: Ref) -> LockedLocation | None:
    """The Location, it and its EVSEs unchanged by others until the transaction ends."""
    row = await tx.row(_LOCK, **ref._asdict())
    if row is None:
        return None
    return LockedLocation(row["seq"], row["last_updated"], row["audience"], row["stamp"], document_of(row["document"]))


async def known_evse(tx: ReadTx, location: LockedLocation, evse_uid: str) -> KnownEvse | None:
    row = await tx.row(_KNOWN, seq=location.seq, key=fold(evse_uid))
    return KnownEvse(row["last_updated"], document_of(row["document"])) if row else None


async def known_evses(tx: ReadTx, location: LockedLocation) -> list[KnownEvse]:
    rows: list[Row] = await tx.rows(_ALL_KNOWN, seq=location.seq)
    return [KnownEvse(row["last_updated"], document_of(row["document"])) for row in rows]


_PUT = Statement(
    """
    INSERT INTO locations AS t (partner_id, addressee, owner, key, last_updated, audience, document, stamp)
    VALUES (:partner_id, :addressee, :owner, :key, :at, :audience, CAST(:document AS json), :stamp)
    ON CONFLICT ON CONSTRAINT locations_key DO UPDATE
       SET last_updated = excluded.last_updated, audience = excluded.audience, document = excluded.document,
           stamp = excluded.stamp, rev = nextval('revisions'), gone = false
     WHERE :any_age OR t.gone OR t.last_updated <= excluded.last_updated OR t.last_updated > now() + interval '5 minutes'
    RETURNING seq, xmax = 0 AS created
    """
)
_HIDE_OTHERS = Statement("UPDATE evses SET gone = true WHERE location_seq = :seq AND NOT gone AND key <> ALL(:keys)")
# An EVSE that we know in a newer state keeps it: its own push was faster than that of the whole Location.
_KEEP = """NOT :any_age AND NOT t.gone AND t.last_updated > excluded.last_updated
           AND t.last_updated <= now() + interval '5 minutes'"""
_PUT_EVSES = Statement(
    f"""
    INSERT INTO evses AS t (location_seq, key, place, last_updated, document)
    SELECT :seq, key, place, last_updated, CAST(document AS json)
      FROM unnest(CAST(:keys AS text[]), CAST(:places AS int[]), CAST(:times AS timestamptz[]), CAST(:documents AS text[]))
           AS e(key, place, last_updated, document)
    ON CONFLICT (location_seq, key) DO UPDATE
       SET place = excluded.place, gone = false,
           last_updated = CASE WHEN {_KEEP} THEN t.last_updated ELSE excluded.last_updated END,
           document = CASE WHEN {_KEEP} THEN t.document ELSE excluded.document END
    """
)


@dataclass(frozen=True, slots=True)
class EvseRow:
    key: str
    last_updated: datetime
    document: bytes


async def put(
    tx: WriteTx,
    ref: Ref,
    document: bytes,
    at: datetime,
    stamp: str,
    evses: Sequence[EvseRow],
    *,
    audience: str,
    any_age: bool,
) -> Put | None:
    """Store a whole Location; EVSEs that it no longer has are hidden (AMB-36). None, if the one that we have is newer.

    document  without evses and last_updated
    """
    row = await tx.row(
        _PUT, **ref._asdict(), at=at, stamp=stamp, audience=audience, document=document.decode(), any_age=any_age
    )
    if row is None:
        return None
    if not row["created"]:
        await tx.run(_HIDE_OTHERS, seq=row["seq"], keys=[evse.key for evse in evses])
    if evses:
        await tx.run(
            _PUT_EVSES,
            seq=row["seq"],
            keys=[evse.key for evse in evses],
            places=list(range(len(evses))),
            times=[evse.last_updated for evse in evses],
            documents=[evse.document.decode() for evse in evses],
            any_age=any_age,
        )
    return Put(row["seq"], row["created"])


_STORE = Statement(
    """UPDATE locations SET document = CAST(:document AS json), last_updated = :at, stamp = :stamp, rev = nextval('revisions')
        WHERE seq = :seq"""
)
_STAYS = "last_updated > :moved_to AND last_updated <= now() + interval '5 minutes'"
_TOUCH = Statement(
    f"""
    WITH e AS (
        INSERT INTO evses AS t (location_seq, key, place, last_updated, document)
        VALUES (:seq, :key, (SELECT COALESCE(max(place) + 1, 0) FROM evses WHERE location_seq = :seq), :at, CAST(:document AS json))
        ON CONFLICT (location_seq, key) DO UPDATE
           SET last_updated = excluded.last_updated, document = excluded.document, gone = false
    )
    UPDATE locations SET rev = nextval('revisions'),
           last_updated = CASE WHEN {_STAYS} THEN last_updated ELSE CAST(:moved_to AS timestamptz) END,
           stamp = CASE WHEN {_STAYS} THEN stamp ELSE :stamp END
     WHERE seq = :seq
    """
)


async def store(tx: WriteTx, location: LockedLocation, document: bytes, at: datetime, stamp: str) -> None:
    """Keep what changed in the Location itself."""
    await tx.run(_STORE, seq=location.seq, document=document.decode(), at=at, stamp=stamp)


async def store_evse(tx: WriteTx, location: LockedLocation, evse: EvseRow, moved_to: datetime, stamp: str) -> None:
    """Keep an EVSE; its Location's last_updated moves with it, and backwards only from the time of a wrong clock.

    stamp  how the wire spells moved_to
    """
    await tx.run(
        _TOUCH,
        seq=location.seq,
        key=evse.key,
        document=evse.document.decode(),
        at=evse.last_updated,
        moved_to=moved_to,
        stamp=stamp,
    )
