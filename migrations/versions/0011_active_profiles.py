"""What EVSEs are planning for sessions, and who hears of it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "chargingprofiles1"
down_revision: str | None = "commands1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "active_charging_profiles",
        sa.Column("session_seq", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False, comment="ActiveChargingProfile"),
        sa.Column("calculated_at", sa.DateTime(timezone=True), nullable=False, comment="its start_date_time"),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_seq"],
            ["sessions.seq"],
            name=op.f("active_charging_profiles_session_seq_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_seq", name=op.f("active_charging_profiles_pkey")),
        comment="of our sessions as our system told it, of others as their CPO did",
    )
    op.create_table(
        "charging_profile_senders",
        sa.Column("session_seq", sa.BigInteger(), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False, comment="the party of the partner, COUNTRY*PARTY"),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("charging_profile_senders_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_seq"],
            ["sessions.seq"],
            name=op.f("charging_profile_senders_session_seq_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_seq", "partner_id", "party", name=op.f("charging_profile_senders_pkey")),
        comment="who has successfully set a profile for a session of ours, and hears of each change",
    )


def downgrade() -> None:
    op.drop_table("charging_profile_senders")
    op.drop_table("active_charging_profiles")
