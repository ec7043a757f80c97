"""Requests whose result comes later, to a response_url."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "callbacks1"
down_revision: str | None = "sessions1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("requests")))
    op.create_table(
        "inbound_requests",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("nextval('requests')"), nullable=False),
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="what is asked for, in words of the module: START_SESSION"
        ),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("ours", sa.Text(), nullable=False, comment="our party, COUNTRY*PARTY"),
        sa.Column("theirs", sa.Text(), nullable=False, comment="their party, COUNTRY*PARTY; '' if it is not known"),
        sa.Column("ref", sa.Text(), server_default=sa.text("''"), nullable=False, comment="what it is about, folded"),
        sa.Column("request", postgresql.JSON(astext_type=sa.Text()), nullable=False, comment="without response_url"),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "fingerprint",
            sa.LargeBinary(),
            nullable=False,
            comment="equal for the same request with the same response_url",
        ),
        sa.Column(
            "response_url", sa.Text(), nullable=False, comment="may hold a secret of the partner: not to be logged"
        ),
        sa.Column(
            "response", postgresql.JSON(astext_type=sa.Text()), nullable=False, comment="what we answered at once"
        ),
        sa.Column(
            "on_timeout",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=False,
            comment="the result, if none comes before the deadline",
        ),
        sa.Column(
            "number",
            sa.BigInteger(),
            nullable=True,
            comment="our number of what it is about, where the partner's id must not reach a station",
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "state",
            sa.Text(),
            server_default=sa.text("'PENDING'"),
            nullable=False,
            comment="PENDING, RESULTED or TIMED_OUT",
        ),
        sa.Column("result", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.Column("resulted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("inbound_requests_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("inbound_requests_pkey")),
        comment="what partners asked of us and hear the result of later",
    )
    op.create_index(
        op.f("inbound_requests_module_ref_id_idx"), "inbound_requests", ["module", "ref", "id"], unique=False
    )
    op.create_index(
        "inbound_requests_overdue_idx",
        "inbound_requests",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    op.create_index(
        op.f("inbound_requests_partner_id_fingerprint_idx"),
        "inbound_requests",
        ["partner_id", "fingerprint"],
        unique=False,
    )
    op.create_table(
        "outbound_requests",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("nextval('requests')"), nullable=False),
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="what is asked for, in words of the module: START_SESSION"
        ),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("ours", sa.Text(), nullable=False, comment="our party, COUNTRY*PARTY"),
        sa.Column("theirs", sa.Text(), nullable=False, comment="their party, COUNTRY*PARTY; '' if it is not known"),
        sa.Column("ref", sa.Text(), server_default=sa.text("''"), nullable=False, comment="what it is about, folded"),
        sa.Column("request", postgresql.JSON(astext_type=sa.Text()), nullable=False, comment="without response_url"),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False, comment="HMAC of the secret in the call-back URL"),
        sa.Column("sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="no result is taken after it"),
        sa.Column(
            "state",
            sa.Text(),
            server_default=sa.text("'WAITING'"),
            nullable=False,
            comment="WAITING, RESULTED, TIMED_OUT, REFUSED (no result follows) or FAILED (it did not reach the partner)",
        ),
        sa.Column(
            "response",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=True,
            comment="what the partner answered at once",
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="why there is no response, in words"),
        sa.Column(
            "results",
            postgresql.JSON(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="[{at, result}], oldest first",
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("outbound_requests_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("outbound_requests_pkey")),
        sa.UniqueConstraint("secret_digest", name=op.f("outbound_requests_secret_digest_key")),
        comment="what we asked of partners and hear the result of later",
    )
    op.create_index(
        op.f("outbound_requests_module_ref_id_idx"), "outbound_requests", ["module", "ref", "id"], unique=False
    )
    op.create_index(
        "outbound_requests_overdue_idx",
        "outbound_requests",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("state = 'WAITING'"),
    )
    op.create_index(op.f("outbound_requests_partner_id_idx"), "outbound_requests", ["partner_id"], unique=False)
    op.create_table(
        "results_due",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Text(),
            server_default=sa.text("'DUE'"),
            nullable=False,
            comment="DUE, DELIVERED, REFUSED or GIVEN_UP",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True, comment="of the last attempt, in words"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["inbound_requests.id"], name=op.f("results_due_request_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("results_due_pkey")),
        comment="results to be POSTed to a response_url, those of one request in order",
    )
    op.create_index(
        "results_due_next_idx", "results_due", ["next_at"], unique=False, postgresql_where=sa.text("state = 'DUE'")
    )
    op.create_index(op.f("results_due_request_id_id_idx"), "results_due", ["request_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("results_due_request_id_id_idx"), table_name="results_due")
    op.drop_index("results_due_next_idx", table_name="results_due", postgresql_where=sa.text("state = 'DUE'"))
    op.drop_table("results_due")
    op.drop_index(op.f("outbound_requests_partner_id_idx"), table_name="outbound_requests")
    op.drop_index(
        "outbound_requests_overdue_idx", table_name="outbound_requests", postgresql_where=sa.text("state = 'WAITING'")
    )
    op.drop_index(op.f("outbound_requests_module_ref_id_idx"), table_name="outbound_requests")
    op.drop_table("outbound_requests")
    op.drop_index(op.f("inbound_requests_partner_id_fingerprint_idx"), table_name="inbound_requests")
    op.drop_index(
        "inbound_requests_overdue_idx", table_name="inbound_requests", postgresql_where=sa.text("state = 'PENDING'")
    )
    op.drop_index(op.f("inbound_requests_module_ref_id_idx"), table_name="inbound_requests")
    op.drop_table("inbound_requests")
    op.execute(sa.schema.DropSequence(sa.Sequence("requests")))
