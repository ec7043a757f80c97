"""Tokens."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "tokens1"
down_revision: str | None = "cdrs1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "tokens",
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
        sa.PrimaryKeyConstraint("seq", name=op.f("tokens_pkey")),
        sa.UniqueConstraint("partner_id", "addressee", "owner", "key", name="tokens_key"),
    )
    op.create_index("tokens_key_idx", "tokens", ["key", "owner"], unique=False)
    op.create_index(
        "tokens_own_changed_idx",
        "tokens",
        ["owner", "audience", "last_updated"],
        unique=False,
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["seq"],
    )
    op.create_index(
        "tokens_own_idx",
        "tokens",
        ["owner", "audience", "seq"],
        unique=False,
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["rev", "last_updated"],
    )
    op.create_index(
        "tokens_theirs_idx", "tokens", ["partner_id", "seq"], unique=False, postgresql_where=sa.text("partner_id <> 0")
    )
    op.execute("SELECT count_listing('tokens')")


def downgrade() -> None:
    op.drop_index("tokens_theirs_idx", table_name="tokens", postgresql_where=sa.text("partner_id <> 0"))
    op.drop_index(
        "tokens_own_idx",
        table_name="tokens",
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["rev", "last_updated"],
    )
    op.drop_index(
        "tokens_own_changed_idx",
        table_name="tokens",
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["seq"],
    )
    op.drop_index("tokens_key_idx", table_name="tokens")
    op.drop_table("tokens")
