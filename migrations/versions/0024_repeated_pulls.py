"""Lists that are fetched again, because a crawl may not have shown all of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "pulls2"
down_revision: str | None = "commands4"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "pull_pages",
        sa.Column(
            "crawl",
            sa.Integer(),
            nullable=False,
            server_default=sa.text("0"),
            comment="pulls.repeats, as it was then",
        ),
    )
    op.drop_constraint(op.f("pull_pages_pkey"), "pull_pages")
    op.create_primary_key(op.f("pull_pages_pkey"), "pull_pages", ["pull_id", "crawl", "number"])
    op.create_table_comment(
        "pull_pages",
        "the pages of crawls that are not finished, and of those before that may not have shown all",
        existing_comment="the pages of crawls that are not finished",
    )
    op.add_column(
        "pulls",
        sa.Column(
            "shrank",
            sa.Boolean(),
            nullable=False,
            server_default=sa.text("false"),
            comment="total was less than on a page before",
        ),
    )
    op.add_column(
        "pulls",
        sa.Column(
            "repeats",
            sa.Integer(),
            nullable=False,
            server_default=sa.text("0"),
            comment="crawls in a row that may not have shown all: the next one fetches the same again",
        ),
    )
    op.add_column(
        "pulls",
        sa.Column("doubt", sa.Text(), nullable=True, comment="of the last one of them, in words; NULL: there is none"),
    )
    op.add_column(
        "pulls",
        sa.Column(
            "together_since",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the first of those began that may, together, have shown all; NULL: objects left the list",
        ),
    )
    op.add_column(
        "pulls",
        sa.Column(
            "unfounded",
            sa.Text(),
            nullable=True,
            comment="a doubt about which a repeat showed that there is no more to be had",
        ),
    )
    op.alter_column(
        "pull_pages",
        "refs",
        comment="the objects on it, OWNER/key",
        existing_comment="the objects on it, OWNER/key; NULL in a crawl of changes",
    )


def downgrade() -> None:
    op.alter_column(
        "pull_pages",
        "refs",
        comment="the objects on it, OWNER/key; NULL in a crawl of changes",
        existing_comment="the objects on it, OWNER/key",
    )
    op.create_table_comment(
        "pull_pages",
        "the pages of crawls that are not finished",
        existing_comment="the pages of crawls that are not finished, and of those before that may not have shown all",
    )
    op.execute("DELETE FROM pull_pages g USING pulls p WHERE p.id = g.pull_id AND g.crawl < p.repeats")
    op.drop_constraint(op.f("pull_pages_pkey"), "pull_pages")
    op.create_primary_key(op.f("pull_pages_pkey"), "pull_pages", ["pull_id", "number"])
    op.drop_column("pull_pages", "crawl")
    for column in ("unfounded", "together_since", "doubt", "repeats", "shrank"):
        op.drop_column("pulls", column)
