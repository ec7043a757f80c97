"""Pages of pulls."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pull_pages",
        sa.Column("pull_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column(
            "refs",
            sa.ARRAY(sa.Text()),
            nullable=True,
            comment="the objects on it, OWNER/key; NULL in a crawl of changes",
        ),
        sa.ForeignKeyConstraint(["pull_id"], ["pulls.id"], name=op.f("pull_pages_pull_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pull_id", "number", name=op.f("pull_pages_pkey")),
        comment="the pages of crawls that are not finished",
    )
    op.add_column(
        "pulls",
        sa.Column(
            "since_rev",
            sa.BigInteger(),
            nullable=True,
            comment="what has a higher revision was written while we crawled",
        ),
    )
    op.alter_column(
        "pulls",
        "date_from",
        comment="of this crawl, or of the last one if it is finished; NULL: everything",
        existing_comment="of the crawl that is not finished; NULL: everything",
    )


def downgrade() -> None:
    op.alter_column(
        "pulls",
        "date_from",
        comment="of the crawl that is not finished; NULL: everything",
        existing_comment="of this crawl, or of the last one if it is finished; NULL: everything",
    )
    op.drop_column("pulls", "since_rev")
    op.drop_table("pull_pages")
