"""Tables of requests whose result comes later: those that partners made of us, and those that we made of partners."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from ocpi_party.database import metadata

REQUESTS = Sequence("requests", metadata=metadata)
"""Numbers of requests in both directions: one id is enough to name one."""

NOW = text("now()")


def _request_columns() -> list[Column[object]]:
    return [
        Column("id", BigInteger, primary_key=True, server_default=text("nextval('requests')")),
        Column("module", Text, nullable=False),
        Column("kind", Text, nullable=False, comment="what is asked for, in words of the module: START_SESSION"),
        Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), nullable=False),
        Column("ours", Text, nullable=False, comment="our party, COUNTRY*PARTY"),
        Column("theirs", Text, nullable=False, comment="their party, COUNTRY*PARTY; '' if it is not known"),
        Column("ref", Text, nullable=False, server_default=text("''"), comment="what it is about, folded"),
        Column("request", JSON, nullable=False, comment="without response_url"),
        Column("deadline", DateTime(timezone=True), nullable=False),
    ]


INBOUND_REQUESTS = Table(
    "inbound_requests",
    metadata,
    *_request_columns(),
    Column("fingerprint", LargeBinary, nullable=False, comment="equal for the same request with the same response_url"),
    Column("response_url", Text, nullable=False, comment="may hold a secret of the partner: not to be logged"),
    Column("response", JSON, nullable=False, comment="what we answered at once"),
    Column("on_timeout", JSON, nullable=False, comment="the result, if none comes before the deadline"),
    Column(
        "number", BigInteger, comment="our number of what it is about, where the partner's id must not reach a station"
    ),
    Column(
        "asked_until",
        DateTime(timezone=True),
        comment="until then somebody finds out whether it is taken; NULL: the response stands",
    ),
    Column(
        "silence",
        Text,
        comment="why the operator's system did not say whether it is taken, in words for the operator alone",
    ),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column(
        "state",
        Text,
        nullable=False,
        server_default=text("'PENDING'"),
        comment="PENDING, RESULTED, TIMED_OUT, or REFUSED at once",
    ),
    Column("result", JSON),
    Column("resulted_at", DateTime(timezone=True)),
    Index(None, "partner_id", "fingerprint"),
    Index(None, "module", "ref", "id"),
    Index("inbound_requests_overdue_idx", "deadline", postgresql_where=text("state = 'PENDING'")),
    Index("inbound_requests_over_idx", "module", "deadline", postgresql_where=text("state <> 'PENDING'")),
    Index(
        "inbound_requests_reference_idx",
        text("upper(request ->> 'authorization_reference')"),
        postgresql_where=text("request ->> 'authorization_reference' IS NOT NULL"),
    ),
    comment="what partners asked of us and hear the result of later",
)

RESULTS_DUE = Table(
    "results_due",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("request_id", BigInteger, ForeignKey("inbound_requests.id", ondelete="CASCADE"), nullable=False),
    Column("partner_id", BigInteger, nullable=False),
    Column("document", JSON, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'DUE'"), comment="DUE, DELIVERED, REFUSED or GIVEN_UP"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("next_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("give_up_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("lease", Text, nullable=False, server_default=text("''")),
    Column("settled_at", DateTime(timezone=True)),
    Column("error", Text, comment="of the last attempt, in words"),
    Index(None, "request_id", "id"),
    Index("results_due_undelivered_idx", "id", postgresql_where=text("state <> 'DELIVERED'")),
    Index("results_due_next_idx", "next_at", postgresql_where=text("state = 'DUE'")),
    comment="results to be POSTed to a response_url, those of one request in order",
)

OUTBOUND_REQUESTS = Table(
    "outbound_requests",
    metadata,
    *_request_columns(),
    Column(
        "secret_digest", LargeBinary, nullable=False, unique=True, comment="HMAC of the secret in the call-back URL"
    ),
    Column("sent_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("expires_at", DateTime(timezone=True), nullable=False, comment="no result is taken after it"),
    Column(
        "state",
        Text,
        nullable=False,
        server_default=text("'WAITING'"),
        comment="WAITING, RESULTED, TIMED_OUT, REFUSED (no result follows) or FAILED (it did not reach the partner)",
    ),
    Column("response", JSON, comment="what the partner answered at once"),
    Column("error", Text, comment="why there is no response, in words"),
    Column("results", JSON, nullable=False, server_default=text("'[]'"), comment="[{at, result}], oldest first"),
    Index(None, "module", "ref", "id"),
    Index(None, "partner_id"),
    Index("outbound_requests_overdue_idx", "deadline", postgresql_where=text("state = 'WAITING'")),
    Index("outbound_requests_over_idx", "module", "expires_at", postgresql_where=text("state <> 'WAITING'")),
    Index(
        "outbound_requests_reference_idx",
        text("upper(request ->> 'authorization_reference')"),
        postgresql_where=text("request ->> 'authorization_reference' IS NOT NULL"),
    ),
    Index(
        "outbound_requests_reservation_idx",
        text("upper(request ->> 'reservation_id')"),
        postgresql_where=text("kind = 'RESERVE_NOW'"),
    ),
    comment="what we asked of partners and hear the result of later",
)
