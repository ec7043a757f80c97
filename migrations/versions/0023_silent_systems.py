"""Why the operator's system did not say whether it takes a command."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "commands4"
down_revision: str | None = "console2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "inbound_requests",
        sa.Column(
            "silence",
            sa.Text(),
            nullable=True,
            comment="why the operator's system did not say whether it is taken, in words for the operator alone",
        ),
    )


def downgrade() -> None:
    op.drop_column("inbound_requests", "silence")
