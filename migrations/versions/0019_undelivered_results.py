"""Finds the results that partners did not get among all that they got."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "results2"
down_revision: str | None = "commands2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "results_due_undelivered_idx", "results_due", ["id"], postgresql_where=sa.text("state <> 'DELIVERED'")
    )


def downgrade() -> None:
    op.drop_index("results_due_undelivered_idx", table_name="results_due")
