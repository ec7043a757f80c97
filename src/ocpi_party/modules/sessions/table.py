"""Tables of sessions, of what their drivers prefer, and of what a CPO of ours needs to know for that."""

from sqlalchemy import ARRAY, BigInteger, Column, Computed, DateTime, ForeignKey, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSON

from ocpi_party.database import metadata
from ocpi_party.owned.table import owned_table

SESSIONS = owned_table(
    "sessions",
    Column("status", Text, Computed("document ->> 'status'", persisted=True)),
    Column(
        "authorization_reference",
        Text,
        Computed("upper(document ->> 'authorization_reference')", persisted=True),
        comment="in upper case",
    ),
    # A session that has ended does not go on (AMB-45).
    stays="t.status IN ('COMPLETED', 'INVALID') AND excluded.status NOT IN ('COMPLETED', 'INVALID')",
)
Index(
    "sessions_authorization_reference_idx",
    SESSIONS.c.authorization_reference,
    postgresql_where=text("authorization_reference IS NOT NULL"),
)
Index(
    "sessions_unfinished_idx",
    SESSIONS.c.last_updated,
    postgresql_where=text("status NOT IN ('COMPLETED', 'INVALID') AND NOT gone"),
)
# An operator who looks for a session has its id, and seldom whose it is.
Index("sessions_id_idx", SESSIONS.c.key)
Index(
    "sessions_completed_idx",
    SESSIONS.c.last_updated,
    postgresql_where=text("status = 'COMPLETED' AND NOT gone"),
)
# Those that are old enough to be forgotten.
Index("sessions_own_age_idx", SESSIONS.c.last_updated, postgresql_where=text("partner_id = 0"))
Index("sessions_theirs_age_idx", SESSIONS.c.last_updated, postgresql_where=text("partner_id <> 0"))

CHARGING_PREFERENCES = Table(
    "charging_preferences",
    metadata,
    Column("session_seq", BigInteger, ForeignKey("sessions.seq", ondelete="CASCADE"), primary_key=True),
    Column("document", JSON, nullable=False),
    Column("result", Text, nullable=False, comment="ChargingPreferencesResponse"),
    Column("given_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    comment="the newest of each session: of ours those that we accepted, of others those that we sent",
)

CHARGING_PREFERENCES_RULES = Table(
    "charging_preferences_rules",
    metadata,
    Column("owner", Text, primary_key=True, comment="our CPO, COUNTRY*PARTY"),
    Column(
        "departure_time_required",
        ARRAY(Text),
        nullable=False,
        comment="ProfileTypes that cannot be had without a departure_time",
    ),
    Column("energy_need_required", ARRAY(Text), nullable=False, comment="likewise without an energy_need"),
)
