"""When the credentials of a partner are to be renewed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "partners2"
down_revision: str | None = "tariffs2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "partners",
        sa.Column(
            "renew_at", sa.DateTime(timezone=True), comment="when its credentials are to be renewed; NULL: never"
        ),
    )


def downgrade() -> None:
    op.drop_column("partners", "renew_at")
