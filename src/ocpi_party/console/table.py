"""Tables of the people at the console, of their sessions, and of how often signing in was tried."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from ocpi_party.database import metadata

_NOW = text("now()")

CONSOLE_USERS = Table(
    "console_users",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False, comment="Argon2id, with its salt and parameters"),
    Column("scope", Text, nullable=False, comment="as of an API key"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=_NOW, comment="the password"),
    Index("console_users_name_key", text("lower(name)"), unique=True),
)

CONSOLE_SESSIONS = Table(
    "console_sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="HMAC-SHA256 of the cookie"),
    Column("key_digest", LargeBinary, comment="of the API key that somebody signed in with"),
    Column("user_id", BigInteger, ForeignKey("console_users.id", ondelete="CASCADE")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("num_nonnulls(key_digest, user_id) = 1", name="somebody"),
    Index(None, "expires_at"),
    Index(None, "user_id"),
)

CONSOLE_ATTEMPTS = Table(
    "console_attempts",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="HMAC of what is counted: a name, an address, or both"),
    Column("attempts", Integer, nullable=False, comment="to sign in, that did not succeed"),
    Column("until", DateTime(timezone=True), nullable=False, comment="when counting begins anew"),
    Index(None, "until"),
)
