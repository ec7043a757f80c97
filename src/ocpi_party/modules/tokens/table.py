"""Tables of tokens: their key is `UID TYPE`, because a uid alone names no token; and what is kept of authorizations."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from ocpi_party.database import metadata
from ocpi_party.owned.table import owned_table

_NOW = text("now()")

TOKENS = owned_table("tokens", shown_as="(document->>'uid') || ' ' || replace(document->>'type', ' ', '_')")
# A card at a charge point tells its uid alone: neither which eMSP it is of, nor through which partner we know it.
Index("tokens_key_idx", TOKENS.c.key, TOKENS.c.owner)

TOKEN_RULES = Table(
    "token_rules",
    metadata,
    Column("token_seq", BigInteger, ForeignKey("tokens.seq", ondelete="CASCADE"), primary_key=True),
    Column("rules", JSON, nullable=False, comment="TokenRules: what we answer when a CPO asks whether it may be used"),
    comment="of our own tokens; no partner is told of them",
)

COMMAND_TOKENS = Table(
    "command_tokens",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), nullable=False),
    Column("addressee", Text, nullable=False, comment="our CPO that got the command, COUNTRY*PARTY"),
    Column("owner", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("location_id", Text, nullable=False, comment="in upper case"),
    Column("evse_uid", Text, comment="in upper case; NULL: any EVSE of the Location"),
    Column("reference", Text, comment="authorization_reference of the command"),
    Column("document", JSON, nullable=False, comment="the Token; it need not be known otherwise"),
    Column("request_id", BigInteger, comment="the command, as in inbound_requests"),
    Column("at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("good_until", DateTime(timezone=True), nullable=False),
    Index(None, "key"),
    Index(None, "good_until"),
    Index(None, "request_id"),
    comment="tokens of START_SESSION and RESERVE_NOW: their eMSP authorized them already",
)

AUTHORIZATIONS = Table(
    "authorizations",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("as_emsp", Boolean, nullable=False, comment="we were asked; false: we decided as CPO"),
    Column("partner_id", BigInteger, comment="who asked, or who was asked"),
    Column("cpo", Text, comment="where the driver stood, COUNTRY*PARTY"),
    Column("owner", Text, comment="of the token; NULL if nobody knows it"),
    Column("token", LargeBinary, nullable=False, comment="HMAC of uid and type: enough to find, not enough to tell"),
    Column("token_rev", BigInteger, comment="tokens.rev that was decided on"),
    Column("allowed", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("reference", Text, comment="authorization_reference, as the Session and the CDR will carry it"),
    Column("location_id", Text, comment="in upper case"),
    Column("evse_uids", ARRAY(Text), comment="in upper case"),
    Column("correlation_id", Text, comment="of the request to or from the partner"),
    Index(None, "token", "at"),
    Index(None, "at"),
    Index(None, "reference", postgresql_where=text("reference IS NOT NULL")),
    comment="authorizations given and taken; personal data stays in tokens",
)
