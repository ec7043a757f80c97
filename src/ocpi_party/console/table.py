"""Table of the sessions of people at the console."""

from sqlalchemy import Column, DateTime, Index, LargeBinary, Table, text

from ocpi_party.database import metadata

CONSOLE_SESSIONS = Table(
    "console_sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="HMAC-SHA256 of the cookie"),
    Column("key_digest", LargeBinary, nullable=False, comment="of the API key that somebody signed in with"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index(None, "expires_at"),
)
