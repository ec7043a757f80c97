"""Tables of the outbox: what a partner does not know yet, and the state of the lane to each partner."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from ocpi_party.database import metadata

OUTBOX_MARKS = Table(
    "outbox_marks",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), nullable=False),
    Column("party", Text, nullable=False, comment="the partner's party that is told, COUNTRY*PARTY"),
    Column("module", Text, nullable=False),
    Column("rank", Integer, nullable=False, comment="tariffs go before the locations that refer to them"),
    Column("ref", Text, nullable=False, comment="the object: COUNTRY*PARTY/id…"),
    Column("version", Integer, nullable=False, server_default=text("1"), comment="moves with each change"),
    Column("patch", JSON, comment="the fields that changed; NULL when the whole object must be told"),
    Column(
        "state",
        Text,
        nullable=False,
        server_default=text("'WAITING'"),
        comment="WAITING, PAUSED while the operator has switched it off, or REFUSED by the partner",
    ),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    Column("marked_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    UniqueConstraint("partner_id", "party", "module", "ref", name="outbox_marks_key"),
    Index("outbox_marks_order_idx", "partner_id", "party", "state", "rank", "seq"),
)

OUTBOX_LANES = Table(
    "outbox_lanes",
    metadata,
    Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), primary_key=True),
    Column("party", Text, primary_key=True),
    Column("leased_until", DateTime(timezone=True)),
    Column("lease", Text, comment="who holds it; changes with each claim"),
    Column(
        "failures", Integer, nullable=False, server_default=text("0"), comment="in a row; the breaker is open while > 0"
    ),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("delivered", BigInteger, nullable=False, server_default=text("0")),
    Column("last_success_at", DateTime(timezone=True)),
    Column("last_failure_at", DateTime(timezone=True)),
    Column("last_error", Text),
)
