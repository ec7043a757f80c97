"""The messages exchanged with partners, by day."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "messages1"
down_revision: str | None = "partners2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("message_ids")))
    op.execute(
        """
        CREATE TABLE messages (
            id bigint NOT NULL DEFAULT nextval('message_ids'),
            at timestamptz NOT NULL,
            xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
            direction text NOT NULL,
            partner_id bigint,
            module text,
            ref text,
            method text NOT NULL,
            url text NOT NULL,
            request_id text NOT NULL,
            correlation_id text NOT NULL,
            sender text,
            receiver text,
            http_status integer,
            ocpi_status integer,
            ok boolean NOT NULL,
            error text,
            seconds double precision NOT NULL,
            body bytea NOT NULL,
            body_bytes integer NOT NULL,
            answer bytea NOT NULL,
            answer_bytes integer NOT NULL,
            CONSTRAINT messages_pkey PRIMARY KEY (id, at)
        ) PARTITION BY RANGE (at)
        """
    )
    op.execute("COMMENT ON TABLE messages IS 'OCPI requests and answers, both directions, secrets masked'")
    for column, comment in _COMMENTS.items():
        op.execute(f"COMMENT ON COLUMN messages.{column} IS '{comment}'")
    op.create_index(op.f("messages_partner_id_id_idx"), "messages", ["partner_id", "id"], unique=False)
    op.create_index(op.f("messages_correlation_id_idx"), "messages", ["correlation_id"], unique=False)
    op.create_index(op.f("messages_request_id_idx"), "messages", ["request_id"], unique=False)
    op.create_index(
        "messages_ref_idx",
        "messages",
        [sa.literal_column('(upper(ref) COLLATE "C")'), "id"],
        unique=False,
        postgresql_where=sa.text("ref IS NOT NULL"),
    )
    op.create_index("messages_failed_idx", "messages", ["id"], unique=False, postgresql_where=sa.text("NOT ok"))
    op.execute("COMMENT ON COLUMN inbound_requests.state IS 'PENDING, RESULTED, TIMED_OUT, or REFUSED at once'")
    for table in ("inbound_requests", "outbound_requests"):
        op.create_index(
            f"{table}_reference_idx",
            table,
            [sa.literal_column("upper(request ->> 'authorization_reference')")],
            postgresql_where=sa.text("request ->> 'authorization_reference' IS NOT NULL"),
        )
    op.create_index("sessions_id_idx", "sessions", ["key"])
    over = sa.text("status = 'COMPLETED' AND NOT gone")
    op.create_index("sessions_completed_idx", "sessions", ["last_updated"], postgresql_where=over)
    op.create_index("cdrs_last_updated_idx", "cdrs", ["last_updated"])


_COMMENTS = {
    "at": "when the request was sent, or came",
    "direction": "inbound or outbound: who asked",
    "partner_id": "NULL, if nobody knows who asked",
    "ref": "the object: COUNTRY*PARTY/id…, or as the URL names it",
    "url": "secrets masked",
    "sender": "OCPI-from of the request, COUNTRY*PARTY",
    "receiver": "OCPI-to of the request",
    "http_status": "NULL: there was no answer",
    "body": "of the request, credentials tokens masked, cut off at a limit",
    "body_bytes": "its whole length",
}


def downgrade() -> None:
    op.drop_index("cdrs_last_updated_idx", "cdrs")
    op.drop_index("sessions_completed_idx", "sessions")
    op.drop_index("sessions_id_idx", "sessions")
    for table in ("outbound_requests", "inbound_requests"):
        op.drop_index(f"{table}_reference_idx", table)
    op.execute("COMMENT ON COLUMN inbound_requests.state IS 'PENDING, RESULTED or TIMED_OUT'")
    op.drop_table("messages")
    op.execute(sa.schema.DropSequence(sa.Sequence("message_ids")))
