"""Table of tariffs."""

from collections.abc import Sequence

from sqlalchemy import Column, Computed, Text

from ocpi_party.database import ReadTx
from ocpi_party.owned import repository
from ocpi_party.owned.table import owned_table

TARIFFS = owned_table(
    "tariffs",
    Column(
        "expires",
        Text,
        # A text, because PostgreSQL generates no moment from one; all of them are in UTC, and sort as they stand.
        Computed("\"left\"(document->>'end_date_time', 19)", persisted=True),
        comment="Tariff.end_date_time, to the second",
    ),
    Column("shown_to", Text, comment="of one that has ended: its audience until then"),
)


async def documents(tx: ReadTx, seqs: Sequence[int]) -> list[tuple[int, int, bytes]]:
    """(seq, rev, document) of these rows."""
    return await repository.documents(tx, TARIFFS, seqs)
