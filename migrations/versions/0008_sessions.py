"""Sessions, and what their drivers prefer."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "sessions1"
down_revision: str | None = "tokens2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "charging_preferences_rules",
        sa.Column("owner", sa.Text(), nullable=False, comment="our CPO, COUNTRY*PARTY"),
        sa.Column(
            "departure_time_required",
            sa.ARRAY(sa.Text()),
            nullable=False,
            comment="ProfileTypes that cannot be had without a departure_time",
        ),
        sa.Column(
            "energy_need_required", sa.ARRAY(sa.Text()), nullable=False, comment="likewise without an energy_need"
        ),
        sa.PrimaryKeyConstraint("owner", name=op.f("charging_preferences_rules_pkey")),
    )
    op.create_table(
        "sessions",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="order of creation"),
        sa.Column("partner_id", sa.BigInteger(), nullable=False, comment="0: our own"),
        sa.Column("addressee", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("audience", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "rev",
            sa.BigInteger(),
            server_default=sa.text("nextval('revisions')"),
            nullable=False,
            comment="new with each write",
        ),
        sa.Column(
            "gone",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="hidden; kept for those who refer to it",
        ),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), sa.Computed("document ->> 'status'", persisted=True), nullable=True),
        sa.Column(
            "authorization_reference",
            sa.Text(),
            sa.Computed("upper(document ->> 'authorization_reference')", persisted=True),
            nullable=True,
            comment="in upper case",
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("sessions_pkey")),
        sa.UniqueConstraint("partner_id", "addressee", "owner", "key", name="sessions_key"),
    )
    op.create_index(
        "sessions_authorization_reference_idx",
        "sessions",
        ["authorization_reference"],
        unique=False,
        postgresql_where=sa.text("authorization_reference IS NOT NULL"),
    )
    op.create_index(
        "sessions_own_changed_idx",
        "sessions",
        ["owner", "audience", "last_updated"],
        unique=False,
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["seq"],
    )
    op.create_index(
        "sessions_own_idx",
        "sessions",
        ["owner", "audience", "seq"],
        unique=False,
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["rev", "last_updated"],
    )
    op.create_index(
        "sessions_theirs_idx",
        "sessions",
        ["partner_id", "seq"],
        unique=False,
        postgresql_where=sa.text("partner_id <> 0"),
    )
    op.create_index(
        "sessions_unfinished_idx",
        "sessions",
        ["last_updated"],
        unique=False,
        postgresql_where=sa.text("status NOT IN ('COMPLETED', 'INVALID') AND NOT gone"),
    )
    op.create_table(
        "charging_preferences",
        sa.Column("session_seq", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("result", sa.Text(), nullable=False, comment="ChargingPreferencesResponse"),
        sa.Column("given_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_seq"], ["sessions.seq"], name=op.f("charging_preferences_session_seq_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_seq", name=op.f("charging_preferences_pkey")),
        comment="the newest of each session: of ours those that we accepted, of others those that we sent",
    )
    op.execute("SELECT count_listing('sessions')")


def downgrade() -> None:
    op.drop_table("charging_preferences")
    op.drop_index(
        "sessions_unfinished_idx",
        table_name="sessions",
        postgresql_where=sa.text("status NOT IN ('COMPLETED', 'INVALID') AND NOT gone"),
    )
    op.drop_index("sessions_theirs_idx", table_name="sessions", postgresql_where=sa.text("partner_id <> 0"))
    op.drop_index(
        "sessions_own_idx",
        table_name="sessions",
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["rev", "last_updated"],
    )
    op.drop_index(
        "sessions_own_changed_idx",
        table_name="sessions",
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["seq"],
    )
    op.drop_index(
        "sessions_authorization_reference_idx",
        table_name="sessions",
        postgresql_where=sa.text("authorization_reference IS NOT NULL"),
    )
    op.drop_table("sessions")
    op.drop_table("charging_preferences_rules")
