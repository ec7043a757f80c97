"""Our own Locations: through the operator's side, and many at once straight into the database."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpi_party.database import Statement
from ocpi_party.ocpi.types import JsonObject, PartyId, wire_time
from ocpi_party.partners.audience import EVERYBODY
from tests.objects import a_location
from tests.server import Server

OWA = PartyId("NL", "OWA")
DAY_ONE = datetime(2026, 3, 1, tzinfo=UTC)


def url(location_id: str, *part: str, owner: PartyId = OWA) -> str:
    """Where the operator finds one of our Locations."""
    return "/".join(["/api/locations", owner.country_code, owner.party_id, location_id, *part])


async def publish(server: Server, location_id: str = "LOC1", owner: PartyId = OWA, **changes: Any) -> JsonObject:
    """Put a Location of ours as the operator does."""
    body = a_location(owner, id=location_id, **changes)
    answer = await server.operator.put(url(location_id, owner=owner), json=body)
    assert answer.status_code in (200, 201), answer.text
    told: JsonObject = answer.json()
    return told


async def report(
    server: Server, status: str, location_id: str = "LOC1", evse_uid: str = "3256", **changes: Any
) -> None:
    """Change the status of an EVSE of ours as the operator does."""
    answer = await server.operator.patch(url(location_id, evse_uid), json={"status": status} | changes)
    assert answer.status_code == 200, answer.text


def at(minutes: float) -> str:
    """A moment of the first of March, as the wire spells it."""
    return wire_time(DAY_ONE + timedelta(minutes=minutes))


async def fill(server: Server, count: int, *, owner: PartyId = OWA, first: int = 1, audience: str = EVERYBODY) -> None:
    """Store many Locations L1, L2 …, each a minute younger than the one before, without EVSEs."""
    head = {k: v for k, v in a_location(owner, id="@").items() if k not in ("evses", "last_updated")}
    insert = Statement(
        """
        INSERT INTO locations (partner_id, owner, key, last_updated, audience, document, stamp)
        SELECT 0, :owner, 'L' || n, moment, :audience, CAST(replace(:head, '"@"', '"L' || n || '"') AS json),
               to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
          FROM (SELECT n, CAST(:start AS timestamptz) + n * interval '1 minute' AS moment
                  FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n) AS numbered ORDER BY n
        """
    )
    async with server.app.building.database.write() as tx:
        await tx.run(
            insert,
            owner=str(owner),
            audience=audience,
            head=json.dumps(head),
            start=DAY_ONE,
            first=first,
            last=first + count - 1,
        )
