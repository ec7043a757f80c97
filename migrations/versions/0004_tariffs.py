"""Tariffs."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "tariffs1"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "tariffs",
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
        sa.Column(
            "expires",
            sa.Text(),
            sa.Computed("\"left\"(document->>'end_date_time', 19)", persisted=True),
            nullable=True,
            comment="Tariff.end_date_time, to the second",
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("tariffs_pkey")),
        sa.UniqueConstraint("partner_id", "addressee", "owner", "key", name="tariffs_key"),
    )
    op.create_index(
        "tariffs_own_changed_idx",
        "tariffs",
        ["owner", "audience", "last_updated"],
        unique=False,
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["seq"],
    )
    op.create_index(
        "tariffs_own_idx",
        "tariffs",
        ["owner", "audience", "seq"],
        unique=False,
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["rev", "last_updated"],
    )
    op.create_index(
        "tariffs_theirs_idx",
        "tariffs",
        ["partner_id", "seq"],
        unique=False,
        postgresql_where=sa.text("partner_id <> 0"),
    )
    op.execute("SELECT count_listing('tariffs')")


def downgrade() -> None:
    op.drop_index("tariffs_theirs_idx", table_name="tariffs", postgresql_where=sa.text("partner_id <> 0"))
    op.drop_index(
        "tariffs_own_idx",
        table_name="tariffs",
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["rev", "last_updated"],
    )
    op.drop_index(
        "tariffs_own_changed_idx",
        table_name="tariffs",
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["seq"],
    )
    op.drop_table("tariffs")
