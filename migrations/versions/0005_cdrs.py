"""CDRs, and the URLs under which partners keep ours."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "cdrs1"
down_revision: str | None = "tariffs1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "cdrs",
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
            "session",
            sa.Text(),
            sa.Computed("upper(document->>'session_id')", persisted=True),
            nullable=True,
            comment="in upper case",
        ),
        sa.Column(
            "credits",
            sa.Text(),
            sa.Computed(
                "CASE WHEN document->>'credit' = 'true' THEN upper(document->>'credit_reference_id') END",
                persisted=True,
            ),
            nullable=True,
            comment="key of the CDR that this one takes back",
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("cdrs_pkey")),
        sa.UniqueConstraint("partner_id", "addressee", "owner", "key", name="cdrs_key"),
    )
    op.create_index(
        "cdrs_credited_once_idx",
        "cdrs",
        ["owner", "credits"],
        unique=True,
        postgresql_where=sa.text("partner_id = 0 AND credits IS NOT NULL"),
    )
    op.create_index(
        "cdrs_credits_idx",
        "cdrs",
        ["partner_id", "owner", "credits"],
        unique=False,
        postgresql_where=sa.text("credits IS NOT NULL"),
    )
    op.create_index("cdrs_id_idx", "cdrs", ["partner_id", "owner", "key"], unique=True)
    op.create_index(
        "cdrs_own_changed_idx",
        "cdrs",
        ["owner", "audience", "last_updated"],
        unique=False,
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["seq"],
    )
    op.create_index(
        "cdrs_own_idx",
        "cdrs",
        ["owner", "audience", "seq"],
        unique=False,
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["rev", "last_updated"],
    )
    op.create_index(
        "cdrs_session_idx",
        "cdrs",
        ["partner_id", "owner", "session"],
        unique=False,
        postgresql_where=sa.text("session IS NOT NULL"),
    )
    op.create_index(
        "cdrs_theirs_idx", "cdrs", ["partner_id", "seq"], unique=False, postgresql_where=sa.text("partner_id <> 0")
    )
    op.create_table(
        "cdr_urls",
        sa.Column("ref", sa.Text(), nullable=False, comment="our CDR: COUNTRY*PARTY/id"),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True, comment="where it can be seen; NULL if the partner did not say"),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("cdr_urls_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ref", "partner_id", name=op.f("cdr_urls_pkey")),
        comment="our CDRs that a partner has",
    )
    op.execute("SELECT count_listing('cdrs')")


def downgrade() -> None:
    op.drop_table("cdr_urls")
    op.drop_index("cdrs_theirs_idx", table_name="cdrs", postgresql_where=sa.text("partner_id <> 0"))
    op.drop_index("cdrs_session_idx", table_name="cdrs", postgresql_where=sa.text("session IS NOT NULL"))
    op.drop_index(
        "cdrs_own_idx",
        table_name="cdrs",
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["rev", "last_updated"],
    )
    op.drop_index(
        "cdrs_own_changed_idx",
        table_name="cdrs",
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["seq"],
    )
    op.drop_index("cdrs_id_idx", table_name="cdrs")
    op.drop_index("cdrs_credits_idx", table_name="cdrs", postgresql_where=sa.text("credits IS NOT NULL"))
    op.drop_index(
        "cdrs_credited_once_idx", table_name="cdrs", postgresql_where=sa.text("partner_id = 0 AND credits IS NOT NULL")
    )
    op.drop_table("cdrs")
