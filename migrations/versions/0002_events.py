"""What happened, and the webhooks that are told."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="the object or partner it is about"),
        sa.Column("partner_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("events_pkey")),
    )
    op.execute("ALTER TABLE events ADD COLUMN xact xid8 NOT NULL DEFAULT pg_current_xact_id()")
    op.create_index(op.f("events_at_idx"), "events", ["at"], unique=False)
    op.create_index(op.f("events_subject_seq_idx"), "events", ["subject", "seq"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False, comment="signs what is sent; encrypted with the row id"),
        sa.Column(
            "types",
            sa.JSON(),
            nullable=True,
            comment="types of events wanted, a * at the end matches the rest; NULL: all",
        ),
        sa.Column(
            "asked",
            sa.Text(),
            nullable=True,
            comment="the question it answers; NULL: it is told events",
        ),
        sa.Column("timeout_ms", sa.Integer(), nullable=True, comment="how long it may take to answer a question"),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "cursor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="seq of the last event delivered",
        ),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("delivered", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("webhooks_pkey")),
    )


def downgrade() -> None:
    op.drop_table("webhooks")
    op.drop_index(op.f("events_subject_seq_idx"), table_name="events")
    op.drop_index(op.f("events_at_idx"), table_name="events")
    op.drop_table("events")
