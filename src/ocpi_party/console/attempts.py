"""How often somebody may try a password: counted in the database, so that it holds for all processes.

A try counts before the password is looked at: those that are made at once do not slip through together.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from ocpi_party.database import Statement, WriteTx
from ocpi_party.ocpi.types import encode
from ocpi_party.partners.secrets import Vault

SPAN: Final = timedelta(minutes=15)
OF_NAME_FROM_ADDRESS: Final = 5
FROM_ADDRESS: Final = 30
OF_NAME: Final = 100
"""So high that nobody can lock out somebody else by a few wrong passwords, and too low to guess one."""

_COUNT = Statement(
    f"""INSERT INTO console_attempts AS a (digest, attempts, until) VALUES (:digest, 1, now() + interval '{SPAN.seconds} seconds')
        ON CONFLICT (digest) DO UPDATE
           SET attempts = CASE WHEN a.until <= now() THEN 1 ELSE a.attempts + 1 END,
               until = CASE WHEN a.until <= now() THEN excluded.until ELSE a.until END
        RETURNING attempts, until"""
)
_FORGIVE = Statement("DELETE FROM console_attempts WHERE digest = ANY(:digests)")
_TAKE_BACK = Statement("UPDATE console_attempts SET attempts = attempts - 1 WHERE digest = :digest AND attempts > 0")
_FORGET = Statement("DELETE FROM console_attempts WHERE until <= now()")


class TooMany(Exception):
    """Tried too often. until  when it may be tried again"""

    def __init__(self, until: datetime) -> None:
        super().__init__("too many attempts to sign in")
        self.until = until


async def count(tx: WriteTx, vault: Vault, name: str, address: str) -> None:
    """One more try of this name from this address. Raises TooMany; what is refused so does not count."""
    await tx.run(_FORGET)
    over = []
    # Always in one order: no two wait for each other.
    for digest, most in sorted(_counted(vault, name, address).items()):
        row = await tx.row(_COUNT, digest=digest)
        assert row is not None
        if row["attempts"] > most:
            over.append(row["until"])
    if over:
        raise TooMany(max(over))


async def forgive(tx: WriteTx, vault: Vault, name: str, address: str) -> None:
    """The password was right: what was tried before does not count any more, from other places neither."""
    both, from_address, of_name = _counted(vault, name, address)
    await tx.run(_FORGIVE, digests=[both, of_name])
    await tx.run(_TAKE_BACK, digest=from_address)


def _counted(vault: Vault, name: str, address: str) -> Mapping[bytes, int]:
    """What is counted, and how often it may be: of this name from this address, from the address, of the name."""
    name, network = name.lower(), _network(address)
    parts = ({"name": name, "from": network}, {"from": network}, {"name": name})
    digests = [vault.digest(encode(part).decode()) for part in parts]
    return dict(zip(digests, (OF_NAME_FROM_ADDRESS, FROM_ADDRESS, OF_NAME), strict=True))


def _network(address: str) -> str:
    """Of IPv6 the half that a provider gives to one customer."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return found.exploded[:19] if isinstance(found, IPv6Address) and found.ipv4_mapped is None else str(found)
