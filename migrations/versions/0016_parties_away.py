"""Since when parties behind a hub are away."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "hub1"
down_revision: str | None = "console1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "partner_parties",
        sa.Column(
            "away_since",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a party behind a hub went away, by our clock; NULL as soon as what it has since is going to be fetched",
        ),
    )


def downgrade() -> None:
    op.drop_column("partner_parties", "away_since")
