"""For whom a tariff was that has ended."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "tariffs2"
down_revision: str | None = "chargingprofiles1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "tariffs",
        sa.Column("shown_to", sa.Text(), nullable=True, comment="of one that has ended: its audience until then"),
    )


def downgrade() -> None:
    op.drop_column("tariffs", "shown_to")
