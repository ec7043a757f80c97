"""The processes that share one database, and by which base of URLs partners are told to reach each: PostgreSQL lists it."""

from ocpi_party.database import ReadTx, Statement

_AT = "ocpi-party at "
_OTHERS = Statement(
    f"""SELECT DISTINCT substr(application_name, length('{_AT}') + 1) AS base FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE '{_AT}%'
           AND application_name <> current_setting('application_name') ORDER BY base"""
)


def listed_as(public_url: str) -> str:
    """The name of the connections of a process that hands out this base."""
    return _AT + public_url


async def other_bases(tx: ReadTx) -> list[str]:
    """The bases that other processes hand out, where they are not ours; of a long one the beginning."""
    return [row["base"] for row in await tx.rows(_OTHERS)]
