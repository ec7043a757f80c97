"""Which OCPI_SECRET_KEY the database belongs to: noted once, and compared whenever a process starts.

With another key no partner would be known and nothing could be told to any, and what is stored meanwhile would be lost to the
right one.
"""

from ocpi_party.database import Statement, WriteTx
from ocpi_party.partners.secrets import Vault


class WrongSecretKey(Exception):
    """The database belongs to another OCPI_SECRET_KEY."""


_NOTED = Statement("SELECT proof FROM secret_key")
_NOTE = Statement("INSERT INTO secret_key (proof) VALUES (:proof) ON CONFLICT DO NOTHING")
_SEALED = Statement(
    """SELECT id, token_sent AS sealed FROM partners WHERE token_sent IS NOT NULL
       UNION ALL SELECT id, secret FROM webhooks"""
)


async def claim(tx: WriteTx, vault: Vault) -> None:
    """The database belongs to this key, or does from now on: the first that comes is noted, if it opens what is there already.

    Raises WrongSecretKey
    """
    if await tx.value(_NOTED) is None:
        sealed = await tx.rows(_SEALED)
        # Where a key was once exchanged alone, some of it nobody can open any more.
        if sealed and all(vault.open(row["sealed"], row["id"]) is None for row in sealed):
            raise WrongSecretKey
        await tx.run(_NOTE, proof=vault.proof())
    # Of several processes that start at once the first has noted its own, which may be another.
    if not vault.proves(await tx.value(_NOTED)):
        raise WrongSecretKey


_FORGET = Statement("DELETE FROM secret_key")


async def replace(tx: WriteTx, vault: Vault) -> None:
    """The database belongs to this key from now on, whatever it belonged to before."""
    await tx.run(_FORGET)
    await tx.run(_NOTE, proof=vault.proof())
