"""Tables of our own parties, of partners, and of what is known of each."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
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
    UniqueConstraint,
    text,
)

from ocpi_party.database import metadata

NOW = text("now()")

DIRECTORY = "directory"
"""The channel on which every process hears that parties, partners or tokens changed."""

PARTIES = Table(
    "parties",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("country_code", Text, nullable=False),
    Column("party_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("owner", Text, nullable=False, comment="COUNTRY*PARTY in upper case"),
    Column("business_details", JSON, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    UniqueConstraint("owner", "role"),
    comment="our own parties",
)

PARTNERS = Table(
    "partners",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False, comment="INVITED, CONNECTING, CONNECTED or UNREGISTERED"),
    Column("version", Text),
    Column("versions_url", Text),
    Column("is_hub", Boolean, nullable=False, server_default=text("false")),
    Column("token_sent", LargeBinary, comment="the credentials token that we send, encrypted with the row id"),
    Column("token_encoding", Text, nullable=False, server_default=text("'base64'"), comment="base64 or raw (AMB-01)"),
    Column("quirks", JSON, nullable=False, server_default=text("'{}'")),
    Column("modules", JSON, comment="module ids exchanged with this partner; NULL for all"),
    Column("parties", JSON, comment="own parties agreed with this partner, COUNTRY*PARTY; NULL for all"),
    Column("push", Boolean, nullable=False, server_default=text("true")),
    Column("pull", Boolean, nullable=False, server_default=text("true")),
    Column("alert", Text, comment="what an operator must look at, in words"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("connected_at", DateTime(timezone=True)),
    Column("rotated_at", DateTime(timezone=True)),
    Column("last_contact_at", DateTime(timezone=True)),
    Column("renew_at", DateTime(timezone=True), comment="when its credentials are to be renewed; NULL: never"),
)

PARTNER_PARTIES = Table(
    "partner_parties",
    metadata,
    Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), primary_key=True),
    Column("owner", Text, primary_key=True, comment="COUNTRY*PARTY in upper case"),
    Column("role", Text, primary_key=True),
    Column("country_code", Text, nullable=False),
    Column("party_id", Text, nullable=False),
    Column("business_details", JSON),
    Column("source", Text, nullable=False, comment="credentials, or hub for a party behind a hub"),
    Column("status", Text, nullable=False, server_default=text("'CONNECTED'"), comment="ConnectionStatus"),
    Column("last_updated", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("document", JSON, comment="ClientInfo as the hub sent it"),
    Column(
        "away_since",
        DateTime(timezone=True),
        comment="when a party behind a hub went away, by our clock; NULL as soon as what it has since is going to be fetched",
    ),
    Column(
        "rev",
        BigInteger,
        nullable=False,
        server_default=text("nextval('revisions')"),
        comment="new whenever the hub tells of it",
    ),
    Column("unlisted_since", DateTime(timezone=True), comment="since when the hub's whole list has left it out"),
    Index(None, "owner", "role"),
)

PARTNER_ENDPOINTS = Table(
    "partner_endpoints",
    metadata,
    Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), primary_key=True),
    Column("module", Text, primary_key=True),
    Column("interface", Text, primary_key=True, comment="SENDER or RECEIVER"),
    Column("url", Text, nullable=False),
)

CREDENTIALS_TOKENS = Table(
    "credentials_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="HMAC-SHA256 of the token that a partner sends"),
    Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), nullable=False),
    Column("state", Text, nullable=False, comment="INVITATION, OFFERED (our request is still open) or ISSUED"),
    Column("issued_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("first_used_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Index(None, "partner_id"),
)

FINDINGS = Table(
    "findings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), nullable=False),
    Column("module", Text, nullable=False),
    Column("ref", Text, nullable=False, comment="the object: COUNTRY*PARTY/id…"),
    Column("pointer", Text, nullable=False, comment="JSON Pointer into the object"),
    Column("rule", Text, nullable=False),
    Column("times", Integer, nullable=False, server_default=text("1")),
    Column("first_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("last_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    UniqueConstraint("partner_id", "module", "ref", "pointer", "rule", name="findings_key"),
    Index(None, "last_at"),
    comment="where a partner deviates from the specification",
)

API_KEYS = Table(
    "api_keys",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("scopes", JSON, nullable=False, comment="read, write, admin"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("revoked_at", DateTime(timezone=True)),
)

SECRET_KEY = Table(
    "secret_key",
    metadata,
    Column("one", Boolean, CheckConstraint("one", name="one"), primary_key=True, server_default=text("true")),
    Column("proof", LargeBinary, nullable=False, comment="sealed with OCPI_SECRET_KEY; nothing stands in it"),
    comment="by which the key that this database belongs to is known again; one row at most",
)
