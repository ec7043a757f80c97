"""Which Tariffs of a partner its whole list leaves out."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "unlisted_tariffs"
down_revision: str | None = "unlisted_locations"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "tariffs",
        sa.Column("unlisted", sa.BigInteger(), comment="its rev when its owner's whole list left it out; NULL: listed"),
    )


def downgrade() -> None:
    op.drop_column("tariffs", "unlisted")
