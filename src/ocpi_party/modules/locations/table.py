"""Tables of locations; EVSEs are rows of their own, because their status is the most frequent write."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from ocpi_party.database import metadata
from ocpi_party.owned.table import owned_table

LOCATIONS = owned_table(
    "locations",
    # last_updated as the wire spells it. It moves with every change of an EVSE, so it stands beside the document, which then
    # need not be rewritten; evses and last_updated are put into it when it is read.
    Column("stamp", Text, nullable=False),
)

EVSES = Table(
    "evses",
    metadata,
    Column("pk", BigInteger, Identity(always=True), primary_key=True),
    Column("location_seq", BigInteger, ForeignKey("locations.seq", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False, comment="EVSE.uid in upper case"),
    Column("place", Integer, nullable=False, comment="its place in the Location's list"),
    Column("last_updated", DateTime(timezone=True), nullable=False),
    Column(
        "gone", Boolean, nullable=False, server_default=text("false"), comment="missing from a replacing PUT (AMB-36)"
    ),
    Column("document", JSON, nullable=False),
    UniqueConstraint("location_seq", "key"),
)
