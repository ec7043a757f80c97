"""What other modules ask of Locations."""

from ocpi_party.database import ReadTx, Statement
from ocpi_party.ocpi.types import fold
from ocpi_party.owned.unlisted import left_out

_WITH_TARIFF = Statement(
    """SELECT l.document->>'id' AS location_id, e.document->>'uid' AS evse_uid, c->>'id' AS connector_id
         FROM locations l JOIN evses e ON e.location_seq = l.seq AND NOT e.gone AND e.document->>'status' <> 'REMOVED'
        CROSS JOIN LATERAL json_array_elements(e.document->'connectors') AS c
        WHERE l.partner_id = 0 AND l.owner = :owner AND NOT l.gone
          AND EXISTS (SELECT FROM json_array_elements_text(c->'tariff_ids') AS t(id) WHERE upper(t.id) = :tariff)
        ORDER BY l.seq, e.place LIMIT :most"""
)
_TIME_ZONE = Statement(
    """SELECT document->>'time_zone' FROM locations
        WHERE partner_id = :partner_id AND owner = :owner AND key = :key AND NOT gone ORDER BY last_updated DESC LIMIT 1"""
)
_IS_LISTED = Statement(
    f"SELECT bool_or(NOT {left_out('locations')}) FROM locations t WHERE owner = :owner AND key = :key AND NOT gone"
)


async def connectors_with_tariff(tx: ReadTx, owner: str, tariff_id: str, *, most: int) -> list[str]:
    """Connectors of ours that refer to this tariff, as LOC1/3256/1; those of removed EVSEs do not count."""
    rows = await tx.rows(_WITH_TARIFF, owner=owner, tariff=fold(tariff_id), most=most)
    return [f"{row['location_id']}/{row['evse_uid']}/{row['connector_id']}" for row in rows]


async def time_zone(tx: ReadTx, partner_id: int, owner: str, location_id: str) -> str | None:
    """Of a Location that came through this connection, or OURS; None if we do not have it."""
    found: str | None = await tx.value(_TIME_ZONE, partner_id=partner_id, owner=owner, key=fold(location_id))
    return found


async def is_listed(tx: ReadTx, owner: str, location_id: str) -> bool:
    """Whether its owner still lists a Location that we have: two whole lists in a row that do not show it say no."""
    return bool(await tx.value(_IS_LISTED, owner=owner, key=fold(location_id)))
