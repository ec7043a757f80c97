"""A partner changes an object that we do not have: then we missed something, and fetch it (OWN-15, AMB-12, AMB-13)."""

from urllib.parse import unquote

from ocpi_party.ocpi.types import PartyId
from ocpi_party.transport.asked import Asked

_CHANGES = ("PATCH", "PUT")


async def fetch_missed(asked: Asked, method: str, path: str) -> None:
    """Have the list pulled that the object of this request should be in, if the object is the asker's.

    path  as it was sent: /ocpi/{side}/{version}/{module}/{country_code}/{party_id}/…
    """
    parts = path.split("/")
    if method not in _CHANGES or asked.module is None or len(parts) < 8:
        return
    owner = PartyId(unquote(parts[5]), unquote(parts[6])).folded()
    if not asked.may_own(owner):
        return
    async with asked.database.write() as tx:
        planned = await asked.house.missed(tx, asked.partner.id, asked.module)
    if planned:
        asked.house.wake()
