"""Tables of events and of the webhooks that want them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from ocpi_party.database import TransactionId, metadata

EVENTS = Table(
    "events",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("xact", TransactionId, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False, comment="the object or partner it is about"),
    Column("partner_id", BigInteger),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("data", JSON, nullable=False),
    Index("events_upper_subject_idx", text("upper(subject)"), "seq"),
    Index(None, "at"),
)

WEBHOOKS = Table(
    "webhooks",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False, comment="signs what is sent; encrypted with the row id"),
    Column("types", JSON, comment="types of events wanted, a * at the end matches the rest; NULL: all"),
    Column("asked", Text, comment="the question it answers; NULL: it is told events"),
    Column("timeout_ms", Integer, comment="how long it may take to answer a question"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("cursor", BigInteger, nullable=False, server_default=text("0"), comment="seq of the last event delivered"),
    Column("leased_until", DateTime(timezone=True)),
    Column("lease", Text),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("delivered", BigInteger, nullable=False, server_default=text("0")),
    Column("last_success_at", DateTime(timezone=True)),
    Column("last_error", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)
