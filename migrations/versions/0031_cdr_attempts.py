"""Of a CDR that a partner has: how many attempts that took."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "cdr_attempts"
down_revision: str | None = "unlisted"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "cdr_urls",
        sa.Column("attempts", sa.Integer(), comment="it took to tell it or to reach the partner; NULL: not counted"),
    )


def downgrade() -> None:
    op.drop_column("cdr_urls", "attempts")
