"""Tables of charging profiles: what is planned for a session, and who is to be told when that changes."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Table, Text, text
from sqlalchemy.dialects.postgresql import JSON

from ocpi_party.database import metadata

ACTIVE_CHARGING_PROFILES = Table(
    "active_charging_profiles",
    metadata,
    Column("session_seq", BigInteger, ForeignKey("sessions.seq", ondelete="CASCADE"), primary_key=True),
    Column("document", JSON, nullable=False, comment="ActiveChargingProfile"),
    Column("calculated_at", DateTime(timezone=True), nullable=False, comment="its start_date_time"),
    Column("told_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    comment="of our sessions as our system told it, of others as their CPO did",
)

CHARGING_PROFILE_SENDERS = Table(
    "charging_profile_senders",
    metadata,
    Column("session_seq", BigInteger, ForeignKey("sessions.seq", ondelete="CASCADE"), primary_key=True),
    Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), primary_key=True),
    Column("party", Text, primary_key=True, comment="the party of the partner, COUNTRY*PARTY"),
    Column("since", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    comment="who has successfully set a profile for a session of ours, and hears of each change",
)
