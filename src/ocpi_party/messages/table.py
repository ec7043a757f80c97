"""The table of messages: a partition for each day, so that old ones go without a trace and without a vacuum."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, Index, Integer, LargeBinary, Sequence, Table, Text
from sqlalchemy import text as sql

from ocpi_party.database import TransactionId, metadata

MESSAGE_IDS = Sequence("message_ids", metadata=metadata)

MESSAGES = Table(
    "messages",
    metadata,
    Column("id", BigInteger, primary_key=True, server_default=sql("nextval('message_ids')")),
    Column("at", DateTime(timezone=True), primary_key=True, comment="when the request was sent, or came"),
    Column("xact", TransactionId, nullable=False, server_default=sql("pg_current_xact_id()")),
    Column("direction", Text, nullable=False, comment="inbound or outbound: who asked"),
    Column("partner_id", BigInteger, comment="NULL, if nobody knows who asked"),
    Column("module", Text),
    Column("ref", Text, comment="the object: COUNTRY*PARTY/id…, or as the URL names it"),
    Column("method", Text, nullable=False),
    Column("url", Text, nullable=False, comment="secrets masked"),
    Column("request_id", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("sender", Text, comment="OCPI-from of the request, COUNTRY*PARTY"),
    Column("receiver", Text, comment="OCPI-to of the request"),
    Column("http_status", Integer, comment="NULL: there was no answer"),
    Column("ocpi_status", Integer),
    Column("ok", Boolean, nullable=False),
    Column("error", Text),
    Column("seconds", Float, nullable=False),
    Column(
        "body", LargeBinary, nullable=False, comment="of the request, credentials tokens masked, cut off at a limit"
    ),
    Column("body_bytes", Integer, nullable=False, comment="its whole length"),
    Column("answer", LargeBinary, nullable=False),
    Column("answer_bytes", Integer, nullable=False),
    Index(None, "partner_id", "id"),
    Index(None, "correlation_id"),
    Index(None, "request_id"),
    Index("messages_ref_idx", sql('(upper(ref) COLLATE "C")'), "id", postgresql_where=sql("ref IS NOT NULL")),
    Index("messages_failed_idx", "id", postgresql_where=sql("NOT ok")),
    postgresql_partition_by="RANGE (at)",
    comment="OCPI requests and answers, both directions, secrets masked",
)
