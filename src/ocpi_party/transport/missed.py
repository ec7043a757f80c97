"""A partner changes an object that we do not have: then we missed something, and fetch it (OWN-15, AMB-12, AMB-13)."""

from ocpi_party.transport.asked import Asked
from ocpi_party.transport.paths import owner_in

_CHANGES = ("PATCH", "PUT")


async def fetch_missed(asked: Asked, method: str, path: str) -> None:
    """Have the list pulled that the object of this request should be in, if the object is the asker's.

    path  as it was sent
    """
    owner = owner_in(path)
    if method not in _CHANGES or asked.module is None or owner is None or not asked.may_own(owner):
        return
    async with asked.database.write() as tx:
        planned = await asked.house.missed(tx, asked.partner.id, asked.module)
    if planned:
        asked.house.wake()
