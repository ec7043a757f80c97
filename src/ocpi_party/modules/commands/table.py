"""The table of reservations at our charge points."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSON

from ocpi_party.database import metadata

RESERVATIONS = Table(
    "reservations",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, comment="what a station is told"),
    Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), nullable=False),
    Column("ours", Text, nullable=False, comment="our CPO, COUNTRY*PARTY"),
    Column("theirs", Text, nullable=False, comment="the eMSP, COUNTRY*PARTY"),
    Column("location_key", Text, nullable=False),
    Column("reservation_key", Text, nullable=False, comment="the eMSP's id, in upper case"),
    Column(
        "state",
        Text,
        nullable=False,
        server_default=text("'REQUESTED'"),
        comment="REQUESTED, ACTIVE, FAILED, WITHDRAWN by the eMSP or CANCELED by us",
    ),
    Column("request_id", BigInteger, comment="the newest RESERVE_NOW that counts: its response_url is kept"),
    Column("document", JSON, nullable=False, comment="of that RESERVE_NOW"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("partner_id", "ours", "theirs", "location_key", "reservation_key", name="reservations_key"),
    Index(None, "partner_id", "theirs", "reservation_key"),
    Index(None, "expires_at"),
    Index(None, "request_id"),
)
