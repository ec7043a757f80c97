"""Reservations at our charge points."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "commands1"
down_revision: str | None = "callbacks1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "reservations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="what a station is told"),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("ours", sa.Text(), nullable=False, comment="our CPO, COUNTRY*PARTY"),
        sa.Column("theirs", sa.Text(), nullable=False, comment="the eMSP, COUNTRY*PARTY"),
        sa.Column("location_key", sa.Text(), nullable=False),
        sa.Column("reservation_key", sa.Text(), nullable=False, comment="the eMSP's id, in upper case"),
        sa.Column(
            "state",
            sa.Text(),
            server_default=sa.text("'REQUESTED'"),
            nullable=False,
            comment="REQUESTED, ACTIVE, FAILED, WITHDRAWN by the eMSP or CANCELED by us",
        ),
        sa.Column(
            "request_id",
            sa.BigInteger(),
            nullable=True,
            comment="the newest RESERVE_NOW that counts: its response_url is kept",
        ),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False, comment="of that RESERVE_NOW"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("reservations_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("reservations_pkey")),
        sa.UniqueConstraint("partner_id", "ours", "theirs", "location_key", "reservation_key", name="reservations_key"),
    )
    op.create_index(
        op.f("reservations_partner_id_theirs_reservation_key_idx"),
        "reservations",
        ["partner_id", "theirs", "reservation_key"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("reservations_partner_id_theirs_reservation_key_idx"), table_name="reservations")
    op.drop_table("reservations")
