"""Which Locations of a partner its whole list leaves out."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "unlisted_locations"
down_revision: str | None = "partners_untold"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "locations",
        sa.Column(
            "unlisted",
            sa.SmallInteger(),
            nullable=False,
            server_default=sa.text("0"),
            comment="how many whole lists in a row left it out; 2 for more",
        ),
    )


def downgrade() -> None:
    op.drop_column("locations", "unlisted")
